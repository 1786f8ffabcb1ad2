/**
 * What an agent, an application of the owner's or code they made tries against the wall from inside: to run
 * as somebody else, to lose rows that nobody keeps, to use a receipt for another thing. Each row has a
 * story; none ever leaves this list. Rows that once came through say so.
 */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Seal } from '../../src/identity/seal.ts';
import { systemClock } from '../../src/model/clock.ts';
import { Receipts } from '../../src/protection/postgres/acts/receipts.ts';
import { Drain } from '../../src/protection/postgres/drain.ts';
import { runUndo } from '../../src/protection/postgres/undo/engine.ts';
import { AgentRoles } from '../../src/protection/postgres/wall/agent-roles.ts';
import { applyProtection } from '../../src/protection/postgres/wall/apply.ts';
import { ANY_PATH } from '../../src/testing/fake-parts.ts';
import { MemoryAgentRoleStore } from '../../src/testing/memory-agent-role-store.ts';
import { MemoryUndoStore } from '../../src/testing/memory-undo-store.ts';
import { OPTIONS, type Shop, startShop, VERSIONS } from './wall-fixture.ts';

type Direct = readonly [who: 'agent' | 'app', story: string, sql: string, code: string];

const DIRECT: readonly Direct[] = [
  ['agent', 'reads receipts', 'select * from holdfast.turns', '42501'],
  ['agent', 'writes itself a receipt', `insert into holdfast.turns values (9, 1)`, '42501'],
  ['agent', 'guesses a receipt', `call holdfast.run('receipt_0')`, '42501'],
  ['agent', 'a receipt of nothing', 'call holdfast.run(null)', '42501'],
  [
    'agent',
    'a receipt with SQL in it',
    `call holdfast.run('x''; drop table clients; --')`,
    '42501',
  ],
  ['agent', 'reads the key of receipts', 'table holdfast.receipt_key', '42501'],
  ['agent', 'signs one itself', `select holdfast.receipt_mac('t1n1', '{}')`, '42501'],
  [
    'agent',
    'issues itself one',
    `select holdfast.issue_receipts(pg_backend_pid(), current_user, 1, '{}', null, '{drop table clients}', '{plain}')`,
    '42501',
  ],
  ['agent', 'turns its turn back', `select setval('holdfast.turn_1', 1, false)`, '42501'],
  [
    'agent',
    'says that a receipt runs',
    `insert into holdfast.running values (1, '1', '{}')`,
    '42501',
  ],
  ['agent', 'voids what others have', `select holdfast.void_receipts('{1}', '{9}')`, '42501'],
  ['agent', 'is another session', 'set session authorization app', '42501'],
  ['agent', 'is the owner for a transaction', 'begin; set local role app', '42501'],
  ['agent', 'has things made by the maker', 'set role holdfast_ddl', '42501'],
  [
    'agent',
    'leaves a transaction behind its session',
    `begin; prepare transaction 'left'`,
    // None are allowed by default; what one can do is tried in receipts-bound.test.ts.
    '55000',
  ],
  ['agent', 'runs past the receipt', `select holdfast.use_receipt('x', 'public')`, '42501'],
  [
    'agent',
    'runs as the owner',
    `select holdfast.execute_as_owner('drop table clients', 'public')`,
    '42501',
  ],
  [
    'agent',
    'runs reversibly',
    `select holdfast.run_reversibly('drop table clients', 'public')`,
    '42501',
  ],
  ['agent', 'forges an act', `select holdfast.note_act('{}')`, '42501'],
  ['agent', 'empties the journal', 'delete from holdfast.journal', '42501'],
  ['agent', 'fills the journal', `copy holdfast.journal from stdin`, '42501'],
  ['agent', 'locks the journal', 'begin; lock table holdfast.journal; commit', '42501'],
  ['agent', 'moves the sequence of the journal', `select setval('holdfast.seq', 1)`, '42501'],
  ['agent', 'takes numbers of the journal', `select nextval('holdfast.seq')`, '42501'],
  ['agent', 'detaches the capture', `select holdfast.detach('public.clients')`, '42501'],
  ['agent', 'clears former shapes', 'select holdfast.drop_former_shapes()', '42501'],
  [
    'agent',
    'writes a function of ours',
    `select holdfast.write_function('t1', 'x', '{}')`,
    '42501',
  ],
  ['agent', 'empties the trash', 'drop schema holdfast cascade', '42501'],
  ['agent', 'lives for ever', `alter role current_user valid until 'infinity'`, '42501'],
  ['agent', 'may make databases', 'alter role current_user createdb', '42501'],
  ['agent', 'passes row security', 'alter role current_user bypassrls', '42501'],
  ['agent', 'refreshes a view kept as rows', 'refresh materialized view counts', '42501'],
  ['agent', 'comments what is not its own', `comment on table bookings is 'x'`, '42501'],
  [
    'agent',
    'a temporary table that hides a real one',
    'create temp table bookings (id int)',
    '42501',
  ],
  ['agent', 'a temporary view', 'create temp view bookings as select 1', '42501'],
  ['agent', 'an extension', 'create extension hstore', '42501'],
  ['agent', 'a schema', 'create schema mine', '42501'],
  [
    'agent',
    'rows by XML',
    `select query_to_xml('delete from bookings returning 1', true, true, '')`,
    '0A000',
  ],
  [
    'agent',
    'a replication slot',
    `select pg_create_logical_replication_slot('x', 'test_decoding')`,
    '42501',
  ],
  ['agent', 'an origin', `select pg_replication_origin_create('x')`, '42501'],
  ['agent', 'a large object by its table', 'delete from pg_largeobject', '42501'],
  ['agent', 'clusters', 'cluster bookings using bookings_pkey', '42501'],
  ['agent', 'overwrites a large object', `select lo_put(4711, 0, 'y')`, '42501'],
  ['agent', 'cuts a large object off', 'select lo_truncate(lo_open(4711, 131072), 0)', '42501'],
  ['agent', 'deletes a large object without a receipt', 'select lo_unlink(4711)', '42501'],
  ['agent', 'becomes the owner', 'grant app to current_user', '42501'],
  ['agent', 'makes a role', `create role twin login password 'x' in role app`, '42501'],
  ['agent', 'drops a role', 'drop role reports', '42501'],
  ['agent', 'takes a password', `alter role app password 'mine'`, '42501'],
  ['agent', 'sets what others start with', 'alter role app set search_path = evil', '42501'],
  ['app', 'makes a role for an agent', 'create role twin in role app', '42501'],
  ['app', 'makes agents owners', 'grant app to holdfast_agents', '42501'],
  [
    'app',
    'lets receipts run as ours (came through once)',
    'alter function holdfast.execute_as_owner(text, text) security invoker',
    '42501',
  ],
  [
    'app',
    'loosens the path of ours (came through once)',
    'alter function holdfast.execute_as_owner(text, text) reset all',
    '42501',
  ],
  [
    'app',
    'renames ours',
    'alter function holdfast.execute_as_owner(text, text) rename to x',
    '42501',
  ],
  [
    'app',
    'gives ours away (came through once)',
    'alter function holdfast.execute_as_owner(text, text) owner to app',
    '42501',
  ],
  [
    'app',
    'replaces ours',
    `create or replace function holdfast.execute_as_owner(statement text, path text) returns void language sql as ''`,
    '42501',
  ],
  ['app', 'drops ours', 'drop function holdfast.execute_as_owner(text, text)', '42501'],
  ['app', 'drops a table', 'drop table bookings', '42501'],
  ['app', 'rewrites a table', 'alter table bookings alter note type int using 0', '42501'],
  ['app', 'a table that a crash empties', 'alter table bookings set unlogged', '42501'],
  ['app', 'drops what it owns', 'drop owned by app', '42501'],
];

