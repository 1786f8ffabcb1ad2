/** On a real server: the live database, and the copy as another database beside it. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../model/clock.ts';
import { captureFoundation } from '../../../protection/postgres/capture/foundation.ts';
import type { TargetDatabase } from '../../../protection/target-database.ts';
import { adminOf } from '../../../testing/captured-target.ts';
import { type ScratchPostgres, startScratchPostgres } from '../../../testing/scratch-postgres.ts';
import { type WriteBackOrder, writeBack } from './write-back.ts';

const ROLES = `create role holdfast_owner nologin bypassrls; create role holdfast_undo nologin bypassrls;
  create role shop nologin; grant shop to holdfast_owner, holdfast_undo`;
const TABLES = `grant create on schema public to shop; set local role shop; set local search_path = public;
  create table tenants (id int primary key, code text unique, name text);
  create table bookings (id int primary key, tenant int references tenants on delete cascade);
  create table notes (id int primary key, tenant int references tenants on delete set null);
  create table labels (id int primary key, tenant text references tenants (code) on update cascade);
  create table days (tenant int, day int, primary key (tenant, day)) partition by list (tenant);
  create table days_1 partition of days for values in (1);
  create table days_2 partition of days for values in (2);
  create table shifts (id int primary key, tenant int, day int,
    foreign key (tenant, day) references days on delete cascade)`;
const EMPTY = 'truncate public.tenants, public.days cascade';

describe('a write-back, and rows that nobody named', () => {
  let server: ScratchPostgres;
  let live: TargetDatabase;
  let restored: TargetDatabase;
  beforeAll(async () => {
    server = await startScratchPostgres();
    const first = adminOf(server, 'shop', 'postgres');
    await first.query(ROLES);
    await first.query('create database live');
    await first.query('create database copy');
    await first.close();
    live = adminOf(server, 'shop', 'live');
    restored = adminOf(server, 'shop', 'copy');
    await live.query('create schema holdfast authorization holdfast_owner');
    for (const one of [live, restored]) await one.query(TABLES);
    for (const { sql } of captureFoundation()) await live.query(sql);
    await live.query(`insert into holdfast.meta values ('install', '"install-one"')`);
    // What refers to them is captured by nobody, so that no undo would bring it back.
    for (const table of ['tenants', 'bookings', 'days', 'days_1', 'days_2']) {
      await live.query(`select holdfast.attach($1::regclass)`, [`public.${table}`]);
    }
  });
  afterAll(async () => {
    await live?.close();
    await restored?.close();
    await server?.stop();
  });
  beforeEach(async () => {
    for (const one of [live, restored]) {
      await one.query(`${EMPTY}; insert into public.tenants values (2, 'b', 'two')`);
    }
  });

  const whole = (name: string) => ({ schema: 'public', name, keys: null });
  const write = (order: Partial<WriteBackOrder>) =>
    writeBack(
      { tables: [whole('tenants')], changed: 'keep', extra: 'delete', mode: 'apply', ...order },
      { restored, live, clock: systemClock },
    );
  const rows = async (table: string): Promise<unknown> => {
    const [row] = await live.query(`select count(*)::int as n from public.${table}`);
    return row?.['n'];
  };

  it.each([
    ['bookings', 'deleted by CASCADE', `(7, 1)`],
    ['notes', 'changed by SET NULL', `(7, 1)`],
  ])('are not, in %s, %s', async (table, _, row) => {
    await live.query(`insert into public.tenants values (1, 'a', 'one');
      insert into public.${table} values ${row}`);
    const one = { tables: [{ schema: 'public', name: 'tenants', keys: [['1']] }] };
    const said = new RegExp(
      `1 row\\(s\\) of public.${table} refer to rows of public.tenants that would be deleted`,
    );
    expect((await write({ ...one, mode: 'preview' })).wouldFail).toEqual([
      expect.stringMatching(said),
    ]);
    for (const order of [one, {}]) {
      const writing = write(order);
      await expect(writing).rejects.toMatchObject({ code: 'HF_RESTORE_STATE' });
      await expect(writing).rejects.toThrow(said);
    }
    expect(await live.query(`select tenant from public.${table}`)).toEqual([{ tenant: 1 }]);
    expect(await rows('tenants')).toBe(2);
  });

  it('are seen also of a transaction that commits meanwhile', async () => {
    await live.query(`insert into public.tenants values (1, 'a', 'one')`);
    const other = adminOf(server, 'shop', 'live');
    const writing = await other.transaction('read committed', async (session) => {
      await session.query('insert into public.bookings values (7, 1)');
      const begun = write({});
      begun.catch(() => {});
      for (let waiting: unknown = 0; waiting !== 1; ) {
        const [row] = await live.query(
          `select count(*)::int as n from pg_stat_activity where datname = 'live' and wait_event_type = 'Lock'`,
        );
        waiting = row?.['n'];
      }
      return { begun };
    });
    await other.close();
    await expect(writing.begun).rejects.toThrow(/1 row\(s\) of public.bookings refer to/);
    expect(await rows('bookings')).toBe(1);
  });

  it('go with them where their table was named, too', async () => {
    await live.query(`insert into public.tenants values (1, 'a', 'one');
      insert into public.bookings values (7, 1)`);
    const report = await write({ tables: [whole('tenants'), whole('bookings')] });
    expect(report.tables).toMatchObject([{ deleted: 1 }, { deleted: 1 }]);
    expect(await rows('bookings')).toBe(0);
  });

  it('are in nobody’s way once they are what they were', async () => {
    await restored.query(`insert into public.bookings values (7, 2)`);
    await live.query(`insert into public.tenants values (1, 'a', 'one');
      insert into public.bookings values (7, 1)`);
    const tables = [whole('tenants'), whole('bookings')];
    const order = { tables, changed: 'set-back' } as const;
    expect((await write({ ...order, mode: 'preview' })).wouldFail).toEqual([]);
    const report = await write(order);
    expect(report.tables).toMatchObject([{ deleted: 1 }, { setBack: 1 }]);
    // With other values and kept, it stays with its tenant, who then cannot go.
    await live.query(`insert into public.tenants values (1, 'a', 'one');
      update public.bookings set tenant = 1`);
    await expect(write({ tables })).rejects.toThrow(/1 row\(s\) of public.bookings/);
    expect(await live.query('select tenant from public.bookings')).toEqual([{ tenant: 1 }]);
  });

  it('are not changed by ON UPDATE CASCADE', async () => {
    await live.query(`update public.tenants set code = 'x', name = 'other';
      insert into public.labels values (1, 'x')`);
    const order = { changed: 'set-back', extra: 'keep' } as const;
    const said = /1 row\(s\) of public.labels refer to rows of public.tenants by a value/;
    expect((await write({ ...order, mode: 'preview' })).wouldFail).toEqual([
      expect.stringMatching(said),
    ]);
    await expect(write(order)).rejects.toThrow(said);
    expect(await live.query('select tenant from public.labels')).toEqual([{ tenant: 'x' }]);
    // Another column of a row that is referred to reaches nobody.
    await restored.query(`update public.tenants set code = 'x'`);
    expect((await write(order)).tables).toMatchObject([{ setBack: 1 }]);
  });

  it('are seen where one partition was named', async () => {
    await live.query(`insert into public.days values (1, 1), (2, 1);
      insert into public.shifts values (7, 1, 1), (8, 2, 1)`);
    await expect(write({ tables: [whole('days_1')] })).rejects.toThrow(
      /1 row\(s\) of public.shifts refer to rows of public.days/,
    );
    expect(await rows('shifts')).toBe(2);
  });
});
