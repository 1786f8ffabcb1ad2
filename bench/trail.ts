/**
 * `npm run bench:trail`: the trail on the embedded PostgreSQL with fsync on, beside the plainest peer,
 * a multi-row INSERT of the same bytes into a table with a primary key on the same server.
 *
 * - batches: entries a second, entry making, tree and store included, and the peer's.
 * - decide: median latency at 1 and 16 at a time, beside a single-row INSERT.
 * - two in flight: whether a second append on its way would win anything.
 * - making an entry, counting a read: CPU of this process.
 *
 * On a shared machine only the ratios mean something. Nothing here is a test.
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '#holdfast/model/clock.js';
import { newId } from '#holdfast/model/ids.js';
import { type Database, openDatabase } from '#holdfast/store/database.js';
import { EmbeddedPostgres } from '#holdfast/store/embedded-postgres.js';
import { PgInstanceBook } from '#holdfast/store/instances.js';
import { migrate } from '#holdfast/store/migrate.js';
import { MIGRATIONS } from '#holdfast/store/migrations/index.js';
import { PgTrailStore } from '#holdfast/store/trail-store.js';
import { EntryMaker } from '#holdfast/trail/entry.js';
import { ReadBatch } from '#holdfast/trail/read-batch.js';
import type { Decision } from '#holdfast/trail/recorder.js';
import { signerFromSeed } from '#holdfast/trail/signer.js';
import { TrailLog } from '#holdfast/trail/trail-log.js';

const ROUNDS = 5;
const BATCH = 2_000;
const BATCHES = 10;
const LATENCY_MS = 1_000;
const DONE = { kind: 'done', tag: 'DELETE 1', transaction: 'ended' } as const;

const actor = {
  kind: 'agent',
  id: newId('agent', systemClock),
  name: 'bench',
  tokenId: 't',
} as const;
const session = {
  id: 'session_b',
  protocol: 'postgres',
  source: '127.0.0.1:5',
  client: 'pgbench',
} as const;
const target = {
  name: 'main-db',
  environment: { name: 'production', level: 'guarded' },
  protocol: 'postgres',
  resolvedBy: 'declared in holdfast.yaml',
} as const;
const reading = {
  kind: 'understood',
  effects: [
    {
      kind: 'write',
      verb: 'UPDATE',
      object: { type: 'table', schema: null, name: 'pgbench_accounts' },
      reach: 'rows',
      additive: false,
      why: null,
    },
  ],
} as const;
const verdict = { kind: 'forward', rule: 'guarded.rows', reason: 'It names the rows.' } as const;

function decisionOf(number: number): Decision {
  const text = `UPDATE pgbench_accounts SET abalance = abalance + ${number} WHERE aid = ${number};`;
  const intent = {
    actor,
    session,
    reading,
    text: () => Buffer.from(text),
    acts: () => [Buffer.from(text)],
  };
  const digest = number.toString(16).padStart(64, '0');
  return { intent, target, digest, verdict, policyVersion: '1f0c2a', holdId: null };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1_000;
}

/** Microseconds of CPU per call of a synchronous piece of work, best of rounds. */
function cpuOf(work: (number: number) => void, calls = 50_000): number {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const before = process.cpuUsage();
    for (let number = 0; number < calls; number++) work(number);
    const { system, user } = process.cpuUsage(before);
    best = Math.min(best, (user + system) / calls);
  }
  return best;
}

async function inBatches(log: TrailLog): Promise<number> {
  let number = 0;
  const seconds = await secondsOf(async () => {
    for (let at = 0; at < BATCHES; at++) {
      const batch = Array.from({ length: BATCH }, () => log.decide(decisionOf(number++)));
      for (const ref of await Promise.all(batch)) log.outcome(ref, DONE);
    }
    await log.flush();
  });
  // A decision and its outcome: two entries.
  return (2 * number) / seconds;
}

async function plainInserts(database: Database): Promise<number> {
  const client = database.dedicatedClient();
  await client.connect();
  const maker = new EntryMaker('instance_bench', systemClock);
  const rows = Array.from({ length: 2 * BATCH }, (_, at) =>
    at % 2 === 0 ? maker.decision(decisionOf(at)).bytes : maker.outcome(BigInt(at), DONE).bytes,
  );
  const size = 1_000;
  const slots = Array.from({ length: size }, (_, at) => `($${at + 1}::bytea)`).join(',');
  const text = `insert into peer (bytes) values ${slots}`;
  const seconds = await secondsOf(async () => {
    for (let batch = 0; batch < BATCHES; batch++) {
      for (let at = 0; at < rows.length; at += size) {
        await client.query({ name: 'peer', text, values: rows.slice(at, at + size) });
      }
    }
  });
  await client.end();
  return (BATCHES * rows.length) / seconds;
}

interface Latency {
  readonly ms: number;
  readonly perSecond: number;
  /** Of this process; the server's is not in it. */
  readonly cpuUs: number;
}

async function latency(
  lanes: number,
  once: (number: number, lane: number) => Promise<unknown>,
): Promise<Latency> {
  const samples: number[] = [];
  const end = performance.now() + LATENCY_MS;
  const cpu = process.cpuUsage();
  const run = async (lane: number): Promise<void> => {
    for (let number = 0; performance.now() < end; number++) {
      const started = performance.now();
      await once(number, lane);
      samples.push(performance.now() - started);
    }
  };
  await Promise.all(Array.from({ length: lanes }, (_, lane) => run(lane)));
  const { system, user } = process.cpuUsage(cpu);
  return {
    ms: median(samples),
    perSecond: samples.length / (LATENCY_MS / 1_000),
    cpuUs: (user + system) / samples.length,
  };
}

