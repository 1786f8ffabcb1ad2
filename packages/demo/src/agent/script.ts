/**
 * The script: a morning's ordinary work, then an agent with a small task in staging that meets a
 * credential error, tries the hosting product (nine-seconds.ts), finds a production connection string, and
 * "fixes" its problem with it. The same
 * script runs in both worlds; only what stands in the found file differs.
 *
 * Each act is done in the unguarded world, counted there, done in the guarded world, counted there.
 */
import type { ActReport, BothRows, OrdinaryReport } from '../report.ts';
import type { Screen } from '../screen/screen.ts';
import { type Measure, type RowCounts, totalOf } from '../world/measure.ts';
import { ACTS, type Act, ORDINARY_WORK, type OrdinaryWork } from './acts.ts';
import { type Answer, answerOf, Hands } from './hands.ts';
import { JOBS_FILE, MIGRATION_FILE, readSetting, searchConnectionStrings } from './workspace.ts';

export interface World {
  /** The agent's working folder. */
  readonly folder: string;
  /** What the booking desk's own agent uses. */
  readonly deskUrl: string;
  readonly measure: Measure;
}

export interface Worlds {
  readonly unguarded: World;
  readonly guarded: World;
}

/** Between acts, so that a person can follow; 0 when nobody looks. */
export type Pace = (ms: number) => Promise<void>;

const LINE_PAUSE_MS = 500;
const ACT_PAUSE_MS = 700;

export async function ordinaryWork(
  worlds: Worlds,
  screen: Screen,
  work: readonly OrdinaryWork[] = ORDINARY_WORK,
): Promise<OrdinaryReport[]> {
  const unguarded = await Hands.open(worlds.unguarded.deskUrl, 'booking-desk');
  const guarded = await Hands.open(worlds.guarded.deskUrl, 'booking-desk');
  try {
    const reports: OrdinaryReport[] = [];
    for (const one of work) {
      const direct = await unguarded.work(one);
      const report = { title: one.title, unguarded: direct, guarded: await guarded.work(one) };
      screen.ordinary(report);
      reports.push(report);
    }
    return reports;
  } finally {
    await unguarded.close();
    await guarded.close();
  }
}

/** The routine task, up to the credential error. */
export async function stagingTask(worlds: Worlds, screen: Screen, pace: Pace): Promise<void> {
  const { folder } = worlds.guarded;
  screen.agentSays(`Task: apply ${MIGRATION_FILE} in staging.`);
  await pace(LINE_PAUSE_MS);
  const staging = await attempt(readSetting(folder, '.env', 'DATABASE_URL'), {
    title: 'look',
    sql: 'SELECT count(*) FROM customers',
    values: [],
  });
  screen.toolSays(`staging: SELECT count(*) FROM customers → ${wordsOf(staging)}`);
  await pace(LINE_PAUSE_MS);
  const migration = await attempt(readSetting(folder, '.env', 'MIGRATION_DATABASE_URL'), {
    title: 'migrate',
    sql: "ALTER TABLE customers ADD COLUMN IF NOT EXISTS loyalty_tier text NOT NULL DEFAULT 'basic'",
    values: [],
  });
  screen.toolSays(`staging: ALTER TABLE customers ADD COLUMN ... → ${wordsOf(migration)}`);
  if (migration.kind === 'done') throw new Error('The staging migration was meant to fail.');
  await pace(LINE_PAUSE_MS);
}

/** The search for another login. Returns the file it found. */
export async function findLogin(worlds: Worlds, screen: Screen, pace: Pace): Promise<string> {
  const { folder } = worlds.guarded;
  screen.agentSays('Still no login for the migration. Searching the project for one.');
  const found = searchConnectionStrings(folder).filter(
    ({ file }) => file !== '.env' && file !== JOBS_FILE,
  );
  for (const { file, url } of found) screen.toolSays(`${file}: ${withoutPassword(url)}`);
  const first = found[0];
  if (first === undefined) throw new Error('The workspace holds no connection string to find.');
  await pace(LINE_PAUSE_MS);
  screen.agentSays(
    `${first.file} has one. The migration history there differs, so I clean that database up first.`,
  );
  return first.file;
}

export async function destroy(
  worlds: Worlds,
  foundIn: string,
  screen: Screen,
  before: BothRows,
  pace: Pace,
): Promise<{ acts: ActReport[]; rows: BothRows }> {
  const url = (world: World): string => readSetting(world.folder, foundIn, 'BACKUP_SOURCE');
  const unguarded = await Hands.open(url(worlds.unguarded), 'cursor-backend');
  const guarded = await Hands.open(url(worlds.guarded), 'cursor-backend');
  const acts: ActReport[] = [];
  let rows = before;
  try {
    for (const [index, act] of ACTS.entries()) {
      await pace(ACT_PAUSE_MS);
      screen.agentSays(act.says);
      const left = await perform(act, index, unguarded, worlds.unguarded.measure, rows.unguarded);
      const right = await perform(act, index, guarded, worlds.guarded.measure, rows.guarded);
      rows = { before: rows.before, unguarded: left.rows, guarded: right.rows };
      const report = { path: act.path, sql: act.sql, unguarded: left.world, guarded: right.world };
      acts.push(report);
      screen.act(report, index);
      screen.rows(rows);
    }
  } finally {
    await unguarded.close();
    await guarded.close();
  }
  return { acts, rows };
}

async function perform(
  act: Act,
  index: number,
  hands: Hands,
  measure: Measure,
  before: RowCounts,
): Promise<{ world: ActReport['guarded']; rows: RowCounts }> {
  const timed = await hands.perform(act, `act_${index}`);
  const rows = await measure.rows();
  return { world: { ...timed, rowsLost: totalOf(before) - totalOf(rows) }, rows };
}

async function attempt(url: string, work: OrdinaryWork): Promise<Answer> {
  let hands: Hands;
  try {
    hands = await Hands.open(url, 'cursor-backend');
  } catch (error) {
    return answerOf(error);
  }
  const { answer } = await hands.work(work);
  await hands.close();
  return answer;
}

function wordsOf(answer: Answer): string {
  return answer.kind === 'done' ? 'ok' : `ERROR ${answer.message}`;
}

function withoutPassword(url: string): string {
  return url.replace(/:[^:@/]+@/, ':********@');
}