/** Made by agents without a question: each is additive. What sets the code off is additive, too. */
type SetOff = readonly [story: string, make: readonly string[], set: string];
const EVIL = (name: string, ddl: string): string =>
  `create function public.${name}(v int) returns boolean language plpgsql as $$ begin execute '${ddl}'; return true; end $$`;
const SET_OFF: readonly SetOff[] = [
  [
    'the check of a domain drops a table (came through once)',
    [
      EVIL('bad1', 'drop table if exists stock.parts'),
      'create domain public.d1 as int check (public.bad1(value))',
    ],
    'alter table public.bookings add column x1 public.d1 default 1',
  ],
  [
    'an operator drops a table (came through once)',
    [
      `create function public.bad2(int, int) returns boolean language plpgsql as $$ begin execute 'drop table if exists stock.parts'; return true; end $$`,
      'create operator public.=== (function = public.bad2, leftarg = int, rightarg = int)',
    ],
    'create table public.made2 as select 1 operator(public.===) 2 as x',
  ],
  [
    'a function with the name that a DO block has in the context',
    [
      EVIL('inline_code_block', "do ''begin drop table if exists stock.parts; end''"),
      'create domain public.d9 as int check (public.inline_code_block(value))',
    ],
    'alter table public.bookings add column x9 public.d9 default 1',
  ],
  [
    'a default makes a table unlogged (came through once)',
    [EVIL('bad3', 'alter table stock.parts set unlogged')],
    'alter table public.bookings add column x3 boolean default public.bad3(1)',
  ],
  [
    'a check of an old row rewrites a table (came through once)',
    [EVIL('bad4', 'alter table stock.parts alter amount type text using null')],
    'alter table public.bookings add check (public.bad4(id))',
  ],
  [
    'a function in SQL drops a table',
    [
      `create function public.bad5() returns int language sql as 'drop table stock.parts; select 1'`,
    ],
    'create table public.made5 as select public.bad5() as x',
  ],
  [
    'code takes our function over',
    [EVIL('bad6', 'alter function holdfast.execute_as_owner(text, text) security invoker')],
    'create table public.made6 as select public.bad6(1) as x',
  ],
  [
    'code replaces a function that nobody keeps',
    [
      EVIL(
        'bad7',
        `create or replace function public.wipe() returns int language sql as ''select 0''`.replaceAll(
          "'",
          "''",
        ),
      ),
    ],
    'create table public.made7 as select public.bad7(1) as x',
  ],
  [
    'code uses a receipt inside one',
    [
      `create function public.bad8() returns int language plpgsql as $$ begin call holdfast.run('receipt_0'); return 1; end $$`,
    ],
    'create table public.made8 as select public.bad8() as x',
  ],
  [
    'code runs past the receipt',
    [
      `create function public.bad9() returns int language plpgsql as $$ begin perform holdfast.execute_as_owner('drop table stock.parts', 'public'); return 1; end $$`,
    ],
    'create table public.made9 as select public.bad9() as x',
  ],
];

