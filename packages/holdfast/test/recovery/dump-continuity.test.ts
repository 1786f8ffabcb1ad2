/**
 * Dumps and changes through what goes wrong: kill -9 in the middle of either, a slot that somebody dropped,
 * a vault that is away. What was acknowledged is in the vault, what is missing is said, and nothing of a
 * process that is gone is left at the server but the one slot that it goes on with.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/model/clock.ts';
import { runDrill } from '../../src/recovery/drills/drill.ts';
import type { DumpEngine } from '../../src/recovery/engines/dump/dump-engine.ts';
import { chainFrom, listPieces } from '../../src/recovery/engines/dump/pieces.ts';
import { lsnOf } from '../../src/recovery/lsn.ts';
import { DUMPED, dumpEngine, storedPoints } from './dump-ground.ts';
import { type Ground, holedIn, NEVER, pullGround, QUIET, until } from './pull-ground.ts';

const CHILD = fileURLToPath(new URL('./pull-child.mjs', import.meta.url));
const [{ bin, isHere }] = DUMPED;
const CONF = ['wal_level=logical', 'max_replication_slots=8', 'max_wal_senders=8'];

let ground: Ground | null = null;
const children: ChildProcess[] = [];
const engines: DumpEngine[] = [];

afterEach(async () => {
  for (const child of children.splice(0)) await killed(child);
  for (const engine of engines.splice(0)) await engine.close();
  await ground?.close();
  ground = null;
});

function newEngine(on: Ground): DumpEngine {
  const engine = dumpEngine(on, bin);
  engines.push(engine);
  return engine;
}

/** Resolves when it has said what is awaited. */
async function startChild(on: Ground, act: string, awaited: string): Promise<ChildProcess> {
  const works = join(on.root, 'child-works');
  mkdirSync(works, { recursive: true, mode: 0o711 });
  const words = [CHILD, act, `${on.server.port}`, on.vault.root, on.recipient, works, bin];
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  let said = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  await until(() => {
    if (child.exitCode !== null) throw new Error(`the child ended: ${said}`);
    return said.split('\n').includes(awaited);
  });
  return child;
}

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((done) => child.once('exit', done));
  child.kill('SIGKILL');
  await gone;
}

async function allDurable(engine: DumpEngine, on: Ground): Promise<void> {
  const [row] = await on.server.query('select clock_timestamp() as now');
  const now = new Date(String(row?.['now']));
  const stream = await engine.stream();
  await until(() => (stream?.state().durableAt ?? new Date(0)) > now);
}

async function newestHas(on: Ground, engine: DumpEngine, table: string) {
  const { systemIdentifier } = await engine.facts();
  const point = (await storedPoints(on, systemIdentifier)).at(-1);
  if (point === undefined) throw new Error('no point');
  const hash = `select count(*) || ':' || coalesce(sum(hashtextextended(t::text, 0)), 0) as hash from ${table} t`;
  const [live] = await on.server.query(hash);
  const sentence = `${table} is as in the live one.`;
  const result = await runDrill(
    {
      point,
      seal: null,
      goal: { at: null, lsn: null },
      witness: null,
      witnessTrouble: null,
      assertions: [
        { sentence, sql: `select hash = '${String(live?.['hash'])}' from (${hash}) as h` },
      ],
      database: 'postgres',
    },
    {
      engine,
      vault: 'folder',
      clock: systemClock,
      folder: join(on.root, `drill-${systemClock.random(4).toString('hex')}`),
      superuser: 'postgres',
      binaries: [bin],
      replayMsMax: 60_000,
    },
    QUIET,
    NEVER,
  );
  return result.checks.filter(({ end }) => end !== 'passed').map(({ said }) => said);
}

