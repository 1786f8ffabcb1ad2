/**
 * Drills against real servers: what is restored is compared with what was witnessed, and each kind of
 * damage makes the drill fail. A drill that cannot fail proves nothing.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateIdentity } from 'age-encryption';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/model/clock.ts';
import { type DrillOrder, runDrill } from '../../src/recovery/drills/drill.ts';
import type { DrillResult } from '../../src/recovery/drills/drill-result.ts';
import { readDrill } from '../../src/recovery/drills/drill-shape.ts';
import { takeWitness, type Witness } from '../../src/recovery/drills/witness.ts';
import type { PullEngine } from '../../src/recovery/engines/pull/pull-engine.ts';
import { lsnOf } from '../../src/recovery/lsn.ts';
import { listPoints, readPoint } from '../../src/recovery/point-store.ts';
import type { StoredPoint } from '../../src/recovery/recovery-point.ts';
import { DEBIAN_15, type Ground, NEVER, pullGround, QUIET } from './pull-ground.ts';

const has15 = existsSync(`${DEBIAN_15}/postgres`);

describe.for([
  { major: 18, bin: null, level: 'replica', method: 'quiet' },
  { major: 15, bin: DEBIAN_15, level: 'logical', method: 'slot' },
] as const)('PostgreSQL $major, wal_level $level', ({ bin, level, major, method }) => {
  const isHere = bin === null || has15;
  let ground: Ground;
  let engine: PullEngine;
  let point: StoredPoint;
  let witness: Witness;

  beforeAll(async () => {
    if (!isHere) return;
    ground = await pullGround(bin, [`wal_level=${level}`, 'max_replication_slots=8']);
    const { server } = ground;
    await server.query(`
      create role clerk login; create extension if not exists plpgsql;
      create table bookings as select n as id, 'guest ' || n as guest, now() as made from generate_series(1, 5000) n;
      alter table bookings add primary key (id);
      create table "odd ""name" (r text, t jsonb, "holdfast" bytea);
      insert into "odd ""name" values ('x', '{"a": 1.50}', '\\x00ff');
      create unlogged table scratchpad as select 1 as a;
      create table parts (id int, at date) partition by range (at);
      create table parts_1 partition of parts for values from ('2026-01-01') to ('2027-01-01');
      insert into parts select n, date '2026-01-01' + n from generate_series(1, 100) n`);
    engine = ground.engine();
    const { server: of } = await engine.backup(QUIET, NEVER);
    const [stored] = await listPoints(ground.vault, 'shop', of.systemIdentifier, null);
    if (stored === undefined) throw new Error('no point was stored');
    point = await readPoint(ground.vault, stored);
    await server.query(
      `insert into bookings select n, 'late', now() from generate_series(5001, 6000) n`,
    );
    const writing = busy(server.connection().port);
    witness = await takeWitness({
      target: 'shop',
      now: () => new Date(),
      connect: connect(ground),
    });
    await writing;
    await server.query('delete from bookings; drop role clerk');
    await reach(ground, engine);
  }, 240_000);
  afterAll(() => ground?.close());

  /** On the slower way somebody else writes all the while; on the other nobody does. */
  async function busy(port: number): Promise<void> {
    if (method !== 'slot') return;
    const client = new pg.Client({
      host: '127.0.0.1',
      port,
      user: 'postgres',
      database: 'postgres',
    });
    await client.connect();
    for (let n = 10_000; n < 10_400; n += 1) {
      await client.query(`insert into bookings values (${n}, 'busy', now())`);
    }
    await client.end();
  }

  async function drill(
    changes: Partial<DrillOrder> = {},
    by: Pick<PullEngine, 'restore'> = engine,
  ): Promise<DrillResult> {
    const goal = { at: null, lsn: witness.lsn };
    const aim = { point, seal: null, goal, witness, witnessTrouble: null };
    const order = { ...aim, assertions: [], database: 'postgres', ...changes };
    return runDrill(
      order,
      {
        engine: by,
        vault: 'folder',
        clock: systemClock,
        folder: join(ground.root, `drill-${systemClock.random(4).toString('hex')}`),
        superuser: 'postgres',
        binaries: [],
        replayMsMax: 60_000,
      },
      QUIET,
      NEVER,
    );
  }
  const endOf = (result: DrillResult, name: string) =>
    result.checks.find((check) => check.name === name);

  it('proves a point: every table hashes as at the witness', { timeout: 120_000 }, async (ctx) => {
    if (!isHere) return ctx.skip('Debian package postgresql-15');
    expect(witness.method).toBe(method);
    const before = readdirSync(ground.root);
    const result = await drill({
      assertions: [{ sentence: 'There are bookings.', sql: 'select count(*) > 0 from bookings' }],
    });
    expect(
      result.checks.map(({ end, name, said }) => [name, end, end === 'passed' ? '' : said]),
    ).toEqual(
      ['recovered', 'tables', 'roles', 'extensions', 'indexes', 'assertion'].map((name) => [
        name,
        'passed',
        '',
      ]),
    );
    expect(result.verdict).toBe('passed');
    expect(result.server).toMatch(new RegExp(`^${major}\\.`));
    expect(result.phases?.replayMs).toBeGreaterThan(0);
    expect(readDrill(JSON.stringify(result))).toEqual(result);
    expect(result.pointDigest).toBe(point.digest);
    // Nothing of it is left.
    expect(readdirSync(ground.root)).toEqual(before);
  });

  it('fails when other rows came back than were witnessed', { timeout: 120_000 }, async (ctx) => {
    if (!isHere) return ctx.skip('Debian package postgresql-15');
    const result = await drill({ goal: { at: null, lsn: null } });
    expect(result.verdict).toBe('failed');
    expect(endOf(result, 'tables')?.said).toMatch(/"bookings" has 0 rows for \d+/);
    expect(endOf(result, 'roles')).toMatchObject({
      end: 'failed',
      said: 'Roles are missing: clerk.',
    });
  });

  it('does not pass when there is a witness that cannot be read', {
    timeout: 120_000,
  }, async (ctx) => {
    if (!isHere) return ctx.skip('Debian package postgresql-15');
    const goal = { at: null, lsn: null };
    const result = await drill({ goal, witness: null, witnessTrouble: 'It is not ours.' });
    expect(endOf(result, 'recovered')?.end).toBe('passed');
    expect(endOf(result, 'tables')).toMatchObject({ end: 'could-not-run' });
    expect(endOf(result, 'tables')?.said).toContain('It is not ours.');
    expect(result.verdict).toBe('could-not-run');
  });

  it('fails on an assertion that is not true, and does not pass what it cannot ask', {
    timeout: 120_000,
  }, async (ctx) => {
    if (!isHere) return ctx.skip('Debian package postgresql-15');
    const sentence = 'There are a million bookings.';
    const untrue = await drill({
      assertions: [{ sentence, sql: 'select count(*) > 1000000 from bookings' }],
    });
    expect(endOf(untrue, 'assertion')).toMatchObject({
      end: 'failed',
      said: `Not true: ${sentence}`,
    });
    const writes = await drill({
      assertions: [
        { sentence, sql: 'with gone as (delete from bookings returning 1) select true' },
      ],
    });
    expect(endOf(writes, 'assertion')?.end).toBe('could-not-run');
    expect(writes.verdict).toBe('could-not-run');
    const leaves = await drill({
      assertions: [{ sentence, sql: 'select true; commit; delete from bookings; select true' }],
    });
    expect(endOf(leaves, 'assertion')).toMatchObject({
      end: 'could-not-run',
      said: expect.stringContaining('syntax error'),
    });
  });

  it('fails with the wrong key', { timeout: 120_000 }, async (ctx) => {
    if (!isHere) return ctx.skip('Debian package postgresql-15');
    const other = await generateIdentity();
    const result = await drill({}, ground.engine({ identities: () => [other] }));
    expect(result).toMatchObject({ verdict: 'failed', phases: null });
    expect(endOf(result, 'recovered')?.said).toMatch(/key/i);
  });

  it('fails when a byte of the base, or a piece of the WAL, is not what it was', {
    timeout: 120_000,
  }, async (ctx) => {
    if (!isHere) return ctx.skip('Debian package postgresql-15');
    const base = point.files.find(({ role }) => role === 'base');
    const file = join(ground.vault.root, `${base?.key ?? ''}#`, base?.version ?? '');
    const bytes = readFileSync(file);
    const at = Math.floor(bytes.length / 2);
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    writeFileSync(file, bytes);
    try {
      expect(await drill()).toMatchObject({ verdict: 'failed', phases: null });
    } finally {
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      writeFileSync(file, bytes);
    }
    expect((await drill()).verdict).toBe('passed');
  });

  it('says that it could not run where no such server is installed', async (ctx) => {
    if (!isHere) return ctx.skip('Debian package postgresql-15');
    const server = { ...point.server, version: 90_600 };
    const result = await drill({ point: { ...point, server } });
    expect(result.verdict).toBe('could-not-run');
    expect(endOf(result, 'recovered')?.said).toContain('PostgreSQL 9');
  });
});

function connect(ground: Ground) {
  return async (mode: 'sql' | 'replication'): Promise<pg.Client> => {
    const { port } = ground.server.connection();
    const place = { host: '127.0.0.1', port, user: 'postgres', database: 'postgres' };
    // The driver's types do not know it.
    const mine = mode === 'sql' ? {} : { replication: 'database' };
    const client = new pg.Client(Object.assign({}, place, mine));
    client.on('error', () => {});
    await client.connect();
    return client;
  };
}

/** All the WAL there is so far is in the vault. */
async function reach({ server }: Ground, engine: PullEngine): Promise<void> {
  const [{ lsn } = {}] = await server.query('select pg_current_wal_flush_lsn()::text as lsn');
  await (await engine.stream()).durableUpTo(lsnOf(String(lsn)) ?? 0n, NEVER);
}
