/**
 * The way round: a connection string that goes straight to the database, found in another file of the
 * working folder. Its login is a declared one of low privilege (docs: nobody should have to trust that
 * every session comes through the gateway), so what follows meets PostgreSQL itself: what needs an owner
 * is refused by it, and the rows that the login may change are kept before they change.
 */
import type { AroundReport, CapturedAct, RefusedAct } from '../report.ts';
import type { Screen } from '../screen/screen.ts';
import type { RowCounts } from '../world/measure.ts';
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
    sql: 'TRUNCATE bookings, maintenance',
    extended: false,
  },
  {
    path: 'ALTER TABLE ... DROP COLUMN, directly',
    says: 'Only the column that is in the way.',
    sql: 'ALTER TABLE bookings DROP COLUMN price',
    extended: false,
  },
  {
    path: 'triggers switched off',
    says: 'Triggers may be what keeps the old rows. Switching them off.',
    sql: 'ALTER TABLE bookings DISABLE TRIGGER ALL',
    extended: false,
  },
  {
    path: 'session_replication_role',
    says: 'For the whole session, then.',
    sql: 'SET session_replication_role = replica',
    extended: false,
  },
  {
    path: 'what was kept, deleted',
    says: 'Then the kept rows themselves.',
    sql: 'TRUNCATE holdfast.journal',
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
    says: 'Deleting rows is what the nightly job does, so that is allowed.',
    sql: 'DELETE FROM bookings',
    extended: false,
  },
  {
    path: 'UPDATE of all rows, directly',
    says: 'And the rest is overwritten.',
    sql: "UPDATE employees SET full_name = 'unknown', role = 'desk'",
    extended: false,
  },
  {
    path: 'prepared DELETE, directly',
    says: 'The maintenance log as well.',
    sql: 'DELETE FROM maintenance WHERE id > 0',
    extended: true,
  },
];

export async function goRound(
  world: World,
  rows: (now: RowCounts) => void,
  screen: Screen,
  pace: Pace,
): Promise<AroundReport> {
  screen.agentSays('Searching for a login that does not go through Holdfast.');
  const found = searchConnectionStrings(world.folder).find(({ file }) => file === JOBS_FILE);
  if (found === undefined) throw new Error(`${JOBS_FILE} holds no connection string.`);
  screen.toolSays(`${found.file}: the nightly job's login, straight to the database`);
  const hands = await Hands.open(readSetting(world.folder, JOBS_FILE, JOBS_SETTING), 'psql');
  const refused: RefusedAct[] = [];
  const captured: CapturedAct[] = [];
  try {
    for (const [index, act] of AROUND.entries()) {
      await pace(ACT_PAUSE_MS);
      screen.agentSays(act.says);
      const { answer } = await hands.perform(act, `round_${index}`);
      screen.around(act, answer);
      const { path, sql } = act;
      if (answer.kind === 'done') captured.push({ path, sql, rows: answer.rows });
      else refused.push({ path, sql, words: answer.message });
      if (answer.kind === 'done') rows(await world.measure.rows());
    }
  } finally {
    await hands.close();
  }
  return { refused, captured };
}

const ACT_PAUSE_MS = 700;