/** Code of a table's owner that an undo would run: it takes what it can get, and says nothing. */
type Climb = readonly [story: string, make: string];
const GREEDY = `begin begin execute 'alter role app superuser'; exception when others then null; end;
  begin delete from holdfast.journal; update holdfast.meta set value = '["app"]' where key = 'exempt'; exception when others then null; end;`;
const CLIMBS: readonly Climb[] = [
  [
    'the check of a domain (came through once)',
    `create function public.up(v int) returns boolean language plpgsql as $$ ${GREEDY} return true; end $$;
     create domain public.dup as int check (public.up(value));
     create table public.climb (id int primary key, x public.dup);`,
  ],
  [
    'the domain of a key, whose values are counted',
    `create function public.up(v int) returns boolean language plpgsql as $$ ${GREEDY} return true; end $$;
     create domain public.dup as int check (public.up(value));
     create table public.climb (id public.dup primary key, x int);`,
  ],
  [
    'a check of the table (came through once)',
    `create function public.up(v int) returns boolean language plpgsql as $$ ${GREEDY} return true; end $$;
     create table public.climb (id int primary key, x int check (public.up(x)));`,
  ],
  [
    'a trigger that fires ALWAYS (came through once)',
    `create function public.up() returns trigger language plpgsql as $$ ${GREEDY} return new; end $$;
     create table public.climb (id int primary key, x int);
     create trigger t before insert on public.climb for each row execute function public.up();
     alter table public.climb enable always trigger t;`,
  ],
  [
    'a trigger that waits for the commit',
    `create function public.up() returns trigger language plpgsql as $$ ${GREEDY} return new; end $$;
     create table public.climb (id int primary key, x int);
     create constraint trigger t after insert on public.climb deferrable initially deferred
       for each row execute function public.up();
     alter table public.climb enable always trigger t;`,
  ],
  [
    'a function under an index, volatile one step down',
    `create function public.up0(v int) returns int language plpgsql as $$ ${GREEDY} return v; end $$;
     create function public.up(v int) returns int language plpgsql immutable as $$ begin return public.up0(v); end $$;
     create table public.climb (id int primary key, x int);
     create unique index on public.climb (public.up(x));`,
  ],
  [
    'a generated column, volatile one step down',
    `create function public.up0(v int) returns int language plpgsql as $$ ${GREEDY} return v; end $$;
     create function public.up(v int) returns int language plpgsql immutable as $$ begin return public.up0(v); end $$;
     create table public.climb (id int primary key, x int, g int generated always as (public.up(x)) stored);`,
  ],
];

