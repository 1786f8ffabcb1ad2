/**
 * Every way round a reader of SQL that only roles can close, tried directly against a protected database
 * with the agent's own role and password: PostgreSQL itself refuses, or the old rows are kept.
 */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Seal } from '../../src/identity/seal.ts';
import { systemClock } from '../../src/model/clock.ts';
import { AgentRoles } from '../../src/protection/postgres/wall/agent-roles.ts';
import { applyProtection } from '../../src/protection/postgres/wall/apply.ts';
import { MemoryAgentRoleStore } from '../../src/testing/memory-agent-role-store.ts';
import { OPTIONS, type Shop, startShop, VERSIONS } from './wall-fixture.ts';

type Expected = string | 'captured' | 'harmless';
type Row = readonly [name: string, sql: string, expected: Expected];

/** 42501 insufficient privilege; 42704/42883: not there for anybody. */
const ROWS: readonly Row[] = [
  // A1: own role, nothing to go back to.
  ['A1 SET ROLE to the superuser', 'set role postgres', '42501'],
  ['A1 SET ROLE to the owner of the tables', 'set role app', '42501'],
  ['A1 SET ROLE to our owner', 'set role holdfast_owner', '42501'],
  ['A1 SET ROLE to everybody else', 'set role holdfast_others', '42501'],
  ['A1 SET SESSION AUTHORIZATION', 'set session authorization postgres', '42501'],
  ['A1 RESET ROLE leaves the agent where it is', `reset role; do $$ begin end $$`, '42501'],
  ['A1 makes itself a member of the owner', 'grant app to current_user', '42501'],
  ['A1 makes a role', 'create role mine login superuser', '42501'],
  ['A1 lifts itself', 'alter role current_user superuser', '42501'],
  // A2: ownership.
  ['A2 disables triggers', 'alter table bookings disable trigger all', '42501'],
  ['A2 drops a trigger', 'drop trigger "!holdfast_delete" on bookings', '42501'],
  ['A2 rewrites a column', 'alter table bookings alter note type int using null', '42501'],
  ['A2 sets unlogged', 'alter table bookings set unlogged', '42501'],
  ['A2 drops a table', 'drop table bookings', '42501'],
  ['A2 drops a schema', 'drop schema stock cascade', '42501'],
  ['A2 drops what it owns: nothing', 'drop owned by current_user', 'harmless'],
  ['A2 takes ownership', 'alter table bookings owner to current_user', '42501'],
  ['A2 gives away what a superuser owned', 'alter table roots owner to current_user', '42501'],
  ['A2 turns row security on', 'alter table bookings enable row level security', '42501'],
  [
    'A2 grants itself more',
    'grant truncate on bookings to current_user; truncate bookings',
    '42501',
  ],
  [
    'A2 changes future privileges of the owner',
    'alter default privileges for role app grant all on tables to public',
    '42501',
  ],
  ['A2 drops the database', 'drop database postgres', '42501'],
  ['A2 alters the database', `alter database shop set standard_conforming_strings = off`, '42501'],
  // A3: opaque code.
  ['A3 a SECURITY DEFINER function', 'select purge()', '42501'],
  ['A3 a function that deletes', 'select wipe()', '42501'],
  ['A3 a view over a function that deletes', 'select * from trap', '42501'],
  ['A3 a procedure', 'call tidy()', '42501'],
  ['A3 a function as an attribute', 'select c.as_note from clients c', '42501'],
  ['A3 what a superuser made', 'select root_made()', '42501'],
  ['A3 DO', `do $$ begin execute chr(100) || 'elete from bookings'; end $$`, '42501'],
  ['A3 DO in sql', `do language sql 'delete from bookings'`, '42501'],
  [
    'A3 a temporary function',
    `create function pg_temp.f() returns int language sql as 'select 1'`,
    '42501',
  ],
  ['A3 a temporary table', 'create temp table t (id int)', '42501'],
  ['A3 a temporary view', 'create temp view t as select 1', '42501'],
  ['A3 SELECT INTO TEMP', 'select 1 into temp t', '42501'],
  [
    'A3 a function in public',
    `create function public.f() returns int language sql as 'select 1'`,
    '42501',
  ],
  ['A3 a schema', 'create schema mine', '42501'],
  ['A3 a language', 'drop language plpgsql', '42501'],
  ['A3 an extension', 'create extension lo', '42501'],
  [
    'A3 an event trigger',
    'create event trigger x on sql_drop execute function holdfast.fence_drop()',
    '42501',
  ],
  // A4: TRUNCATE.
  ['A4 TRUNCATE', 'truncate bookings', '42501'],
  ['A4 TRUNCATE by CASCADE', 'truncate clients cascade', '42501'],
  ['A4 TRUNCATE that PUBLIC had', 'truncate roots', '42501'],
  ['A4 a foreign key of its own', 'create table public.x (id int references roots)', '42501'],
  // A6: server.
  ['A6 silences triggers', 'set session_replication_role = replica', '42501'],
  ['A6 COPY to a program', `copy clients to program 'cat'`, '42501'],
  ['A6 COPY from a file', `copy clients from '/etc/passwd'`, '42501'],
  ['A6 reads a file', `select pg_read_file('/etc/passwd')`, '42501'],
  ['A6 ALTER SYSTEM', `alter system set fsync = off`, '42501'],
  ['A6 reloads', 'select pg_reload_conf()', '42501'],
  [
    'A6 ends a session of another role',
    `select pg_terminate_backend(pid) from pg_stat_activity where usename = 'postgres' limit 1`,
    '42501',
  ],
  ['A6 writes the catalog', `update pg_proc set proacl = null`, '42501'],
  ['A6 reads passwords', 'select * from pg_authid', '42501'],
  ['A6 turns event triggers off', 'alter event trigger holdfast_drop disable', '42501'],
  // A7: large objects.
  ['A7 lo_creat', 'select lo_creat(-1)', '42501'],
  ['A7 lo_create', 'select lo_create(0)', '42501'],
  ['A7 lo_from_bytea', `select lo_from_bytea(0, 'x')`, '42501'],
  ['A7 lo_import', `select lo_import('/etc/passwd')`, '42501'],
  ['A7 lo_unlink', 'select lo_unlink(1)', '42501'],
  ['A7 lo_open', 'select lo_open(1, 131072)', '42501'],
  ['A7 lowrite', `select lowrite(0, 'x')`, '42501'],
  // A8: links.
  ['A8 dblink', `select * from dblink('dbname=shop', 'select 1') as t (x int)`, '42501'],
  ['A8 dblink_exec', `select dblink_exec('dbname=shop', 'drop table bookings')`, '42501'],
  ['A8 a foreign server', 'create server s foreign data wrapper postgres_fdw', '42501'],
  ['A8 a wrapper', 'create foreign data wrapper w', '42501'],
  // A9: hidden code.
  ['A9 a rule', 'create rule r as on select to bookings do instead select 1', '42501'],
  [
    'A9 a trigger',
    'create trigger t before insert on bookings execute function public.wipe()',
    '42501',
  ],
  ['A9 a default', 'alter table bookings alter note set default wipe()', '42501'],
  [
    'A9 an operator',
    'create operator public.<<< (procedure = public.is_free, rightarg = int)',
    '42501',
  ],
  ['A9 a cast', 'create cast (text as int) with function public.wipe()', '42501'],
  ['A9 a policy', 'create policy p on bookings using (wipe() > 0)', '42501'],
  ['A9 a view', 'create view public.v as select wipe()', '42501'],
  ['A9 a table in public', 'create table public.t (id int)', '42501'],
  ['A9 setval', `select setval('public.numbers', 1)`, '42501'],
  // What is Holdfast's.
  ['H reads notes', 'select * from holdfast.meta', '42501'],
  [
    'H changes notes',
    `update holdfast.meta set value = '["hf_shopper"]' where key = 'exempt'`,
    '42501',
  ],
  ['H adds to our schema', 'create table holdfast.t (id int)', '42501'],
  [
    'H replaces our functions',
    `create or replace function holdfast.fence_passes() returns boolean language sql as 'select true'`,
    '42501',
  ],
  ['H calls what attaches', 'select holdfast.attach_missing()', '42501'],
  // C: legal DML, which capture keeps.
  ['C UPDATE of all rows', `update bookings set note = 'x'`, 'captured'],
  ['C DELETE without WHERE', 'delete from stock.parts', 'captured'],
  ['C DELETE that cascades', 'delete from clients', 'captured'],
  ['C DELETE from a partition', 'delete from parted_2025', 'captured'],
  ['C DELETE from the parent', 'delete from parted', 'captured'],
  [
    'C MERGE',
    'merge into stock.parts p using (values (1)) v (id) on p.id = v.id when matched then delete',
    'captured',
  ],
  [
    'C a CTE',
    'with gone as (delete from bookings returning 1) select count(*) from gone',
    'captured',
  ],
  ['C a view', `update names set name = 'x'`, 'captured'],
  ['C EXPLAIN ANALYZE', 'explain analyze delete from bookings', 'captured'],
  [
    'C ON CONFLICT',
    'insert into stock.parts values (1, 9) on conflict (id) do update set amount = 9',
    'captured',
  ],
  ['C what a superuser owned', 'delete from roots', 'captured'],
  ['C PREPARE and EXECUTE', 'prepare p as delete from bookings; execute p', 'captured'],
  // What an agent is for.
  ['reads', 'select * from clients, counts, roots_seen', 'harmless'],
  ['calls what is listed', 'select is_free(1)', 'harmless'],
  ['takes the next number', `select nextval('public.numbers')`, 'harmless'],
  ['compares citext', `select * from clients where mail = 'C1@X'`, 'harmless'],
];

