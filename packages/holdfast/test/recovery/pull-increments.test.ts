/**
 * Increments of engine "pull" against a real server of 18: what is restored from a chain is, file by file,
 * what a full backup of the same moment has; and whatever is wrong with any member of it is found.
 */
import {
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/model/clock.ts';
import { unprivilegedUser } from '../../src/programs/embedded-engine.ts';
import { runDrill } from '../../src/recovery/drills/drill.ts';
import type { DrillResult } from '../../src/recovery/drills/drill-result.ts';
import { takeWitness } from '../../src/recovery/drills/witness.ts';
import type { RestoreGoal } from '../../src/recovery/engines/engine.ts';
import type { PullEngine } from '../../src/recovery/engines/pull/pull-engine.ts';
import { lsnOf } from '../../src/recovery/lsn.ts';
import { oneChunk } from '../../src/recovery/object-bytes.ts';
import { listPoints, pointKey, readPoint } from '../../src/recovery/point-store.ts';
import type { RecoveryPoint } from '../../src/recovery/recovery-point.ts';
import { DEBIAN_15, type Ground, NEVER, pullGround, QUIET } from './pull-ground.ts';
import { filesOf } from './restored-files.ts';

const ALL: RestoreGoal = { at: null, lsn: null };
const DAY_MS = 86_400_000;
/** Nothing happens that was not asked for, so that two backups of a moment are the same. */
const QUIET_SERVER = ['summarize_wal=on', 'autovacuum=off', 'full_page_writes=on'];

describe('a chain of increments', { timeout: 240_000 }, () => {
  let ground: Ground;
  let engine: PullEngine;
  const points: RecoveryPoint[] = [];
  let full: RecoveryPoint;
  let hashes: readonly string[];
  let tries = 0;

  const hashesOf = async (server: Ground['server']): Promise<readonly string[]> => [
    await server.hashOf('bookings'),
    await server.hashOf('cut'),
    await server.hashOf('prices'),
    await server.hashOf('late'),
  ];
  const restore = (of: RecoveryPoint, by = engine) => {
    tries += 1;
    return by.restore(of, ALL, join(ground.root, `try-${tries}`), QUIET, NEVER);
  };

  beforeAll(async () => {
    ground = await pullGround(null, QUIET_SERVER);
    const { root, server } = ground;
    const owner = unprivilegedUser();
    for (const name of ['space', 'other-space']) {
      mkdirSync(join(root, name));
      if (owner) chownSync(join(root, name), owner.uid, owner.gid);
    }
    await server.query(`create tablespace fast location '${join(root, 'space')}'`);
    await server.query('create database gone');
    await server.query(`
      create table bookings as select n as id, repeat('x', 100) as guest from generate_series(1, 60000) n;
      alter table bookings add primary key (id);
      create table cut as select n as id, repeat('y', 100) as guest from generate_series(1, 30000) n;
      create table seen (id int primary key);
      insert into seen select n from generate_series(1, 1000) n;
      create table dropped as select n from generate_series(1, 30000) n;
      create table prices (id int primary key, cents int) tablespace fast;
      insert into prices select n, n * 100 from generate_series(1, 20000) n`);
    await server.query('vacuum (freeze, analyze) seen');
    engine = ground.engine();
    points.push(await engine.backup(QUIET, NEVER));

    await server.query(`
      update bookings set guest = 'changed' where id between 20000 and 20100;
      delete from cut where id > 2000;
      delete from seen where id > 500;
      update prices set cents = 1 where id < 50;
      drop table dropped;
      create table late as select n, md5(n::text) as text from generate_series(1, 5000) n`);
    // The file is cut, and grows again in the next.
    await server.query('vacuum cut');
    await server.query('drop database gone');
    points.push(await engine.backup(QUIET, NEVER));

    await server.query(`create tablespace other location '${join(root, 'other-space')}'`);
    await server.query(`
      insert into cut select n, 'again' from generate_series(30001, 40000) n;
      update bookings set guest = 'twice' where id between 20050 and 20060;
      insert into late select n, 'more' from generate_series(5001, 9000) n`);
    await server.query('alter table prices set tablespace other');
    await server.query('drop tablespace fast');
    points.push(await engine.backup(QUIET, NEVER));
    // Nothing has changed since, and this one has everything of its own.
    full = await engine.backup(QUIET, NEVER, new Set([points[0]?.id ?? '']));
    hashes = await hashesOf(server);
  }, 240_000);

  afterAll(async () => {
    await ground.close();
  });

  it('names what each builds on, and is a fraction of the full one', () => {
    const [first, second, third] = points;
    expect(points.map(({ prior }) => prior)).toEqual([null, first?.id, second?.id]);
    expect(first?.fullBecause).toBeNull();
    expect(third?.buildsOn?.points).toBe(2);
    expect(full.prior).toBeNull();
    expect(full.fullBecause).toContain(first?.id);
    const bytesOf = (point: RecoveryPoint | undefined): number =>
      point?.files.find(({ role }) => role === 'base')?.plainBytes ?? 0;
    expect(bytesOf(second)).toBeLessThan(bytesOf(first) / 3);
  });

  it('keeps all members as long as the newest must be kept', async () => {
    const until = points.map(({ keptUntil }) => Date.parse(keptUntil ?? ''));
    expect(new Set(until).size).toBe(1);
    const newest = Date.parse(points.at(-1)?.endedAt ?? '');
    expect(until[0]).toBeGreaterThanOrEqual(newest + 7 * DAY_MS);
    for await (const { key, retainUntil } of ground.vault.list('shop/', null)) {
      if (points.some(({ id }) => key.includes(`/points/${id}/`)))
        expect(retainUntil?.getTime()).toBe(until[0]);
    }
  });

  it('comes back file by file as a full backup of the same moment', async () => {
    const [chained, whole] = [await restore(points.at(-1) ?? full), await restore(full)];
    const [found, wanted] = [filesOf(chained.folder), filesOf(whole.folder)];
    expect([...found.keys()].sort()).toEqual([...wanted.keys()].sort());
    const others = [...wanted].filter(([path, digest]) => found.get(path) !== digest);
    expect(others.map(([path]) => path)).toEqual([]);
    expect(wanted.size).toBeGreaterThan(600);
    expect(readFileSync(join(chained.folder, 'backup_label'), 'utf8')).not.toContain('INCREMENTAL');
    const copy = await ground.startRestored(chained.folder);
    await isOpen(copy);
    expect(await hashesOf(copy)).toEqual(hashes);
    // The server itself says nowhere in its WAL that these rows are to be looked at again.
    const scan = 'set enable_seqscan = off; set enable_bitmapscan = off; ';
    const plan = await copy.query(`${scan} explain select count(id) from seen where id > 0`);
    expect(JSON.stringify(plan)).toContain('Index Only Scan');
    const rows = await copy.query(`${scan} select count(id) from seen where id > 0`);
    expect(rows).toEqual([{ count: '500' }]);
    await copy.stop();
  });

  it('a member in the middle comes back as it was then', async () => {
    const [, second] = points;
    if (second === undefined) throw new Error('no second point');
    const goal = { at: null, lsn: second.wal?.endLsn ?? '' };
    const restored = await engine.restore(second, goal, join(ground.root, 'middle'), QUIET, NEVER);
    const copy = await ground.startRestored(restored.folder);
    await isOpen(copy);
    const [row] = await copy.query(
      `select (select count(*) from cut) as cut, (select count(*) from bookings where guest = 'twice') as twice,
         (select count(*) from pg_database where datname = 'gone') as gone`,
    );
    expect(row).toEqual({ cut: '2000', twice: '0', gone: '0' });
    await copy.stop();
  });

  it('does not come back when a byte of any member was flipped', async () => {
    for (const member of points) {
      for (const role of ['base', 'manifest', 'tablespace']) {
        const file = member.files.find((one) => one.role === role);
        if (file === undefined) throw new Error(`no ${role}`);
        const path = ground.vault.fileOf(file.key, file.version);
        copyFileSync(path, `${path}.whole`);
        const bytes = readFileSync(path);
        const place = Math.floor(bytes.length / 2);
        bytes.writeUInt8(bytes.readUInt8(place) ^ 0x10, place);
        writeFileSync(path, bytes);
        await expect(restore(points.at(-1) ?? full), `${member.id} ${role}`).rejects.toMatchObject({
          code: 'HF_RECOVERY_DAMAGED',
        });
        renameSync(`${path}.whole`, path);
      }
    }
  });

  it('does not come back without a member, and nothing is built on what has gone', async () => {
    const [, second] = points;
    if (second === undefined) throw new Error('no second point');
    const folder = join(ground.vault.root, `${pointKey(second, second.server.systemIdentifier)}#`);
    renameSync(folder, join(ground.root, 'gone'));
    await expect(restore(points.at(-1) ?? full)).rejects.toMatchObject({
      code: 'HF_RECOVERY_DAMAGED',
      expected: expect.stringContaining(second.id),
    });
    renameSync(join(ground.root, 'gone'), folder);
  });

  it('takes a member as it was stored before, not what was written over it since', async () => {
    const [first] = points;
    if (first === undefined) throw new Error('no first point');
    const key = pointKey(first, first.server.systemIdentifier);
    async function* body(): AsyncIterable<Uint8Array> {
      yield Buffer.from(JSON.stringify({ ...first, files: full.files }));
    }
    await ground.vault.put(key, body(), { retainUntil: new Date() });
    const restored = await restore(points.at(-1) ?? full);
    expect(existsSync(join(restored.folder, 'global', 'pg_control'))).toBe(true);
    // Hiding the true one leaves the forged one, which is not what it builds on.
    const folder = join(ground.vault.root, `${key}#`);
    const forged = JSON.parse(readFileSync(join(folder, '2.json'), 'utf8'));
    const early = { ...forged, storedAt: first.endedAt };
    writeFileSync(join(folder, '2.json'), JSON.stringify(early));
    await expect(restore(points.at(-1) ?? full)).rejects.toMatchObject({
      code: 'HF_RECOVERY_DAMAGED',
      found: expect.stringContaining('another'),
    });
  });
});

describe('a full backup is taken, and says why', { timeout: 240_000 }, () => {
  let ground: Ground | null = null;
  afterEach(async () => {
    await ground?.close();
    ground = null;
  });

  it('when the server does not summarize its WAL, or has lost what it knew', async () => {
    ground = await pullGround(null, ['min_wal_size=32MB', 'max_wal_size=32MB']);
    const engine = ground.engine();
    const { server } = ground;
    await engine.backup(QUIET, NEVER);
    const second = await engine.backup(QUIET, NEVER);
    expect(second).toMatchObject({ prior: null, fullBecause: expect.stringContaining('off') });
    // From here on it knows; of the time before it does not.
    await server.query('select pg_switch_wal()');
    await server.query('checkpoint');
    await server.query("alter system set summarize_wal = 'on'");
    await server.query('select pg_reload_conf()');
    const third = await engine.backup(QUIET, NEVER);
    expect(third).toMatchObject({ prior: null, fullBecause: expect.stringContaining('leave') });
    const fourth = await engine.backup(QUIET, NEVER);
    expect(fourth.prior).toBe(third.id);
    // What it knew is lost, and the WAL that would tell is gone.
    await server.query("alter system set summarize_wal = 'off'");
    await server.stop();
    const summaries = join(server.data, 'pg_wal', 'summaries');
    for (const name of readdirSync(summaries)) rmSync(join(summaries, name));
    await server.start();
    await server.query('create table filler (n int)');
    const stream = await engine.stream();
    for (let segment = 0; segment < 8; segment += 1) {
      await server.query('insert into filler values (1)');
      await server.query('select pg_switch_wal()');
      const [row] = await server.query('select pg_current_wal_flush_lsn()::text as lsn');
      await stream.durableUpTo(lsnOf(String(row?.['lsn'])) ?? 0n, NEVER);
      await server.query('checkpoint');
    }
    await server.query("alter system set summarize_wal = 'on'");
    await server.query('select pg_reload_conf()');
    const fifth = await engine.backup(QUIET, NEVER);
    expect(fifth).toMatchObject({ prior: null, fullBecause: expect.stringContaining('took no') });
    expect((await engine.backup(QUIET, NEVER)).prior).toBe(fifth.id);
  });

  it('after six on one, when its keep was made longer, and without a key in another process', async () => {
    ground = await pullGround(null, QUIET_SERVER);
    const engine = ground.engine();
    const first = await engine.backup(QUIET, NEVER);
    let newest = first;
    for (let count = 1; count <= 6; count += 1) {
      newest = await engine.backup(QUIET, NEVER);
      expect(newest.buildsOn?.points).toBe(count);
    }
    const seventh = await engine.backup(QUIET, NEVER);
    expect(seventh).toMatchObject({
      prior: null,
      fullBecause: expect.stringContaining('6 points'),
    });
    await engine.close();

    const keyless = ground.engine({ identities: () => [] });
    const withoutKey = await keyless.backup(QUIET, NEVER);
    expect(withoutKey).toMatchObject({ prior: null, fullBecause: expect.stringContaining('key') });
    // What it sent itself it still has.
    const own = await keyless.backup(QUIET, NEVER);
    expect(own.prior).toBe(withoutKey.id);
    await keyless.close();

    const longer = ground.engine({
      kept: () => ({ retainUntil: new Date(Date.now() + 60 * DAY_MS) }),
    });
    const kept = await longer.backup(QUIET, NEVER);
    expect(kept).toMatchObject({ prior: null, fullBecause: expect.stringContaining('leave') });
    // With a key, another process builds on it.
    expect((await longer.backup(QUIET, NEVER)).prior).toBe(kept.id);
  });

  it('when the vault has not all of what it would build on', async () => {
    ground = await pullGround(null, QUIET_SERVER);
    const engine = ground.engine();
    const first = await engine.backup(QUIET, NEVER);
    const second = await engine.backup(QUIET, NEVER);
    expect(second.prior).toBe(first.id);
    const base = first.files.find(({ role }) => role === 'base')?.key ?? '';
    renameSync(join(ground.vault.root, `${base}#`), join(ground.root, 'gone'));
    expect(await engine.backup(QUIET, NEVER)).toMatchObject({
      prior: null,
      fullBecause: `The vault has not all of ${first.id} any more.`,
    });
  });

  it('from a server of 15', async (ctx) => {
    if (!existsSync(`${DEBIAN_15}/postgres`)) return ctx.skip('Debian package postgresql-15');
    ground = await pullGround(DEBIAN_15);
    const engine = ground.engine();
    await engine.backup(QUIET, NEVER);
    expect(await engine.backup(QUIET, NEVER)).toMatchObject({
      prior: null,
      fullBecause: expect.stringContaining('17'),
    });
  });
});

describe('an increment is drilled as any point', { timeout: 240_000 }, () => {
  it('and a flipped byte in the full one below it fails the drill', async () => {
    const ground = await pullGround(null, QUIET_SERVER);
    try {
      const { server, vault } = ground;
      await server.query('create table t as select n from generate_series(1, 30000) n');
      const engine = ground.engine();
      const first = await engine.backup(QUIET, NEVER);
      await server.query('update t set n = -n where n < 100');
      // Somebody else's, and newer than ours: nothing is built on it, nor does ours name it.
      const planted = { ...first, id: `${first.id}0`, files: [] };
      await vault.put(
        pointKey(planted, first.server.systemIdentifier),
        oneChunk(Buffer.from(JSON.stringify(planted))),
        { retainUntil: new Date() },
      );
      const second = await engine.backup(QUIET, NEVER);
      expect(second.prior).toBe(first.id);
      expect(second.previous).toBe(second.buildsOn?.digest);
      const connect = async (mode: 'sql' | 'replication'): Promise<pg.Client> => {
        const place = { ...server.connection(), password: '' };
        // The driver's types do not know it.
        const mine = mode === 'sql' ? {} : { replication: 'database' };
        const client = new pg.Client(Object.assign(place, mine));
        await client.connect();
        return client;
      };
      const witness = await takeWitness({ target: 'shop', now: () => new Date(), connect });
      await server.query("select pg_logical_emit_message(true, 'test', 'mark')");
      // By another statement: what the one before wrote is flushed with its commit.
      const rows = await server.query('select pg_current_wal_flush_lsn()::text as lsn');
      await (await engine.stream()).durableUpTo(lsnOf(String(rows[0]?.['lsn'])) ?? 0n, NEVER);
      const listed = await listPoints(vault, 'shop', second.server.systemIdentifier, null);
      const newest = listed.at(-1);
      if (newest === undefined) throw new Error('no point');
      const point = await readPoint(vault, newest);
      const drill = (name: string): Promise<DrillResult> =>
        runDrill(
          {
            point,
            seal: null,
            goal: { at: null, lsn: witness.lsn },
            witness,
            witnessTrouble: null,
            assertions: [],
            database: 'postgres',
          },
          {
            engine,
            vault: 'folder',
            clock: systemClock,
            folder: join(ground.root, name),
            superuser: 'postgres',
            binaries: [],
            replayMsMax: 60_000,
          },
          QUIET,
          NEVER,
        );
      const well = await drill('well');
      expect(well.checks.filter(({ end }) => end !== 'passed')).toEqual([]);
      expect(well.verdict).toBe('passed');

      const file = first.files.find(({ role }) => role === 'base');
      const path = vault.fileOf(file?.key ?? '', file?.version ?? '');
      const bytes = readFileSync(path);
      bytes.writeUInt8(bytes.readUInt8(100_000) ^ 1, 100_000);
      writeFileSync(path, bytes);
      const ill = await drill('ill');
      expect(ill.verdict).toBe('failed');
      expect(ill.checks[0]?.said).toContain(first.id);
      // What is distrusted is not built upon.
      const third = await engine.backup(QUIET, NEVER, new Set([second.id]));
      expect(third).toMatchObject({ prior: null, fullBecause: expect.stringContaining('drill') });
    } finally {
      await ground.close();
    }
  });
});

async function isOpen(copy: Ground['server']): Promise<void> {
  for (;;) {
    const [row] = await copy.query('select pg_is_in_recovery() as standby');
    if (row?.['standby'] === false) return;
    await new Promise((done) => setTimeout(done, 50));
  }
}
