/**
 * How long a captured row stays in the target after its commit, in the system as a user runs it: agents
 * write through Holdfast at 5,000 captured rows a second, in large transactions and in small ones.
 *
 * A transaction's lag is from the answer to its COMMIT (its one statement) to the look at the target that
 * no longer finds it there. It is taken away there only after the vault has it durably, so the lag is
 * overstated by that removal and by the time between two looks, and never understated.
 */
import pg from 'pg';
import type { Pair } from './overhead.ts';
import type { Door } from './pgbench.ts';

const ROWS_PER_SECOND = 5_000;
const WRITERS = 8;
const LOOK_MS = 10;
/** A drain that does not come to its end is a finding, not a wait. */
const DRAINED_MS_MAX = 30_000;
/** Only a superuser, or Holdfast, may look into the journal. */
const SUPERUSER = 'postgres';
const TABLE = 'drain_lag';

export interface DrainLag {
  readonly rowsPerTransaction: number;
  readonly rowsPerSecond: number;
  readonly transactions: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly mostMs: number;
}

export async function measureDrainLag(
  { captured }: Pair,
  rows: number,
  seconds: number,
): Promise<DrainLag> {
  const watcher = clientOf(captured.owner, SUPERUSER);
  const owner = clientOf(captured.owner);
  const writers = Array.from({ length: WRITERS }, () => clientOf(captured.agent));
  try {
    await Promise.all([owner.connect(), watcher.connect()]);
    await owner.query(`create table if not exists ${TABLE} (id int, v text, at timestamptz)`);
    await Promise.all(writers.map((writer) => writer.connect()));
    const committed = new Map<string, number>();
    const lags: number[] = [];
    const load = writeAtRate(writers, rows, seconds, committed);
    const looks = lookUntilDrained(watcher, committed, lags, load);
    const { written, elapsedMs } = await load;
    await looks;
    lags.sort((a, b) => a - b);
    return {
      rowsPerTransaction: rows,
      rowsPerSecond: (written / elapsedMs) * 1_000,
      transactions: lags.length,
      p50Ms: at(lags, 0.5),
      p99Ms: at(lags, 0.99),
      mostMs: lags.at(-1) ?? Number.NaN,
    };
  } finally {
    await Promise.all([...writers, owner, watcher].map((client) => client.end().catch(() => {})));
  }
}

async function writeAtRate(
  writers: readonly pg.Client[],
  rows: number,
  seconds: number,
  committed: Map<string, number>,
): Promise<{ readonly written: number; readonly elapsedMs: number }> {
  const everyMs = (1_000 * rows * WRITERS) / ROWS_PER_SECOND;
  const insert = `insert into ${TABLE} select n, md5(n::text), now() from generate_series(1, ${rows}) n
    returning pg_current_xact_id()::text as txid`;
  const started = performance.now();
  const end = started + seconds * 1_000;
  let written = 0;
  await Promise.all(
    writers.map(async (writer, number) => {
      for (let due = started + (everyMs * number) / WRITERS; due < end; due += everyMs) {
        const left = due - performance.now();
        if (left > 0) await new Promise((done) => setTimeout(done, left));
        const answer = await writer.query<{ txid: string }>(insert);
        committed.set(answer.rows[0]?.txid ?? '', performance.now());
        written += rows;
      }
    }),
  );
  return { written, elapsedMs: performance.now() - started };
}

/** What was committed before a look and is not seen by it has left. */
async function lookUntilDrained(
  watcher: pg.Client,
  committed: Map<string, number>,
  lags: number[],
  load: Promise<unknown>,
): Promise<void> {
  let isLoading = true;
  const over = (): void => {
    isLoading = false;
  };
  void load.then(over, over);
  let loadedAt = Number.POSITIVE_INFINITY;
  while (isLoading || committed.size > 0) {
    if (!isLoading) loadedAt = Math.min(loadedAt, performance.now());
    if (performance.now() - loadedAt > DRAINED_MS_MAX) {
      throw new Error(
        `${committed.size} transactions are not drained ${DRAINED_MS_MAX} ms after the load.`,
      );
    }
    const before = new Set(committed.keys());
    const { rows } = await watcher.query<{ txid: string }>(
      'select distinct txid::text as txid from holdfast.journal',
    );
    const now = performance.now();
    const there = new Set(rows.map(({ txid }) => txid));
    for (const txid of before) {
      if (there.has(txid)) continue;
      lags.push(now - (committed.get(txid) ?? now));
      committed.delete(txid);
    }
    await new Promise((done) => setTimeout(done, LOOK_MS));
  }
}

function at(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

function clientOf(door: Door, user: string = door.user): pg.Client {
  const { host, port, password, database } = door;
  const client = new pg.Client({ host, port, user, password, database, ssl: false });
  client.on('error', () => {});
  return client;
}