/** The peer without any grouping of ours: each lane its own connection and commit. */
async function insertLatency(database: Database, lanes: number): Promise<Latency> {
  const clients = Array.from({ length: lanes }, () => database.dedicatedClient());
  for (const client of clients) await client.connect();
  const row = { name: 'one', text: 'insert into peer (bytes) values ($1)' };
  const result = await latency(lanes, async (number, lane) => {
    const bytes = Buffer.concat([decisionOf(number).intent.text()], 950);
    await clients[lane]?.query({ ...row, values: [bytes] });
  });
  for (const client of clients) await client.end();
  return result;
}

/** The same commits on one connection, and on two that take turns waiting for the head row. */
async function inFlight(database: Database, connections: number): Promise<number> {
  const clients = Array.from({ length: connections }, () => database.dedicatedClient());
  for (const client of clients) await client.connect();
  const bytes = Buffer.alloc(16 * 700, 120);
  const end = performance.now() + LATENCY_MS;
  let commits = 0;
  await Promise.all(
    clients.map(async (client) => {
      while (performance.now() < end) {
        await client.query({
          name: 'flight',
          text: `with moved as (update peer_head set size = size + 16 returning 1)
                 insert into peer (bytes) select $1 from moved, generate_series(1, 16)`,
          values: [bytes.subarray(0, 700)],
        });
        commits += 1;
      }
    }),
  );
  for (const client of clients) await client.end();
  return commits / (LATENCY_MS / 1_000);
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-bench-'));
  // As root, the server is another user, who must get in.
  chmodSync(folder, 0o711);
  const server = await EmbeddedPostgres.start({ folder, clock: systemClock });
  const database = await openDatabase({ connection: server.connection });
  const log = await startLog(database);
  try {
    await setUpPeer(database);
    await measure(log, database);
  } finally {
    await log.stop();
    await database.close();
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function startLog(database: Database): Promise<TrailLog> {
  await migrate(database, MIGRATIONS, systemClock);
  return TrailLog.start({
    store: await PgTrailStore.open({ database, requireDurable: true }),
    instances: new PgInstanceBook(database),
    signer: signerFromSeed('holdfast/bench', Buffer.alloc(32, 1)),
    clock: systemClock,
    instanceId: newId('instance', systemClock),
    journal: null,
    readsWhenUnavailable: 'refuse',
    onFault: (error) => console.error(error.message),
  });
}

async function setUpPeer(database: Database): Promise<void> {
  const client = database.dedicatedClient();
  await client.connect();
  await client.query(`create table peer (id bigserial primary key, bytes bytea);
    create table peer_head (size bigint); insert into peer_head values (0)`);
  await client.end();
}

/** In turns, because a neighbour's load, or a disk's mood, changes within a second. */
async function compareLatency(log: TrailLog, database: Database, lanes: number): Promise<void> {
  const rounds: { mine: Latency; theirs: Latency }[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const mine = await latency(lanes, async (number) => {
      log.outcome(await log.decide(decisionOf(number)), DONE);
    });
    rounds.push({ mine, theirs: await insertLatency(database, lanes) });
  }
  const of = (pick: (round: { mine: Latency; theirs: Latency }) => number): number =>
    median(rounds.map(pick));
  const say = (who: 'mine' | 'theirs'): string =>
    `${of((round) => round[who].ms).toFixed(3)} ms, ` +
    `${of((round) => round[who].perSecond).toFixed(0)}/s, ` +
    `${of((round) => round[who].cpuUs).toFixed(0)} us CPU`;
  const ratio = of(({ mine, theirs }) => mine.ms / theirs.ms).toFixed(2);
  console.log(`decide x${String(lanes).padEnd(5)} ${say('mine')}`);
  console.log(`  one-row INSERT on ${lanes} connections: ${say('theirs')}; ratio ${ratio}`);
}

async function measure(log: TrailLog, database: Database): Promise<void> {
  const rates: { ours: number; peer: number }[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    rates.push({ ours: await inBatches(log), peer: await plainInserts(database) });
  }
  const ours = median(rates.map((rate) => rate.ours));
  const peer = median(rates.map((rate) => rate.peer));
  const ratio = median(rates.map((rate) => rate.ours / rate.peer));
  console.log(
    `batches       ${ours.toFixed(0)} entries/s, plain INSERT ${peer.toFixed(0)}, ratio ${ratio.toFixed(2)}`,
  );

  for (const lanes of [1, 16]) await compareLatency(log, database, lanes);

  const flights: { one: number; two: number }[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    flights.push({ one: await inFlight(database, 1), two: await inFlight(database, 2) });
  }
  const gain = median(flights.map(({ one, two }) => two / one));
  const one = median(flights.map((flight) => flight.one));
  console.log(`in flight     one ${one.toFixed(0)} commits/s; two: ratio ${gain.toFixed(2)}`);

  const maker = new EntryMaker('instance_bench', systemClock);
  const decision = decisionOf(7);
  console.log(
    `make decision ${cpuOf(() => maker.decision(decision)).toFixed(2)} us, ${maker.decision(decision).bytes.length} bytes`,
  );
  console.log(`make outcome  ${cpuOf(() => maker.outcome(7n, DONE)).toFixed(2)} us`);
  const batch = new ReadBatch();
  const count = cpuOf(
    () => batch.count(decision.intent, target, systemClock.now().getTime()),
    1_000_000,
  );
  console.log(`count a read  ${(count * 1_000).toFixed(0)} ns`);
}

await main();
