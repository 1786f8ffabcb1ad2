/**
 * Dumps and the changes between them, against real servers: what comes back is compared with what was
 * witnessed in the dump's own snapshot, while others write; each kind of damage fails a drill; and a
 * server that lets nothing be replicated still has its points, with words for what they cannot.
 */
import { createReadStream, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateIdentity } from 'age-encryption';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/model/clock.ts';
import { type DrillOrder, runDrill } from '../../src/recovery/drills/drill.ts';
import type { DrillResult } from '../../src/recovery/drills/drill-result.ts';
import type { Witness } from '../../src/recovery/drills/witness.ts';
import type { DumpEngine } from '../../src/recovery/engines/dump/dump-engine.ts';
import { packBytes, unpackBytes } from '../../src/recovery/packing/pack.ts';
import { changesPrefix, type StoredPoint } from '../../src/recovery/recovery-point.ts';
import { choosePoint } from '../../src/recovery/restore/choose-point.ts';
import { TEST_SEAL } from '../../src/recovery/testing/test-seal.ts';
import { DUMPED, dumpEngine, storedPoints } from './dump-ground.ts';
import { type Ground, NEVER, pullGround, QUIET, until } from './pull-ground.ts';

async function drillOf(
  ground: Ground,
  engine: Pick<DumpEngine, 'restore'>,
  order: Partial<DrillOrder> & Pick<DrillOrder, 'point'>,
  binaries: readonly string[],
): Promise<DrillResult> {
  const aim = { goal: { at: null, lsn: null }, witness: null, witnessTrouble: null };
  return runDrill(
    { seal: null, ...aim, assertions: [], database: 'shop', ...order },
    {
      engine,
      vault: 'folder',
      clock: systemClock,
      folder: join(ground.root, `drill-${systemClock.random(4).toString('hex')}`),
      superuser: 'postgres',
      binaries,
      replayMsMax: 60_000,
    },
    QUIET,
    NEVER,
  );
}
const saidOf = (result: DrillResult) =>
  result.checks.filter(({ end }) => end !== 'passed').map(({ end, said }) => `${end}: ${said}`);

/** Somebody who writes all the while, in transactions of their own. */
class Writer {
  readonly #client: pg.Client;
  readonly #running: Promise<void>;
  #isOver = false;
  written = 0;

  constructor(client: pg.Client) {
    this.#client = client;
    this.#running = this.#run();
  }

  static async start(ground: Ground): Promise<Writer> {
    const client = new pg.Client({ ...ground.server.connection(), password: '', database: 'shop' });
    await client.connect();
    return new Writer(client);
  }

