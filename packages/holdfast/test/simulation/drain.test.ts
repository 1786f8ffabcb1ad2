/**
 * Nothing is lost, nothing is doubled, nothing goes early: a drain, the vault's server and the target's
 * server die at every step of capture -> commit -> drain -> prune -> purge, in an order that the seed
 * gives, under writers that never stop, with a wall clock that is set forward and back by days.
 *
 * The oracle is what the writers know of their own transactions, and a log that triggers in the vault
 * keep of it (what came in, what went, when by the server's own clock): neither is our code's word.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { systemClock } from '../../src/model/clock.ts';
import type { TargetDatabase } from '../../src/protection/target-database.ts';
import { openDatabase } from '../../src/store/database.ts';
import { migrate } from '../../src/store/migrate.ts';
import { MIGRATIONS } from '../../src/store/migrations/index.ts';
import { captureTarget } from '../../src/testing/captured-target.ts';
import { type ScratchPostgres, startScratchPostgres } from '../../src/testing/scratch-postgres.ts';
import { Seeded } from './seeded.ts';
import { type Ending, Workload } from './workload.ts';

const SEED = 20_261_121;
const TABLES = 2;
const WRITERS = 3;
const GRACE_MS = 500;
const HOUR_MS = 3_600_000;
const REACHED_MS_MAX = 30_000;
const DRAINED_MS_MAX = 30_000;

const STEPS = [
  'read',
  'copy',
  'keep',
  'kept',
  'prune-rows',
  'prune-journal',
  'pruned',
  'purge-begun',
  'purge-trash',
  'purge-finish',
  'purged',
] as const;
const VICTIMS = ['drain', 'vault', 'target'] as const;

const CHILD = fileURLToPath(new URL('./drain-child.mjs', import.meta.url));
const BUILT = fileURLToPath(new URL('../../dist/protection/grace.js', import.meta.url));

/** All that ever came into the vault, and when an item came and went. */
const LOG = `
  create table public.came (item text, shape bigint, gzip boolean, data bytea);
  create table public.moments (item text, kept timestamptz default clock_timestamp(),
    begun timestamptz, grace bigint);
  create function public.log_chunk() returns trigger language plpgsql as $$ begin
    insert into public.came values (new.item_id, new.shape_id, new.is_gzip, new.data);
    return new; end $$;
  create trigger log_chunk after insert on holdfast.undo_chunks
    for each row execute function public.log_chunk();
  create function public.log_item() returns trigger language plpgsql as $$ begin
    if tg_op = 'INSERT' then insert into public.moments (item) values (new.id);
    elsif new.purge_begun_tick_ms is not null and old.purge_begun_tick_ms is null then
      update public.moments set begun = clock_timestamp() where item = new.id; end if;
    return new; end $$;
  create trigger log_item after insert or update on holdfast.undo_items
    for each row execute function public.log_item();
  create function public.log_gone() returns trigger language plpgsql as $$ begin
    if not exists (select from public.moments m where m.item = old.item_id and m.begun is not null)
      then raise exception 'data of % went without a purge', old.item_id; end if;
    return old; end $$;
  create trigger log_gone before delete on holdfast.undo_chunks
    for each row execute function public.log_gone();`;

let vault: ScratchPostgres;
let server: ScratchPostgres;
let target: TargetDatabase;

beforeAll(async () => {
  vault = await startScratchPostgres();
  server = await startScratchPostgres();
  target = await captureTarget(server, 'captured', TABLES);
  const database = await openDatabase({ connection: { url: vault.url() } });
  await migrate(database, MIGRATIONS, systemClock);
  await database.close();
  await askVault(LOG);
}, 120_000);
afterAll(async () => {
  await target?.close();
  await vault?.stop();
  await server?.stop();
});

it.skipIf(!existsSync(BUILT))(
  'every committed row is in vault or target exactly once, and nothing goes before its time',
  async () => {
    const random = new Seeded(SEED);
    const workload = new Workload(server.url('captured'), TABLES);
    workload.start(WRITERS, SEED);
    const rounds = random.shuffled(
      STEPS.flatMap((step) => VICTIMS.map((victim) => ({ step, victim }))),
    );
    let child = new DrainChild();
    const missed: string[] = [];
    for (const { step, victim } of rounds) {
      child.say(`jump ${random.whole(-72, 72) * HOUR_MS}`);
      if (!(await child.reaches(step))) missed.push(`${step}, for ${victim}`);
      if (victim === 'drain') {
        await child.kill();
        child = new DrainChild();
        continue;
      }
      const struck = victim === 'vault' ? vault : server;
      await struck.crash();
      child.say('go');
      await new Promise((done) => setTimeout(done, random.whole(0, 300)));
      await struck.startAgain();
    }
    await workload.stop();
    const left = await drainedEmpty();
    await child.kill();
    expect(missed).toEqual([]);
    expect(left).toEqual({ journal: 0, captured: 0 });

    const seen = await seenInVault();
    const wrong = workload.written.flatMap(({ ids, ending }) => complaint(ids, ending, seen));
    expect(wrong.slice(0, 10)).toEqual([]);
    const count = (wanted: Ending): number =>
      workload.written.filter(({ ending }) => ending === wanted).length;
    expect(count('committed')).toBeGreaterThan(rounds.length);
    expect(count('rolled-back')).toBeGreaterThan(0);
    await expectNothingEarly();
    console.log(
      `${rounds.length} kills: ${count('committed')} transactions committed, ` +
        `${count('rolled-back')} rolled back, ${count('unknown')} unknown, ` +
        `${seen.size} rows in the vault`,
    );
  },
  240_000,
);

