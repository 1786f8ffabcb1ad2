/**
 * `npm run bench:drain`: how long a captured row stays in the target after its commit, while writers
 * commit 5,000 captured rows a second. Two servers from npm with fsync on, the vault's and the target's;
 * the drain runs in this process as it does in the gateway.
 *
 * - lag: from the client's COMMIT to the vault's, per transaction; the same clock on both sides.
 * - transactions of 50 rows and of 5 rows: few large items, and many small ones.
 * - drain per second: one backlog, taken out at once, beside COPY of the same rows to nowhere (how fast
 *   they can leave the target at all).
 *
 * BENCH_SECONDS (default 5) is the length of each load. On a shared machine only the ratios mean
 * something. Nothing here is a test.
 */
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '#holdfast/model/clock.js';
import { openTargetDatabase } from '#holdfast/protection/postgres/admin.js';
import { Drain } from '#holdfast/protection/postgres/drain.js';
import type { TargetDatabase } from '#holdfast/protection/target-database.js';
import { AdvisoryLock } from '#holdfast/store/advisory-lock.js';
import { type Database, openDatabase } from '#holdfast/store/database.js';
import { EmbeddedPostgres } from '#holdfast/store/embedded-postgres.js';
import { migrate } from '#holdfast/store/migrate.js';
import { MIGRATIONS } from '#holdfast/store/migrations/index.js';
import { SqlUndoStore } from '#holdfast/store/undo-store.js';

const ROWS_PER_SECOND = 5_000;
const WRITERS = 8;
const SECONDS = Number(process.env['BENCH_SECONDS'] ?? 5);
const BACKLOG_ROWS = 500_000;
const GRACE_MS = 48 * 60 * 60 * 1000;

/** By the contract (docs/decisions/0006); a statement captures as the triggers do. */
const LAYOUT = `
  create schema holdfast;
  create sequence holdfast.seq;
  create table holdfast.meta (key text primary key, value jsonb not null);
  create table holdfast.shapes (shape_id bigint primary key, table_oid oid, schema_name name,
    table_name name, columns jsonb, key jsonb);
  create table holdfast.journal (
    seq bigint primary key default nextval('holdfast.seq'),
    txid xid8 not null default pg_current_xact_id(), at timestamptz not null default clock_timestamp(),
    role name not null default session_user, pid int not null default pg_backend_pid(),
    application text, shape_id bigint, op "char" not null, rows bigint not null, detail jsonb);
  create table holdfast.c1 (seq bigint not null, n bigint not null, side "char" not null, c1 int,
    c2 text, c3 timestamptz);
  insert into holdfast.meta values ('install', '"bench"');
  insert into holdfast.shapes values (1, 1, 'public', 'bookings', '[]', '[]');`;

const CAPTURE = `
  with statement as (
    insert into holdfast.journal (shape_id, op, rows) values (1, 'D', $1::int) returning seq, txid
  ), captured as (
    insert into holdfast.c1 select seq, n, '-', n, md5(n::text), now()
    from statement, generate_series(1, $1::int) n)
  select txid::text from statement`;

/** Knows when each transaction was committed, and is told when the vault has it. */
class Lags {
  readonly committedAtMs = new Map<string, number>();
  readonly durableAtMs = new Map<string, number>();

  /** Sorted, in ms; of those that are in both. */
  all(): number[] {
    return [...this.committedAtMs]
      .flatMap(([txid, at]) => {
        const durable = this.durableAtMs.get(txid);
        // A commit may be seen by the drain before its client hears of it.
        return durable === undefined ? [] : [Math.max(0, durable - at)];
      })
      .sort((a, b) => a - b);
  }
}

class TimedStore extends SqlUndoStore {
  lags = new Lags();

  override async keep(
    batch: Parameters<SqlUndoStore['keep']>[0],
  ): Promise<{ readonly kept: number; readonly known: number }> {
    const kept = await super.keep(batch);
    const now = performance.now();
    for (const { txid } of batch.items) this.lags.durableAtMs.set(txid, now);
    return kept;
  }
}

function at(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

async function load(target: TargetDatabase, lags: Lags, rows: number): Promise<number> {
  const everyMs = (1_000 * rows * WRITERS) / ROWS_PER_SECOND;
  const started = performance.now();
  const end = started + SECONDS * 1_000;
  let written = 0;
  const writer = async (number: number): Promise<void> => {
    let due = started + (everyMs * number) / WRITERS;
    while (due < end) {
      const left = due - performance.now();
      if (left > 0) await new Promise((done) => setTimeout(done, left));
      const answer = await target.query(CAPTURE, [rows]);
      lags.committedAtMs.set(String(answer[0]?.['txid']), performance.now());
      written += rows;
      due += everyMs;
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, (_, number) => writer(number)));
  return written / ((performance.now() - started) / 1_000);
}

async function measure(target: TargetDatabase, database: Database): Promise<void> {
  const store = new TimedStore(database, systemClock);
  const drain = new Drain({
    target,
    store,
    lock: new AdvisoryLock(database, 'drain bench'),
    clock: systemClock,
    graceMs: GRACE_MS,
    agentOf: () => null,
  });
  drain.start();
  for (const rows of [50, 5]) {
    store.lags = new Lags();
    const perSecond = await load(target, store.lags, rows);
    await drain.drainOnce();
    const lags = store.lags.all();
    console.log(
      `lag, ${String(rows).padStart(2)} rows a transaction, ${perSecond.toFixed(0)} rows/s: ` +
        `p50 ${at(lags, 0.5).toFixed(0)} ms, p99 ${at(lags, 0.99).toFixed(0)} ms, ` +
        `most ${(lags.at(-1) ?? Number.NaN).toFixed(0)} ms (${lags.length} transactions)`,
    );
  }
  await drain.stop();
  await backlog(target, drain);
}

async function backlog(target: TargetDatabase, drain: Drain): Promise<void> {
  await target.query(CAPTURE, [BACKLOG_ROWS]);
  const copying = performance.now();
  await target.transaction('repeatable read', async (session) => {
    for await (const _ of session.copyOut('copy holdfast.c1 to stdout')) {
      // Nowhere.
    }
  });
  const copied = performance.now() - copying;
  const draining = performance.now();
  await drain.drainOnce();
  const drained = performance.now() - draining;
  const rate = (ms: number): string => `${((BACKLOG_ROWS / ms) * 1_000).toFixed(0)} rows/s`;
  console.log(
    `one transaction of ${BACKLOG_ROWS} rows: drained at ${rate(drained)}, ` +
      `COPY out alone ${rate(copied)}, ratio ${(copied / drained).toFixed(2)}`,
  );
}

async function start(folder: string, name: string): Promise<EmbeddedPostgres> {
  const own = join(folder, name);
  mkdirSync(own, { mode: 0o711 });
  return EmbeddedPostgres.start({ folder: own, clock: systemClock });
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-bench-'));
  // As root, the server is another user, who must get in.
  chmodSync(folder, 0o711);
  const vault = await start(folder, 'vault');
  const server = await start(folder, 'target');
  const database = await openDatabase({ connection: vault.connection });
  const { connection } = server;
  const target = openTargetDatabase({
    target: 'bench',
    connection: { ...connection, password: () => connection.password, ssl: false },
    poolSize: WRITERS + 2,
  });
  try {
    await migrate(database, MIGRATIONS, systemClock);
    await target.query(LAYOUT);
    await measure(target, database);
  } finally {
    await target.close();
    await database.close();
    await vault.stop();
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

await main();