/** What stands first on the path of whoever changes rows, and would run as ours if the capture met it. */
type Lure = readonly [story: string, make: string];
const lureOf = (left: string, right: string): string =>
  `create function lure.no(${left}, ${right}) returns boolean language plpgsql as
     'begin insert into lure.seen values (current_user); return false; end';`;
const LURES: readonly Lure[] = [
  [
    'an operator by which the kind of a change is told',
    `${lureOf('text', 'text')} create operator lure.= (leftarg = text, rightarg = text, function = lure.no);`,
  ],
  [
    'operators by which rows are counted',
    `${lureOf('bigint', 'int')} create operator lure.> (leftarg = bigint, rightarg = int, function = lure.no);
     ${lureOf('bigint', 'bigint')} create operator lure.= (leftarg = bigint, rightarg = bigint, function = lure.no);`,
  ],
  [
    'an operator by which an exempt role is told',
    `${lureOf('name', 'name')} create operator lure.= (leftarg = name, rightarg = name, function = lure.no);`,
  ],
  [
    'types that a value is cast to',
    `create function lure.look(text) returns boolean language plpgsql as
       'begin insert into lure.seen values (current_user); return true; end';
     create domain lure."char" as text check (lure.look(value)); create domain lure.name as text check (lure.look(value));
     create domain lure.regclass as text check (lure.look(value)); create domain lure.int8 as text check (lure.look(value));`,
  ],
  [
    'functions and tables of the same names, and temporary ones',
    `create function lure.nextval(text) returns bigint language plpgsql as
       'begin insert into lure.seen values (current_user); return 1; end';
     create table lure.old_rows (like public.bookings); create table lure.new_rows (like public.bookings);
     create temp table old_rows (like public.bookings); create temp table new_rows (like public.bookings);
     create temp table journal (seq bigint); create temp table this (place bigint);`,
  ],
];

