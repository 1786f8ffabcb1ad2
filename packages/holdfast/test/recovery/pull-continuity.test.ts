/** The WAL stream through kill -9, cut and silent wires, lost slots and fail-overs: nothing acknowledged is missing. */
import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import type { PullEngine } from '../../src/recovery/engines/pull/pull-engine.ts';
import { readWalListing } from '../../src/recovery/engines/pull/wal-listing.ts';
import { lsnOf } from '../../src/recovery/lsn.ts';
import { listPoints } from '../../src/recovery/point-store.ts';
import type { RecoveryPoint } from '../../src/recovery/recovery-point.ts';
import { type FaultyWire, startFaultyWire } from './faulty-wire.ts';
import {
  type Ground,
  holedIn,
  type LocalServer,
  NEVER,
  pullGround,
  QUIET,
  until,
} from './pull-ground.ts';

const CHILD = fileURLToPath(new URL('./pull-child.mjs', import.meta.url));
const SEGMENT = 16 * 1024 * 1024;

let ground: Ground | null = null;
let wire: FaultyWire | null = null;
const children: ChildProcess[] = [];

afterEach(async () => {
  for (const child of children.splice(0)) await killed(child);
  await ground?.close();
  await wire?.close();
  ground = null;
  wire = null;
});

describe('the WAL stream', { timeout: 240_000 }, () => {
  it('goes on where the vault ends after kill -9, and has acknowledged nothing more than that', async () => {
    ground = await pullGround(null);
    const { server, vault } = ground;
    const engine = ground.engine();
    await server.query('create table t (n int, filler text)');
    const point = await engine.backup(QUIET, NEVER);
    await engine.close();
    const system = point.server.systemIdentifier;
    for (let round = 0; round < 6; round += 1) {
      const child = await startChild(ground, 'stream');
      const writing = writeRows(server, round);
      // Some rounds are killed at once, some while whole segments are sealed.
      await new Promise((done) => setTimeout(done, 40 + round * 170));
      await killed(child);
      await writing;
      const [slot] = await server.query(
        'select restart_lsn::text as lsn from pg_replication_slots',
      );
      const acknowledged = lsnOf(String(slot?.['lsn'])) ?? 0n;
      const index = await readWalListing(vault, 'shop', system, SEGMENT);
      const covered = index.coveredTo({ timeline: 1, lsn: lsnOf(point.wal?.startLsn ?? '') ?? 0n });
      expect(covered ?? 0n, `round ${round}`).toBeGreaterThanOrEqual(acknowledged);
    }
    const next = ground.engine();
    await durable(next, server);
    await comesBackLike(ground, next, point, server, ['t']);
  });

  it('leaves no recovery point behind when it is killed during a backup', async () => {
    ground = await pullGround(null);
    const { server, vault } = ground;
    await server.query(
      `create table t as select n, repeat(md5(n::text), 20) as filler from generate_series(1, 60000) n`,
    );
    for (const phase of ['start', 'backup', 'wal']) {
      const child = await startChild(ground, 'backup', phase);
      await killed(child);
    }
    const engine = ground.engine();
    const { systemIdentifier } = await engine.facts();
    // One may have been taken whole before the signal came; none may be there in part.
    for (const object of await listPoints(vault, 'shop', systemIdentifier, null)) {
      expect(object.bytes).toBeGreaterThan(500);
    }
    const point = await engine.backup(QUIET, NEVER);
    await durable(engine, server);
    await comesBackLike(ground, engine, point, server, ['t']);
  });

  it('connects again when the wire is cut, and notices one that fell silent', async () => {
    ground = await pullGround(null);
    const { server } = ground;
    wire = await startFaultyWire(server.port);
    const engine = ground.engine({ connection: server.connection(wire.port) });
    await server.query('create table t (n int, filler text)');
    const point = await engine.backup(QUIET, NEVER);
    const stream = await engine.stream();

    wire.cut();
    await writeRows(server, 1);
    await durable(engine, server);
    expect(stream.state()).toMatchObject({ isStreaming: true, trouble: null });

    wire.silence();
    await writeRows(server, 2);
    await until(() => !stream.state().isStreaming);
    expect(stream.state().trouble).toMatch(/lost|not connected|reach/);

    wire.lead(server.port);
    wire.cut();
    await durable(engine, server);
    await comesBackLike(ground, engine, point, server, ['t']);
  });

  it('says so when the vault hangs, and takes up where it was when it answers', async () => {
    ground = await pullGround(null);
    const { server, vault } = ground;
    const engine = ground.engine();
    await server.query('create table t (n int, filler text)');
    const point = await engine.backup(QUIET, NEVER);
    const stream = await engine.stream();
    let answer = (): void => {};
    const hangs = new Promise<void>((done) => {
      answer = done;
    });
    vault.beforePut = () => hangs;
    // More than is held in memory, so that the server is left waiting too.
    for (let round = 0; round < 9; round += 1) await writeRows(server, round);
    await until(() => stream.state().trouble?.startsWith('The vault has taken nothing') === true);
    vault.beforePut = () => {};
    answer();
    await durable(engine, server);
    expect(stream.state()).toMatchObject({ isStreaming: true, trouble: null });
    await comesBackLike(ground, engine, point, server, ['t']);
  });

  it('keeps the server waiting while the vault takes nothing, says so, and goes on', async () => {
    ground = await pullGround(null);
    const { server, vault } = ground;
    const engine = ground.engine();
    await server.query('create table t (n int, filler text)');
    const point = await engine.backup(QUIET, NEVER);
    const stream = await engine.stream();
    vault.beforePut = () => {
      throw new Error('the vault is full');
    };
    await writeRows(server, 1);
    await until(() => stream.state().trouble?.includes('the vault is full') === true);
    const [slot] = await server.query(
      `select restart_lsn <= '${stream.state().durableLsn}' as waits,
              pg_current_wal_flush_lsn() > '${stream.state().durableLsn}' as is_behind
         from pg_replication_slots`,
    );
    expect(slot).toEqual({ waits: true, is_behind: true });
    vault.beforePut = () => {};
    await durable(engine, server);
    expect(stream.state().trouble).toBeNull();
    await comesBackLike(ground, engine, point, server, ['t']);
  });

  it('says so when the server has given up its slot, until a new base backup is there', async () => {
    ground = await pullGround(null, [
      'max_slot_wal_keep_size=1MB',
      'max_wal_size=32MB',
      'min_wal_size=32MB',
      'wal_keep_size=0',
    ]);
    const { server } = ground;
    const before = ground.engine();
    await server.query('create table t (n int, filler text)');
    const old = await before.backup(QUIET, NEVER);
    await before.close();
    for (let round = 0; round < 6; round += 1) {
      await writeRows(server, round);
      await server.query('select pg_switch_wal(); checkpoint');
    }
    const [slot] = await server.query('select wal_status from pg_replication_slots');
    expect(slot?.['wal_status']).toBe('lost');

    await server.query('alter system set max_slot_wal_keep_size = 1000');
    await server.query('select pg_reload_conf()');
    const first = ground.engine();
    await until(async () => (await first.stream()).state().isStreaming);
    expect((await first.stream()).state().trouble).toMatch(/new base backup is needed/);
    await writeRows(server, 7);
    await durable(first, server);
    await first.close();

    // Holdfast starts again, and still knows.
    const engine = ground.engine();
    const stream = await engine.stream();
    await until(() => stream.state().isStreaming);
    expect(stream.state().trouble).toMatch(/new base backup is needed/);
    await expect(
      engine.restore(old, { at: null, lsn: null }, join(ground.root, 'r-old'), QUIET, NEVER),
    ).rejects.toMatchObject({ code: 'HF_RECOVERY_WAL' });

    const point = await engine.backup(QUIET, NEVER);
    expect(stream.state().trouble).toBeNull();
    await durable(engine, server);
    await comesBackLike(ground, engine, point, server, ['t']);
    // What lies there tells it, too: nothing of before leads on, so a drill of the new one is asked for.
    expect(await holedIn(ground)).toEqual([old.id]);
    await engine.backup(QUIET, NEVER);
    expect(await holedIn(ground)).toEqual([old.id]);
  });

  it('follows a standby that was promoted into its new timeline', async () => {
    ground = await pullGround(null, ['wal_keep_size=1GB']);
    const { server, root, vault } = ground;
    wire = await startFaultyWire(server.port);
    const engine = ground.engine({ connection: server.connection(wire.port) });
    await server.query('create table t (n int, filler text)');
    const point = await engine.backup(QUIET, NEVER);
    await writeRows(server, 1);

    const { folder } = await engine.restore(
      point,
      { at: null, lsn: null },
      join(root, 'standby'),
      QUIET,
      NEVER,
    );
    rmSync(join(folder, 'recovery.signal'));
    writeFileSync(join(folder, 'standby.signal'), '');
    appendFileSync(
      join(folder, 'postgresql.auto.conf'),
      `hot_standby = on\nrecovery_target_timeline = 'latest'\nprimary_conninfo = 'host=127.0.0.1 port=${server.port} user=postgres'\n`,
    );
    const standby = await ground.startRestored(folder);
    const [{ lsn } = {}] = await server.query('select pg_current_wal_flush_lsn()::text as lsn');
    await until(async () => {
      const [row] = await standby.query(
        `select pg_last_wal_replay_lsn() >= '${String(lsn)}' as is_there`,
      );
      return row?.['is_there'] === true;
    });
    await durable(engine, server);
    await server.stop('SIGQUIT');
    await standby.query('select pg_promote(true, 60)');
    wire.lead(standby.port);
    wire.cut();
    await writeRows(standby, 2);
    await durable(engine, standby);
    expect((await engine.stream()).state()).toMatchObject({
      isStreaming: true,
      timeline: 2,
      trouble: null,
    });
    const index = await readWalListing(vault, 'shop', point.server.systemIdentifier, SEGMENT);
    expect([...index.histories.keys()]).toEqual([2]);
    await comesBackLike(ground, engine, point, standby, ['t']);
    // And a point that was taken after it.
    const later = await engine.backup(QUIET, NEVER);
    expect(later.wal?.timeline).toBe(2);
    await writeRows(standby, 3);
    await durable(engine, standby);
    await comesBackLike(ground, engine, later, standby, ['t']);
  });
});

