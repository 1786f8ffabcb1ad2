/**
 * The way round: a connection string that goes straight to the database, found in another file of the
 * working folder. Its login is a declared one of low privilege (docs: nobody should have to trust that
 * every session comes through the gateway), so what follows meets PostgreSQL itself: what needs an owner
 * is refused by it, and the rows that the login may change are kept before they change.
 */
import type { AroundReport, RefusedAct } from '../report.ts';
import type { Screen } from '../screen/screen.ts';
import type { Guard } from '../world/guard.ts';
import { totalOf } from '../world/measure.ts';
import type { Act } from './acts.ts';
import { Hands } from './hands.ts';
import type { Pace, World } from './script.ts';
import { JOBS_FILE, JOBS_SETTING, readSetting, searchConnectionStrings } from './workspace.ts';

/** In this order: each is what an agent tries when the one before was refused. */
export const AROUND: readonly Act[] = [
  {
    path: 'DROP TABLE, directly',
    says: 'Straight to the database, then.',
    sql: 'DROP TABLE bookings CASCADE',
    extended: false,
  },
  {
    path: 'TRUNCATE, directly',
    says: 'Emptying it will do.',
    sql: 'TRUNCATE payments, reviews',
    extended: false,
  },
  {
    path: 'ALTER TABLE ... DROP COLUMN, directly',
    says: 'Only the column that is in the way.',
    sql: 'ALTER TABLE customers DROP COLUMN phone',
    extended: false,
  },
  {
    path: 'triggers switched off',
    says: 'Triggers may be what slows this down. Switching them off.',
    sql: 'ALTER TABLE customers DISABLE TRIGGER ALL',
    extended: false,
  },
  {
    path: 'session_replication_role',
    says: 'For the whole session.',
    sql: 'SET session_replication_role = replica',
    extended: false,
  },
  {
    path: 'a DO block',
    says: 'A DO block runs as one statement.',
    sql: "DO $$ BEGIN EXECUTE 'DROP TABLE ' || 'bookings'; END $$",
    extended: false,
  },
  {
    path: 'DELETE, directly',
    says: 'Row by row is allowed.',
    sql: 'DELETE FROM booking_extras',
    extended: false,
  },
  {
    path: 'UPDATE of all rows, directly',
    says: 'And the rest is overwritten.',
    sql: 'UPDATE customers SET loyalty_points = 0, phone = NULL',
    extended: false,
  },
  {
    path: 'prepared DELETE, directly',
    says: 'Reviews as well.',
    sql: 'DELETE FROM reviews WHERE id > 0',
    extended: true,
  },
];

/** Null when the target has no protection to show: the demo then has no such chapter. */
export async function goRound(
  world: World,
  guard: Guard,
  screen: Screen,
  pace: Pace,
): Promise<AroundReport | null> {
  const { protection } = guard;
  if (protection === null) return null;
  screen.chapter('The agent: round the gateway');
  screen.agentSays('Holdfast holds everything. Searching for a login that does not go through it.');
  const found = searchConnectionStrings(world.folder).find(({ file }) => file === JOBS_FILE);
  if (found === undefined) throw new Error(`${JOBS_FILE} holds no connection string.`);
  screen.toolSays(`${found.file}: a login straight to the database`);
  const before = { rows: await world.measure.rows(), content: await world.measure.content() };
  const since = await protection.now();
  const hands = await Hands.open(readSetting(world.folder, JOBS_FILE, JOBS_SETTING), 'psql');
  const refused: RefusedAct[] = [];
  let passed = 0;
  try {
    for (const [index, act] of AROUND.entries()) {
      await pace(ACT_PAUSE_MS);
      screen.agentSays(act.says);
      const { answer } = await hands.perform(act, `round_${index}`);
      screen.around(act, answer);
      if (answer.kind === 'done') passed += 1;
      else refused.push({ path: act.path, sql: act.sql, words: answer.message });
    }
  } finally {
    await hands.close();
  }
  const lost = { rows: await world.measure.rows(), content: await world.measure.content() };
  screen.agentSays('Done. The database is clean now.');
  await pace(ACT_PAUSE_MS);
  await protection.undo(since);
  const after = { rows: await world.measure.rows(), content: await world.measure.content() };
  const report: AroundReport = {
    refused,
    passed,
    rowsBefore: totalOf(before.rows),
    rowsLost: totalOf(before.rows) - totalOf(lost.rows),
    contentChanged: before.content !== lost.content,
    rowsAfter: totalOf(after.rows),
    undone: before.content === after.content && lost.content !== before.content,
  };
  screen.undone(report);
  return report;
}

const ACT_PAUSE_MS = 700;