describe.each(VERSIONS)('the wall from inside, $name', (version) => {
  describe.skipIf(version.skip !== null)(version.skip ?? '', () => {
    let shop: Shop;
    let agent: pg.Client;
    let app: pg.Client;
    let user: string;
    const receipts = new Receipts();
    const store = new MemoryUndoStore();
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
      const role = await roles.ensure({ id: 'agent_1', name: 'shopper' });
      user = role.user;
      agent = await shop.as(role.user, role.password);
      app = await shop.as('app');
      // So that the turn is there which some rows are about.
      await permitted(agent, 'create table public.never ()');
    });
    afterAll(() => shop?.stop());

    async function permitted(client: pg.Client, statement: string): Promise<string> {
      const [{ pid }] = (await client.query('select pg_backend_pid() as pid')).rows;
      const wish = { statement, mode: 'plain' } as const;
      const [id] = await receipts.issue(shop.db, { role: user, pid }, [wish], ANY_PATH);
      return `call holdfast.run('${id}')`;
    }

    it.each(DIRECT)('%s: %s', async (who, _story, sql, code) => {
      const client = who === 'agent' ? agent : app;
      await expect(client.query(sql)).rejects.toMatchObject({ code });
      await client.query('rollback');
    });

    it.each(SET_OFF)('%s', async (_story, make, set) => {
      for (const one of make) await agent.query(await permitted(agent, one));
      await expect(agent.query(await permitted(agent, set))).rejects.toThrow();
      const [row] = await shop.db.query(
        `select count(*)::int as rows, (select relpersistence::text from pg_class where oid = 'stock.parts'::regclass) as kept,
           (select prosecdef from pg_proc where oid = 'holdfast.execute_as_owner(text, text)'::regprocedure) as ours
         from stock.parts where amount is not null`,
      );
      expect(row).toEqual({ rows: 2, kept: 'p', ours: true });
    });

    it('a function with the name of the one that deletes large objects is not called for it', async () => {
      await app.query(`select lo_from_bytea(4712, 'x')`);
      const evil = (type: string) =>
        `create function public.lo_unlink(v ${type}) returns int language plpgsql immutable as
           $$ begin drop table if exists stock.parts; return 7; end $$`;
      await agent.query(await permitted(agent, evil('int')));
      await agent.query(await permitted(agent, evil('oid')));
      const [{ pid }] = (await agent.query('select pg_backend_pid() as pid')).rows;
      const wishes = ['select lo_unlink(4712)', 'select lo_unlink(4713)'].map(
        (statement) => ({ statement, mode: 'reversible' }) as const,
      );
      const session = { role: user, pid };
      const [first, second] = await receipts.issue(shop.db, session, wishes, ANY_PATH);
      await agent.query(`set search_path = public, pg_catalog; call holdfast.run('${first}')`);
      await expect(agent.query(`call holdfast.run('${second}')`)).rejects.toMatchObject({
        code: '42704',
        message: 'large object 4713 does not exist',
      });
      await agent.query('reset search_path');
      const [row] = await shop.db.query(
        `select count(*)::int as rows, (select count(*)::int from pg_largeobject_metadata where oid = 4712) as objects from stock.parts`,
      );
      expect(row).toEqual({ rows: 2, objects: 0 });
    });

    it.each(LURES.map(([story, make], place) => [story, make, `lure${place}`] as const))(
      'the capture meets none of what lies on the path: %s',
      async (_story, make, lure) => {
        await shop.db.query('delete from holdfast.journal');
        await app.query(`create schema ${lure}; grant usage on schema ${lure} to public;
        create table ${lure}.seen (who text); grant insert on ${lure}.seen to public;
        ${make.replaceAll('lure.', `${lure}.`)}
        set search_path = ${lure}, pg_temp, public, pg_catalog;
        insert into public.bookings (client, note) values (1, 'lured');
        update public.bookings set note = 'caught' where note operator(pg_catalog.=) 'lured';
        delete from public.bookings where note operator(pg_catalog.=) 'caught';
        reset search_path`);
        const seen = await app.query(`select who from ${lure}.seen where who ~ 'holdfast'`);
        expect(seen.rows).toEqual([]);
        const kept = await shop.db.query(
          `select j.op::text from holdfast.journal j join holdfast.shapes s using (shape_id)
          where s.table_name = 'bookings' order by j.seq`,
        );
        expect(kept.map(({ op }) => op)).toEqual(['I', 'U', 'D']);
        await app.query('discard temp');
      },
    );

    it('a receipt used twice, by savepoint and after a rollback, does one thing once', async () => {
      const call = await permitted(agent, 'create table public.once (id int)');
      await agent.query(`begin; savepoint a; ${call}; rollback to a`);
      await expect(agent.query(call)).rejects.toMatchObject({ code: '42501' });
      await agent.query('rollback');
      await expect(agent.query(call)).rejects.toMatchObject({ code: '42501' });
      await agent.query(
        `begin; ${await permitted(agent, 'create table public.once (id int)')}; commit`,
      );
    });

    it('rights on our function, given away by its owner, are good for nothing (came through once)', async () => {
      await app.query('grant execute on function holdfast.execute_as_owner(text, text) to public');
      await expect(
        agent.query(`select holdfast.execute_as_owner('delete from stock.parts', 'public')`),
      ).rejects.toMatchObject({ code: '42501' });
    });

    it('and yet acts on structure come back, by a role that is no superuser', async () => {
      const drain = new Drain({
        target: shop.db,
        store,
        lock: { tryHold: async () => true, release: async () => {} },
        clock: systemClock,
        graceMs: 60_000,
        agentOf: () => null,
      });
      await drain.drainOnce();
      const before = new Set((await store.list({ limit: 1_000 })).map(({ id }) => id));
      await app.query(`select lo_from_bytea(4711, 'kept'); comment on large object 4711 is 'seal'`);
      const [{ pid }] = (await agent.query('select pg_backend_pid() as pid')).rows;
      const wishes = [
        'drop table public.bookings',
        'alter table stock.parts drop column amount',
        'revoke select on public.roots from reports',
        'drop view public.roots_seen',
        'truncate public.parted',
        'select lo_unlink(4711)',
      ].map((statement) => ({ statement, mode: 'reversible' }) as const);
      for (const id of await receipts.issue(shop.db, { role: user, pid }, wishes, ANY_PATH)) {
        await agent.query(`call holdfast.run('${id}')`);
      }
      await drain.drainOnce();
      const items = (await store.list({ limit: 1_000 })).filter(({ id }) => !before.has(id));
      const chosen = [];
      for (const item of items) chosen.push({ item, entries: await store.entries(item.id) });
      const report = await runUndo(shop.db, store, {
        chosen,
        tables: null,
        key: [],
        decisions: [],
        mode: 'apply',
      });
      expect(report.conflicts).toEqual([]);
      const [row] = await shop.db.query(
        `select (select count(*)::int from public.bookings) as bookings, (select sum(amount)::int from stock.parts) as parts,
           has_table_privilege('reports', 'public.roots', 'select') as reads, (select count(*)::int from public.roots_seen) as seen,
           (select count(*)::int from public.parted) as parted,
           (select convert_from(lo_get(m.oid), 'UTF8') || pg_get_userbyid(lomowner) || obj_description(m.oid, 'pg_largeobject')
              from pg_largeobject_metadata m where m.oid = 4711) as object`,
      );
      expect(row).toEqual({
        bookings: 50,
        parts: 3,
        reads: true,
        seen: 2,
        parted: 1,
        object: 'keptappseal',
      });
    });

    it('an undo, its undo, and grants of somebody who is not the owner (did not come back once)', async () => {
      const drain = new Drain({
        target: shop.db,
        store,
        lock: { tryHold: async () => true, release: async () => {} },
        clock: systemClock,
        graceMs: 60_000,
        agentOf: () => null,
      });
      const undoNewest = async (): Promise<void> => {
        await drain.drainOnce();
        const [item] = await store.list({ limit: 1 });
        if (item === undefined) throw new Error('nothing to undo');
        const chosen = [{ item, entries: await store.entries(item.id) }];
        const order = { chosen, tables: null, key: [], decisions: [], mode: 'apply' } as const;
        expect((await runUndo(shop.db, store, order)).conflicts).toEqual([]);
      };
      const seen = async (): Promise<unknown> =>
        await shop.db.query(
          `select (select array_agg(a::text order by a::text) from unnest(relacl) a) as acl, obj_description(c.oid, 'pg_class') as said, reloptions,
             (select array_agg(attname || a::text order by attname, a::text) from pg_attribute, unnest(attacl) a where attrelid = c.oid) as columns
           from pg_class c where relname = 'granted'`,
        );
      // What is said of a table is no statement, however it is written.
      const said = `x''; set local role app; grant all on table public.granted to reports; reset role; --`;
      await app.query(`create table public.granted (id int primary key, "a;b" int);
        comment on table public.granted is '${said}';
        grant select, update ("a;b") on public.granted to deploy with grant option`);

      const deploy = await shop.as('deploy');
      await deploy.query('grant select, update ("a;b") on public.granted to reports, "weak"');
      const before = await seen();
      const [{ pid }] = (await agent.query('select pg_backend_pid() as pid')).rows;
      const statement = 'revoke all on public.granted from deploy cascade';
      const wishes = [{ statement, mode: 'reversible' }] as const;
      const [id] = await receipts.issue(shop.db, { role: user, pid }, wishes, ANY_PATH);
      await agent.query(`call holdfast.run('${id}')`);
      const between = await seen();
      expect(between).not.toEqual(before);
      await undoNewest();
      expect(await seen()).toEqual(before);
      await undoNewest();
      expect(await seen()).toEqual(between);
      await undoNewest();
      expect(await seen()).toEqual(before);
    });

    it.each(CLIMBS)('nobody becomes a superuser by an undo: %s', async (_story, make) => {
      const drain = new Drain({
        target: shop.db,
        store,
        lock: { tryHold: async () => true, release: async () => {} },
        clock: systemClock,
        graceMs: 60_000,
        agentOf: () => null,
      });
      await app.query(make);
      // So many that an undo has the server look at their values before it plans.
      await app.query(
        'insert into public.climb (id, x) select g, nullif(g, 2) from generate_series(1, 60) g',
      );
      await drain.drainOnce();
      const before = new Set((await store.list({ limit: 1_000 })).map(({ id }) => id));
      await app.query('delete from public.climb');
      await drain.drainOnce();
      const items = (await store.list({ limit: 1_000 })).filter(({ id }) => !before.has(id));
      const chosen = [];
      for (const item of items) chosen.push({ item, entries: await store.entries(item.id) });
      const order = { chosen, tables: null, key: [], decisions: [] } as const;
      await runUndo(shop.db, store, { ...order, mode: 'preview' });
      await runUndo(shop.db, store, { ...order, mode: 'apply' });
      const [row] = await shop.db.query(
        `select rolsuper as risen, (select value::text from holdfast.meta where key = 'exempt') as exempt,
            (select count(*)::int from public.climb) as count,
            (select array_agg(id || coalesce(x::text, '-') order by id) from public.climb where id < 3) as rows
         from pg_roles where rolname = 'app'`,
      );
      await shop.db.query(`drop table public.climb; drop domain if exists public.dup;
        drop routine if exists public.up; drop routine if exists public.up0`);
      expect(row).toEqual({
        risen: false,
        exempt: '["deploy"]',
        count: 60,
        rows: ['11', '2-'],
      });
    });
  });
});