function complaint(
  ids: readonly number[],
  ending: Ending,
  seen: ReadonlyMap<number, number>,
): string[] {
  const times = ids.map((id) => seen.get(id) ?? 0);
  const isWhole = times.every((count) => count === 1);
  const isNothing = times.every((count) => count === 0);
  const isRight =
    ending === 'committed' ? isWhole : ending === 'rolled-back' ? isNothing : isWhole || isNothing;
  if (isRight) return [];
  const there = [...new Set(times)].map((count) => `${count} times`).join(' and ');
  return [`${ending}: of the rows from ${ids[0]} on some are there ${there}`];
}

/** How often each row ever came into the vault; the target has none left. */
async function seenInVault(): Promise<ReadonlyMap<number, number>> {
  const seen = new Map<number, number>();
  const client = new pg.Client({ connectionString: vault.url() });
  await client.connect();
  const { rows } = await client.query<{ gzip: boolean; data: Buffer }>(
    'select gzip, data from public.came',
  );
  await client.end();
  for (const { gzip, data } of rows) {
    const lines = String(gzip ? gunzipSync(data) : data);
    for (const line of lines.split('\n').slice(0, -1)) {
      const [, , side, text] = line.split('\t');
      const id = side === '-' ? -Number(text) : Number(text);
      seen.set(id, (seen.get(id) ?? 0) + 1);
    }
  }
  return seen;
}

/** By the clock of the vault's server, which no jump of ours has touched. */
async function expectNothingEarly(): Promise<void> {
  const [times] = await askVault(`
    select count(*)::int as purged,
      (min(extract(epoch from begun - kept)) * 1000)::float8 as shortest_ms
    from public.moments where begun is not null`);
  expect(times?.['purged']).toBeGreaterThan(10);
  expect(times?.['shortest_ms']).toBeGreaterThanOrEqual(GRACE_MS);
  const [states] = await askVault(`
    select count(*) filter (where i.state = 'purged')::int as purged,
      count(*) filter (where i.state = 'purged' and exists (
        select from holdfast.undo_chunks c where c.item_id = i.id))::int as half
    from holdfast.undo_items i`);
  expect(states?.['purged']).toBeGreaterThan(10);
  expect(states?.['half']).toBe(0);
  const trash = await target.query(`
    select n.nspname::text as name from pg_namespace n where n.nspname like 'holdfast_trash_%'`);
  const [named] = await askVault(
    `select count(*)::int as known from holdfast.undo_trash where name = any($1)`,
    [trash.map(({ name }) => name)],
  );
  // What is left in the trash is still needed by an item that is not purged.
  expect(named?.['known']).toBe(trash.length);
}

async function drainedEmpty(): Promise<unknown> {
  const counted = Array.from(
    { length: TABLES },
    (_, n) => `(select count(*) from holdfast.c${n + 1})`,
  );
  let left: unknown;
  for (let tries = DRAINED_MS_MAX / 100; tries > 0; tries -= 1) {
    [left] = await target.query(`select (select count(*)::int from holdfast.journal) as journal,
      (${counted.join(' + ')})::int as captured`);
    if (JSON.stringify(left) === '{"journal":0,"captured":0}') break;
    await new Promise((done) => setTimeout(done, 100));
  }
  return left;
}

async function askVault(
  text: string,
  values?: readonly unknown[],
): Promise<readonly pg.QueryResultRow[]> {
  const client = new pg.Client({ connectionString: vault.url() });
  await client.connect();
  try {
    return (await client.query(text, values === undefined ? undefined : [...values])).rows;
  } finally {
    await client.end();
  }
}

class DrainChild {
  readonly #process: ChildProcess;
  #reached: ((step: string) => void) | null = null;

  constructor() {
    this.#process = spawn(
      process.execPath,
      [CHILD, vault.url(), String(server.port), 'captured', String(GRACE_MS)],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    );
    this.#process.stdin?.on('error', () => {});
    if (this.#process.stdout === null) throw new Error('no stdout');
    createInterface({ input: this.#process.stdout }).on('line', (line) => {
      if (line.startsWith('at ')) this.#reached?.(line.slice(3));
    });
  }

  say(line: string): void {
    this.#process.stdin?.write(`${line}\n`);
  }

  /** False: not within REACHED_MS_MAX. */
  reaches(step: string): Promise<boolean> {
    return new Promise((done) => {
      const timer = setTimeout(() => done(false), REACHED_MS_MAX);
      this.#reached = (reached) => {
        if (reached !== step) return;
        clearTimeout(timer);
        done(true);
      };
      this.say(`arm ${step}`);
    });
  }

  async kill(): Promise<void> {
    const gone = new Promise((done) => this.#process.once('exit', done));
    this.#process.kill('SIGKILL');
    await gone;
  }
}