describe.each(VERSIONS)('round the reader, $name', (version) => {
  describe.skipIf(version.skip !== null)(version.skip ?? '', () => {
    let shop: Shop;
    let agent: pg.Client;
    beforeAll(async () => {
      shop = await startShop(version);
      await applyProtection(shop.db, OPTIONS);
      const roles = new AgentRoles({
        db: shop.db,
        store: new MemoryAgentRoleStore(),
        seal: new Seal(systemClock.random(32), systemClock),
        clock: systemClock,
        note: () => {},
      });
      const { password, user } = await roles.ensure({ id: 'agent_1', name: 'shopper' });
      expect(user).toBe('hf_shopper');
      agent = await shop.as(user, password);
    });
    afterAll(() => shop?.stop());

    it('lets the agent in by its password only', async () => {
      await expect(shop.as('hf_shopper', 'guessed')).rejects.toMatchObject({ code: '28P01' });
    });

    it('lets the agent replicate nothing', async () => {
      const { host, port } = shop.server;
      const client = new pg.Client({
        host,
        port,
        user: 'hf_shopper',
        database: 'shop',
        password: 'x',
        ...{ replication: 'database' },
      });
      client.on('error', () => {});
      await expect(client.connect()).rejects.toThrow();
    });

    it.each(ROWS)('%s', async (_name, sql, expected) => {
      if (expected !== 'harmless' && expected !== 'captured') {
        await expect(agent.query(sql)).rejects.toMatchObject({ code: expected });
        return;
      }
      const before = await journalled(shop);
      await agent.query('begin');
      try {
        await agent.query(sql);
        if (expected === 'captured') expect(await journalled(shop)).toBeGreaterThan(before);
      } finally {
        await agent.query('rollback');
      }
    });
  });
});

/** By the sequence of the journal: it moves before anything is committed. */
async function journalled({ db }: Shop): Promise<number> {
  const [row] = await db.query('select last_value::int + is_called::int as at from holdfast.seq');
  return Number(row?.['at'] ?? 0);
}