  async #run(): Promise<void> {
    for (let n = 100_000; !this.#isOver; n += 1) {
      await this.#client.query(`begin; insert into bookings values (${n}, 'busy', now());
        update bookings set guest = 'seen ' || ${n} where id = ${(n % 5000) + 1}; commit`);
      this.written += 1;
    }
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#running;
    await this.#client.end();
  }
}

describe.for(DUMPED)('PostgreSQL $major decodes changes', ({ bin, isHere, major }) => {
  let ground: Ground;
  let engine: DumpEngine;
  let point: StoredPoint;
  let witness: Witness;
  const sql = (text: string) => ground.server.query(text, 'shop');
  const drill = (order: Partial<DrillOrder> = {}, by: Pick<DumpEngine, 'restore'> = engine) =>
    drillOf(ground, by, { point, ...order }, [bin]);
  const at = { at: null, lsn: null };
  const shopConnection = () => ({ ...ground.server.connection(), database: 'shop' });
  const reach = async () => {
    const stream = await engine.stream();
    const [row] = await sql(
      'select pg_current_wal_flush_lsn()::text as lsn, clock_timestamp() as now',
    );
    const now = new Date(String(row?.['now']));
    await until(() => (stream?.state().durableAt ?? new Date(0)) > now);
  };

  beforeAll(async () => {
    if (!isHere) return;
    ground = await pullGround(bin, [
      'wal_level=logical',
      'max_replication_slots=8',
      'max_wal_senders=8',
    ]);
    await ground.server.query(`create role clerk login password 'x; "y'' z'`);
    await ground.server.query('create database shop owner clerk');
    await sql(`
      create type mood as enum ('calm', 'busy');
      create table bookings as select n as id, 'guest ' || n as guest, now() as made from generate_series(1, 5000) n;
      alter table bookings add primary key (id);
      create table "odd ""name" (k int generated always as identity primary key, r text, t jsonb, "holdfast" bytea,
        tags text[], m mood, twice int generated always as (k * 2) stored, price money, dropped int);
      alter table "odd ""name" drop column dropped;
      insert into "odd ""name" (r, t, holdfast, tags, m, price) values ('x', '{"a": 1.50}', '\\x00ff', '{"a b",NULL}', 'calm', 12.5);
      create table whole (a text, b json); alter table whole replica identity full;
      insert into whole values ('same', '{"z": 1}'), ('same', '{"z": 1}'), (null, null);
      create table parts (id int primary key, at date) partition by range (id);
      create table parts_1 partition of parts for values from (0) to (1000);
      insert into parts select n, date '2026-01-01' + n from generate_series(1, 100) n;
      create table lines (id int primary key, booking int references bookings, note text);
      insert into lines select n, n, repeat('long ', 3000) || n from generate_series(1, 20) n;
      create function loud() returns trigger language plpgsql as $$ begin raise 'a trigger fired'; end $$`);
    engine = dumpEngine(ground, bin, { connection: shopConnection() });
    const writer = await Writer.start(ground);
    const taken = await engine.backup(QUIET, NEVER);
    const seen = await engine.witness(taken);
    if (seen === null) throw new Error('no witness was taken');
    witness = seen;
    const before = writer.written;
    await until(() => writer.written > before + 50);
    await writer.stop();
    const [stored] = await storedPoints(ground, taken.server.systemIdentifier);
    if (stored === undefined) throw new Error('no point was stored');
    point = stored;
  }, 240_000);
  afterAll(async () => {
    await engine?.close();
    await ground?.close();
  });

  it('is at its witness exactly, while others write', { timeout: 120_000 }, async (ctx) => {
    if (!isHere) return ctx.skip(`PostgreSQL ${major} with pg_dump`);
    expect(witness.method).toBe('slot');
    expect(point.wal?.startLsn).toBe(witness.lsn);
    const works = readdirSync(join(ground.root, 'works'));
    const result = await drill({ goal: { at: null, lsn: witness.lsn }, witness });
    expect(saidOf(result)).toEqual([]);
    expect(result.verdict).toBe('passed');
    expect(result.checks.map(({ name }) => name)).toContain('tables');
    expect(works).toEqual([]);
  });

  it('brings in what was decoded since, to the last row of every type', {
    timeout: 180_000,
  }, async (ctx) => {
    if (!isHere) return ctx.skip(`PostgreSQL ${major} with pg_dump`);
    await sql(`
      insert into "odd ""name" (r, t, holdfast, tags, m, price) values ('a''b\\c', '{"n": 1e400}', '\\xdeadbeef', '{}', 'busy', -3.10);
      update "odd ""name" set r = 'changed' where k = 1;
      update whole set b = '{"z": 2}' where ctid = (select min(ctid) from whole where a = 'same');
      delete from whole where a is null; insert into whole values ('new', null);
      update parts set id = id + 500 where id <= 10; delete from parts where id = 20;
      update lines set booking = 7 where id = 1; update bookings set id = 90001 where id = 4999;
      delete from lines where id = 2;
      begin; insert into bookings values (70000, 'never', now()); rollback;
      create temp table mine (a int primary key); insert into mine values (1)`);
    await reach();
    const live: Record<string, string> = {};
    const tables = ['bookings', '"odd ""name"', 'whole', 'parts', 'lines'];
    const hash = (table: string) =>
      `select count(*) || ':' || coalesce(sum(hashtextextended(t::text, 0)), 0) as hash from ${table} t`;
    for (const table of tables) live[table] = String((await sql(hash(table)))[0]?.['hash']);
    const assertions = tables.map((table) => ({
      sentence: `${table} is as in the live one.`,
      sql: `select hash = '${live[table]}' from (${hash(table)}) as h`,
    }));
    const next = {
      sentence: 'The next key is free.',
      sql: `select nextval(pg_get_serial_sequence('"odd ""name"', 'k')) > 2`,
    };
    const result = await drill({ goal: at, assertions });
    expect(saidOf(result)).toEqual([]);
    expect(result.phases?.replayMs).toBeGreaterThan(0);
    // In a transaction that may only read no sequence moves: the refusal is the server's, not a wrong answer.
    expect(saidOf(await drill({ goal: at, assertions: [next] })).join()).toMatch(/read-only/);
  });

  it('stops at the moment before the harm', { timeout: 120_000 }, async (ctx) => {
    if (!isHere) return ctx.skip(`PostgreSQL ${major} with pg_dump`);
    const [row] = await sql(`select count(*)::int as rows, clock_timestamp() as now from bookings`);
    const before = new Date(new Date(String(row?.['now'])).getTime() + 5);
    await new Promise((done) => setTimeout(done, 50));
    await sql('truncate bookings cascade');
    await reach();
    const { goal, point: chosen } = await choosePoint(
      ground.vault,
      'shop',
      { kind: 'at', at: before },
      TEST_SEAL,
    );
    expect(chosen.id).toBe(point.id);
    const has = (rows: unknown) => ({
      sentence: `${rows} bookings.`,
      sql: `select count(*) = ${rows} from bookings`,
    });
    expect(saidOf(await drill({ goal, assertions: [has(row?.['rows'])] }))).toEqual([]);
    expect(saidOf(await drill({ goal: at, assertions: [has(0)] }))).toEqual([]);
    const later = new Date(Date.now() + 3_600_000);
    expect(saidOf(await drill({ goal: { at: later, lsn: null } })).join()).toMatch(
      /to reach .*changes up to/,
    );
  });

  it('fails a drill on any damage', { timeout: 300_000 }, async (ctx) => {
    if (!isHere) return ctx.skip(`PostgreSQL ${major} with pg_dump`);
    const goal = { at: null, lsn: witness.lsn };
    const damaged = async (
      file: string,
      change: (bytes: Buffer) => Buffer,
      order: Partial<DrillOrder>,
    ) => {
      const bytes = readFileSync(file);
      writeFileSync(file, change(Buffer.from(bytes)));
      try {
        return await drill(order);
      } finally {
        writeFileSync(file, bytes);
      }
    };
    const flipped = (bytes: Buffer): Buffer => {
      const middle = Math.floor(bytes.length / 2);
      bytes.writeUInt8(bytes.readUInt8(middle) ^ 1, middle);
      return bytes;
    };
    for (const { key, version } of point.files) {
      const result = await damaged(ground.vault.fileOf(key, version), flipped, { goal });
      expect([key, result.verdict]).toEqual([key, 'failed']);
    }
    const dump = point.files.find(({ role }) => role === 'dump');
    if (dump === undefined) throw new Error('no dump');
    const cut = await damaged(
      ground.vault.fileOf(dump.key, dump.version),
      (bytes) => bytes.subarray(0, bytes.length - 70_000),
      { goal },
    );
    expect(cut.verdict).toBe('failed');
    const other = await generateIdentity();
    const wrongKey = dumpEngine(ground, bin, { identities: () => [other] });
    expect((await drill({ goal }, wrongKey)).verdict).toBe('failed');

    const pieces: string[] = [];
    for await (const object of ground.vault.list(
      changesPrefix('shop', point.server.systemIdentifier),
      null,
    )) {
      pieces.push(ground.vault.fileOf(object.key, object.version));
    }
    // Not the last: that nothing came after it cannot be told from a vault that ends there.
    expect(pieces.length).toBeGreaterThan(1);
    const first = pieces[0] ?? '';
    expect((await damaged(first, flipped, { goal: at })).verdict).toBe('failed');
    // The same changes, by somebody who knows the public key.
    const { identity, recipient } = ground;
    const plain = await unpackBytes(createReadStream(first), [identity], 'it');
    const forged: Uint8Array[] = [];
    for await (const part of packBytes(plain, [recipient]).body) forged.push(part);
    const planted = await damaged(first, () => Buffer.concat(forged), { goal: at });
    expect(saidOf(planted).join()).toMatch(/one without a seal/);
    renameSync(`${first}.json`, `${first}.hidden`);
    const missing = await drill({ goal: at });
    renameSync(`${first}.hidden`, `${first}.json`);
    expect(saidOf(missing).join()).toMatch(/without a hole/);
  });

  it('cannot be brought past tables that were built anew, and says that a dump is due', {
    timeout: 180_000,
  }, async (ctx) => {
    if (!isHere) return ctx.skip(`PostgreSQL ${major} with pg_dump`);
    await sql(
      'alter table lines add column more int; insert into lines values (500, null, null, 1)',
    );
    await reach();
    const failed = await drill({ goal: at });
    expect(saidOf(failed).join()).toMatch(/lines built as in the dump/);
    // As a start does: how the tables were at the newest dump is read from the vault.
    await engine.close();
    engine = dumpEngine(ground, bin, { connection: shopConnection() });
    const stream = await engine.stream();
    await until(() => stream?.state().hasGap === true);
    expect(stream?.state().trouble).toMatch(/built anew since the last dump/);
    const taken = await engine.backup(QUIET, NEVER);
    expect(stream?.state()).toMatchObject({ hasGap: false, trouble: null });
    await sql('insert into lines values (501, null, null, 2)');
    await reach();
    const points = await storedPoints(ground, taken.server.systemIdentifier);
    const newest = points.at(-1);
    if (newest === undefined) throw new Error('no point');
    const has = {
      sentence: 'Both lines are there.',
      sql: 'select count(*) = 2 from lines where id >= 500',
    };
    expect(saidOf(await drill({ point: newest, goal: at, assertions: [has] }))).toEqual([]);
  });
});

describe('a provider that lets nothing be replicated', () => {
  const [{ bin, isHere }] = DUMPED;
  let ground: Ground;
  let engine: DumpEngine;
  /** An ordinary login that may read everything; it can neither replicate nor make roles. */
  const connection = () => ({ ...ground.server.connection(), user: 'owner', database: 'shop' });

  beforeAll(async () => {
    if (!isHere) return;
    ground = await pullGround(bin, ['wal_level=logical', 'max_replication_slots=8']);
    const hba = join(ground.server.data, 'pg_hba.conf');
    writeFileSync(hba, 'host replication all all reject\nhost all all 127.0.0.1/32 trust\n');
    await ground.server.query(
      'select pg_reload_conf(); create role owner login; grant pg_read_all_data to owner',
    );
    await ground.server.query('create database shop owner owner');
    await ground.server.query(
      `create table bookings as select n as id, 'guest ' || n as guest from generate_series(1, 500) n;
       alter table bookings add primary key (id); alter table bookings owner to owner`,
      'shop',
    );
    engine = dumpEngine(ground, bin, { connection: connection() });
  }, 120_000);
  afterAll(async () => {
    await engine?.close();
    await ground?.close();
  });

  it('is told by the engine pull what would do, and at what price', async (ctx) => {
    if (!isHere) return ctx.skip('PostgreSQL 15 with pg_dump');
    const pull = ground.engine({ connection: connection() });
    await expect(pull.backup(QUIET, NEVER)).rejects.toMatchObject({
      code: 'HF_RECOVERY_SERVER',
      hint: expect.stringMatching(/recovery\.engine: dump.*several times as long.*lost/),
    });
    await ground.server.query('alter role owner replication');
    const stream = await ground.engine({ connection: connection() }).stream();
    await until(() => /pg_hba/.test(stream.state().trouble ?? ''));
    expect(stream.state().trouble).toMatch(/engine: dump/);
    await ground.server.query('alter role owner noreplication');
  });

  it('has points of their own moment, with words for what that means', {
    timeout: 120_000,
  }, async (ctx) => {
    if (!isHere) return ctx.skip('PostgreSQL 15 with pg_dump');
    expect(await engine.stream()).toBeNull();
    expect(engine.lacks().join()).toMatch(
      /No changes are decoded .*all since the last dump would be lost/,
    );
    const taken = await engine.backup(QUIET, NEVER);
    expect(taken.wal).toBeNull();
    const witness = await engine.witness(taken);
    expect(witness?.method).toBe('snapshot');
    const [point] = await storedPoints(ground, taken.server.systemIdentifier);
    if (point === undefined) throw new Error('no point');
    const result = await drillOf(ground, engine, { point, witness }, [bin]);
    expect(saidOf(result)).toEqual([]);
    // Another moment than its own nobody can have, and nobody is given it.
    const later = { at: new Date(), lsn: null };
    const refused = await drillOf(ground, engine, { point, goal: later }, [bin]);
    expect(saidOf(refused).join()).toMatch(/a dump of .* which no changes follow/);
    // Nothing of it is left at the server.
    expect(await ground.server.query('select slot_name from pg_replication_slots')).toEqual([]);
  });

  it('streams all the same where only base backups are refused', {
    timeout: 120_000,
  }, async (ctx) => {
    if (!isHere) return ctx.skip('PostgreSQL 15 with pg_dump');
    await ground.server.query('alter role owner replication');
    const able = dumpEngine(ground, bin, { connection: connection() });
    try {
      const taken = await able.backup(QUIET, NEVER);
      expect(taken.wal).not.toBeNull();
      expect((await able.stream())?.state()).toMatchObject({ isStreaming: true, notCarried: [] });
      // A key that goes, and a table without one: what is not carried is said, and its owner still writes to it.
      await ground.server.query(
        'create table keyless (a int); alter table keyless owner to owner; insert into keyless values (1)',
        'shop',
      );
      await able.backup(QUIET, NEVER);
      await ground.server.query('update keyless set a = 2', 'shop');
      expect((await able.stream())?.state().notCarried).toEqual([
        expect.stringMatching(/^Changes of 1 table without a primary key are not carried/),
      ]);
      const point = (await storedPoints(ground, taken.server.systemIdentifier)).at(-1);
      expect(point?.dump?.carriesAll).toBe(false);
    } finally {
      await able.close();
      await ground.server.query('alter role owner noreplication');
    }
  });

  it('does not call a drill passed where an extension is not installed', {
    timeout: 120_000,
  }, async (ctx) => {
    if (!isHere) return ctx.skip('PostgreSQL 15 with pg_dump');
    // As if the server had one that this machine has not.
    await ground.server.query(
      `insert into pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
       values (99999, 'postgis', 10, 'public'::regnamespace, false, '3.4')`,
      'shop',
    );
    const taken = await engine.backup(QUIET, NEVER);
    await ground.server.query('delete from pg_extension where oid = 99999', 'shop');
    const point = (await storedPoints(ground, taken.server.systemIdentifier)).at(-1);
    if (point === undefined) throw new Error('no point');
    const result = await drillOf(ground, engine, { point }, [bin]);
    expect(result.verdict).toBe('could-not-run');
    expect(saidOf(result).join()).toMatch(/extensions of the database.*postgis/);
  });

  it('fails whole where a table may not be read, and leaves nothing', {
    timeout: 120_000,
  }, async (ctx) => {
    if (!isHere) return ctx.skip('PostgreSQL 15 with pg_dump');
    await ground.server.query('revoke pg_read_all_data from owner; ', 'shop');
    await ground.server.query('create table hidden as select 1 as a', 'shop');
    const points = () => storedPoints(ground, system);
    const { systemIdentifier: system } = await engine.facts();
    const before = (await points()).length;
    await expect(engine.backup(QUIET, NEVER)).rejects.toThrow(/permission denied/);
    expect((await points()).length).toBe(before);
    expect(readdirSync(join(ground.root, 'works'))).toEqual([]);
    await ground.server.query('drop table hidden; grant pg_read_all_data to owner', 'shop');
  });
});