describe('dumps and changes', { timeout: 240_000 }, () => {
  it('lose nothing to kill -9 in the middle of the stream', async (ctx) => {
    if (!isHere) return ctx.skip('PostgreSQL 15 with pg_dump');
    ground = await pullGround(bin, CONF);
    const { server, vault } = ground;
    await server.query('create table t (n int primary key, filler text)');
    const first = dumpEngine(ground, bin);
    const point = await first.backup(QUIET, NEVER);
    await first.close();
    const start = lsnOf(point.wal?.startLsn ?? '') ?? 0n;
    for (let round = 0; round < 4; round += 1) {
      const child = await startChild(ground, 'stream', 'ready');
      // One large transaction among small ones.
      const writing = server.query(
        `insert into t select n, repeat('x', 500) from generate_series(${round * 50_000 + 1}, ${round * 50_000 + 20_000}) n`,
      );
      for (let n = 0; n < 40; n += 1) {
        await server.query(`insert into t values (${-(round * 100 + n + 1)}, 'small')`);
      }
      await new Promise((done) => setTimeout(done, 200 + round * 500));
      await killed(child);
      await writing;
      const [slot] = await server.query(
        'select confirmed_flush_lsn::text as lsn from pg_replication_slots where not temporary',
      );
      const acknowledged = lsnOf(String(slot?.['lsn'])) ?? 0n;
      const pieces = await listPieces(vault, 'shop', point.server.systemIdentifier);
      const covered = chainFrom(pieces, start).at(-1)?.to ?? start;
      expect(covered, `round ${round}`).toBeGreaterThanOrEqual(
        acknowledged < start ? start : acknowledged,
      );
    }
    const next = newEngine(ground);
    await next.stream();
    await allDurable(next, ground);
    expect((await next.stream())?.state()).toMatchObject({ hasGap: false, trouble: null });
    expect(await newestHas(ground, next, 't')).toEqual([]);
  });

  it('leave no point and nothing at the server after kill -9 in the middle of a dump', async (ctx) => {
    if (!isHere) return ctx.skip('PostgreSQL 15 with pg_dump');
    ground = await pullGround(bin, CONF);
    const { server } = ground;
    await server.query(
      `create table t (n int primary key, filler text);
       insert into t select n, repeat(md5(n::text), 30) from generate_series(1, 300000) n`,
    );
    await killed(await startChild(ground, 'backup', 'backup'));
    const next = newEngine(ground);
    const { systemIdentifier } = await next.facts();
    expect(await storedPoints(ground, systemIdentifier)).toEqual([]);
    // pg_dump writes to nobody, and ends; the snapshot went with its connection.
    await until(async () => {
      const sessions = await server.query(
        `select 1 from pg_stat_activity where application_name in ('holdfast', 'pg_dump') and pid <> pg_backend_pid()`,
      );
      const held = await server.query('select 1 from pg_replication_slots where temporary');
      return sessions.length === 0 && held.length === 0;
    });
    await next.backup(QUIET, NEVER);
    expect(await newestHas(ground, next, 't')).toEqual([]);
    expect(readdirSync(join(ground.root, 'works'))).toEqual([]);
  });

  it('say a hole when somebody drops the slot, until there is a new dump', async (ctx) => {
    if (!isHere) return ctx.skip('PostgreSQL 15 with pg_dump');
    ground = await pullGround(bin, CONF);
    const { server } = ground;
    await server.query('create table t (n int primary key)');
    const engine = newEngine(ground);
    const first = await engine.backup(QUIET, NEVER);
    await server.query('insert into t values (1)');
    await allDurable(engine, ground);
    await engine.close();
    await server.query("select pg_drop_replication_slot('holdfast_shop_log')");
    await server.query('insert into t values (2)');
    const again = newEngine(ground);
    const stream = await again.stream();
    await until(() => stream?.state().isStreaming === true);
    await server.query('insert into t values (3)');
    await until(() => stream?.state().hasGap === true);
    expect(stream?.state().trouble).toMatch(/a new dump is needed/);
    await new Promise((done) => setTimeout(done, 2_500));
    expect((await newestHas(ground, again, 't')).join()).toMatch(/without a hole/);
    await again.backup(QUIET, NEVER);
    expect(stream?.state()).toMatchObject({ hasGap: false });
    await server.query('insert into t values (4)');
    await allDurable(again, ground);
    expect(await newestHas(ground, again, 't')).toEqual([]);
    expect(await holedIn(ground)).toEqual([first.id]);
  });

  it('say a hole, too, when the slot was dropped before anything of it was stored', async (ctx) => {
    if (!isHere) return ctx.skip('PostgreSQL 15 with pg_dump');
    ground = await pullGround(bin, CONF);
    const engine = newEngine(ground);
    const { server } = await engine.backup(QUIET, NEVER);
    await engine.close();
    expect(await listPieces(ground.vault, 'shop', server.systemIdentifier)).toEqual([]);
    await ground.server.query("select pg_drop_replication_slot('holdfast_shop_log')");
    const stream = await newEngine(ground).stream();
    await until(() => stream?.state().isStreaming === true);
    expect(stream?.state()).toMatchObject({
      hasGap: true,
      trouble: expect.stringMatching(/a new dump is needed/),
    });
  });

  it('go on when the vault is back, and never claim what it has not', async (ctx) => {
    if (!isHere) return ctx.skip('PostgreSQL 15 with pg_dump');
    ground = await pullGround(bin, CONF);
    const { server, vault } = ground;
    await server.query('create table t (n int primary key)');
    const engine = newEngine(ground);
    await engine.backup(QUIET, NEVER);
    const stream = await engine.stream();
    await allDurable(engine, ground);
    vault.beforePut = () => {
      throw new Error('the vault is away');
    };
    const [row] = await server.query(
      'insert into t values (1) returning floor(extract(epoch from clock_timestamp()) * 1000) as now',
    );
    const wroteAt = new Date(Number(row?.['now']));
    await until(() => stream?.state().trouble?.includes('the vault is away') === true);
    await new Promise((done) => setTimeout(done, 2_500));
    expect(stream?.state().durableAt?.getTime() ?? 0).toBeLessThan(wroteAt.getTime());
    vault.beforePut = () => {};
    await allDurable(engine, ground);
    expect(await newestHas(ground, engine, 't')).toEqual([]);
  });

  it('leave no slot of the engine before at the server', async (ctx) => {
    if (!isHere) return ctx.skip('PostgreSQL 15 with pg_dump');
    ground = await pullGround(bin, CONF);
    const slots = async () =>
      (
        await ground?.server.query('select slot_name as name from pg_replication_slots order by 1')
      )?.map(({ name }) => name);
    const pull = ground.engine();
    await (await pull.stream()).durableUpTo(0n, NEVER);
    await pull.close();
    expect(await slots()).toEqual(['holdfast_shop']);
    const dump = newEngine(ground);
    await (await dump.stream())?.ready(NEVER);
    expect(await slots()).toEqual(['holdfast_shop_log']);
    await dump.close();
    const back = ground.engine();
    await (await back.stream()).durableUpTo(0n, NEVER);
    expect(await slots()).toEqual(['holdfast_shop']);
  });
});