async function writeRows(server: LocalServer, round: number): Promise<void> {
  for (let batch = 0; batch < 12; batch += 1) {
    await server.query(
      `insert into t select ${round * 100 + batch}, repeat(md5(random()::text), 60) from generate_series(1, 1200)`,
    );
  }
}

async function durable(engine: PullEngine, server: LocalServer): Promise<void> {
  const [row] = await server.query('select pg_current_wal_flush_lsn()::text as lsn');
  await (await engine.stream()).durableUpTo(lsnOf(String(row?.['lsn'])) ?? 0n, NEVER);
}

let restores = 0;

async function comesBackLike(
  at: Ground,
  engine: PullEngine,
  point: RecoveryPoint,
  server: LocalServer,
  tables: readonly string[],
): Promise<void> {
  restores += 1;
  const folder = join(at.root, `restored-${restores}`);
  const restored = await engine.restore(point, { at: null, lsn: null }, folder, QUIET, NEVER);
  const copy = await at.startRestored(restored.folder);
  await until(
    async () => (await copy.query('select pg_is_in_recovery() as is_so'))[0]?.['is_so'] === false,
  );
  for (const table of tables) expect(await copy.hashOf(table)).toBe(await server.hashOf(table));
  await copy.stop();
}

/** Resolves when it has said that word. */
async function startChild(
  at: Ground,
  act: 'stream' | 'backup',
  word = 'ready',
): Promise<ChildProcess> {
  const child = spawn(
    process.execPath,
    [CHILD, act, `${at.server.port}`, at.vault.root, at.recipient],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  children.push(child);
  await new Promise<void>((done, fail) => {
    let heard = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      heard += chunk.toString();
      if (heard.split('\n').includes(word)) done();
    });
    child.once('exit', (code) => fail(new Error(`the child ended with ${code}`)));
  });
  return child;
}

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((done) => child.once('exit', done));
  child.kill('SIGKILL');
  await gone;
}
