/** What `attach`, `refresh`, `detach` do to a table, what the check sees, and who tries to get round it. */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type CapturedDatabase,
  startCapturedDatabase,
} from '../../../testing/captured-database.ts';
import type { TargetSession } from '../../target-database.ts';
import { captureDrift, uncapturedTables } from './drift.ts';
import { captureFoundation } from './foundation.ts';
import { readShapes } from './shapes.ts';

let db: CapturedDatabase;
const session: Pick<TargetSession, 'query'> = {
  query: async (sql, values) => (await db.admin.query(sql, [...(values ?? [])])).rows,
};
/** Named whole, whatever search_path the session has: a regclass would be written as that allows. */
const attachMissing = async (): Promise<string[]> => {
  const { rows } = await db.admin.query(
    `select format('%I.%I', n.nspname, c.relname) as t from holdfast.attach_missing() a
       join pg_class c on c.oid = a join pg_namespace n on n.oid = c.relnamespace
      order by n.nspname, c.relname`,
  );
  return rows.map(({ t }) => String(t));
};

beforeAll(async () => {
  db = await startCapturedDatabase();
  await db.tables('create table t (id int primary key, a text, b text)');
}, 60_000);
afterAll(() => db.stop());

describe('shapes', () => {
  it('are as the contract says', async () => {
    await db.tables(`create domain cents as numeric(9, 2); create type mood as enum ('up');
      create table s (gone int, id int generated always as identity, price cents, m mood, x regclass,
        v int generated always as (id * 2) virtual, unique (id)); alter table s drop gone`);
    const shape = (await readShapes(session)).find(({ table }) => table === 's');
    expect(shape).toMatchObject({ schema: 'public', isWhole: false, key: [2] });
    expect(
      shape?.columns.map(({ attnum, name, type, kept, generated, identity, notNull }) =>
        [attnum, name, type, kept, generated, identity, notNull].join(' '),
      ),
    ).toEqual([
      '2 id integer integer  a true',
      '3 price public.cents numeric(9,2)   false',
      '4 m public.mood text   false',
      '5 x regclass oid   false',
      '6 v integer integer v  false',
    ]);
    await db.agent.query(`insert into s (price, m) values (1.5, 'up')`);
    expect(await db.captured()).toEqual(['I public.s 1: +(1,1.50,up,,)']);
  });

  it('are made anew when the table changes, and what was kept before stays', async () => {
    await db.agent.query(`insert into t values (1, 'x', 'y')`);
    await db.admin.query(`alter table t rename a to tmp; alter table t rename b to a; alter table t rename tmp to b;
      alter table t add c int default 7`);
    expect(await attachMissing()).toEqual(['public.t']);
    expect(await attachMissing()).toEqual([]);
    await db.agent.query('delete from t');
    expect(await db.captured()).toEqual(['I public.t 1: +(1,x,y)', 'D public.t 1: -(1,x,y,7)']);
    await db.admin.query(
      'set role shop; alter table t rename to u; create table t (id int); reset role',
    );
    expect(await attachMissing()).toEqual(['public.t', 'public.u']);
    await db.admin.query('drop table t; alter table u rename to t');
    expect(await attachMissing()).toEqual(['public.t']);
  });

  it('of former times go once they are drained, and not before', async () => {
    const before = (await readShapes(session)).length;
    const drop = 'select holdfast.drop_former_shapes() as dropped';
    expect((await db.admin.query(drop)).rows[0].dropped).toBeLessThan(before - 1);
    await db.admin.query(`do $$ declare s bigint; begin for s in select shape_id from holdfast.shapes loop
      execute format('delete from holdfast.c%s', s); end loop; end $$`);
    await db.admin.query(drop);
    expect((await readShapes(session)).map(({ table }) => table)).toEqual(['s', 't']);
    expect(await captureDrift(session)).toEqual([]);
  });

  it.each([
    { story: '1,600 columns', count: 1600, type: 'boolean', isWhole: true },
    { story: '1,597 columns that fit', count: 1597, type: 'boolean', isWhole: true },
    { story: '600 flags', count: 600, type: '"char"', isWhole: false },
    { story: 'a row that fills its page', count: 1016, type: 'bigint', isWhole: true },
    { story: '300 texts', count: 300, type: 'text', isWhole: false },
  ])('$story', async ({ count, type, isWhole }) => {
    const columns = Array.from({ length: count }, (_, place) => `a${place} ${type}`);
    const cells = columns.map((_, place) => (type === 'bigint' ? String(place) : `'t'`));
    await db.tables(`drop table if exists wide; create table wide (${columns.join(', ')})`);
    const shape = (await readShapes(session)).findLast(({ table }) => table === 'wide');
    expect(shape?.isWhole).toBe(isWhole);
    await db.agent.query(`insert into wide values (${cells.join(', ')})`);
    await db.agent.query('delete from wide');
    const row = `(${cells.map((cell) => cell.replaceAll("'", '')).join(',')})`;
    const kept = isWhole
      ? (await db.admin.query(`select whole from holdfast.c${shape?.shapeId}`)).rows.map(
          (r) => r.whole,
        )
      : (await db.captured()).map((line) => line.replace(/^.*[-+]/, ''));
    expect(kept).toEqual([row, row]);
  });

  it('large values come back whole', async () => {
    await db.tables('create table large (id int, v text, b bytea)');
    await db.admin.query(`insert into large select 1, string_agg(md5(i::text), ''), string_agg(sha256(i::text::bytea), '')
      from generate_series(1, 40000) i`);
    await db.admin.query(
      'create table public.large_before as table public.large; delete from large',
    );
    const { rows } = await db.admin.query(
      `select shape_id from holdfast.shapes where table_name = 'large'`,
    );
    const same = await db.admin.query(`select c.side, c.c2 = b.v and c.c3 = b.b as same
      from holdfast.c${rows[0].shape_id} c, large_before b order by side`);
    expect(same.rows).toEqual([
      { side: '+', same: true },
      { side: '-', same: true },
    ]);
    await db.admin.query('drop table large, large_before');
  });
});

describe('the check', () => {
  const DRIFTS = [
    [
      'a disabled trigger',
      'alter table t disable trigger "!holdfast_delete"',
      'trigger !holdfast_delete is disabled',
    ],
    [
      'one that only fires at the origin',
      'alter table t enable trigger "!holdfast_update"',
      'trigger !holdfast_update is disabled',
    ],
    [
      'a dropped trigger',
      'drop trigger "!holdfast_truncate" on t',
      'trigger !holdfast_truncate is missing',
    ],
    [
      'one with a condition',
      `create or replace trigger "!holdfast_insert" after insert on t referencing new table as new_rows when (session_user <> 'x') execute function holdfast.T(); alter table t enable always trigger "!holdfast_insert"`,
      'trigger !holdfast_insert is altered',
    ],
    [
      'one for some columns',
      `create or replace trigger "!holdfast_update" after update of id on t execute function holdfast.T(); alter table t enable always trigger "!holdfast_update"`,
      'trigger !holdfast_update is altered',
    ],
    [
      'another body',
      `create or replace function holdfast.T() returns trigger language plpgsql security definer as 'begin return null; end'`,
      'function holdfast.T is altered',
    ],
    [
      'another owner',
      'alter function holdfast.T() owner to shop',
      'function holdfast.T is altered',
    ],
    [
      'a path of somebody else’s',
      'alter function holdfast.T() set search_path = public',
      'function holdfast.T is altered',
    ],
    [
      'callable by all',
      'grant execute on function holdfast.T() to public',
      'function holdfast.T is altered',
    ],
    ['a new column', 'alter table t add added int', 'its columns, key or name have changed'],
    ['another type', 'alter table t alter c type bigint', 'its columns, key or name have changed'],
    [
      'no key any more',
      'alter table t drop constraint t_pkey',
      'its columns, key or name have changed',
    ],
    [
      'a child table',
      'set role shop; create table heir () inherits (t); reset role',
      'trigger !holdfast_insert is altered',
    ],
  ] as const;

  it.each(DRIFTS)('sees %s, and refresh mends it', async (_, sql, reason) => {
    const { rows } = await db.admin.query(`select 't' || 't'::regclass::oid as f`);
    const named = String(rows[0].f);
    await db.admin.query(sql.replaceAll('holdfast.T()', `holdfast.${named}()`));
    const wanted = { table: 'public.t', reason: reason.replace('holdfast.T', `holdfast.${named}`) };
    expect(await captureDrift(session)).toContainEqual(wanted);
    await attachMissing();
    expect(await captureDrift(session)).toEqual([]);
  });

  it('names what it does not capture, and why', async () => {
    await db.admin.query(`create extension if not exists plpgsql; create table not_ours (id int);
      create schema holdfast_app; grant usage, create on schema holdfast_app to shop; create temp table temporary (id int);
      set role shop; create table holdfast_app.t (id int); reset role`);
    expect(await attachMissing()).toEqual(['holdfast_app.t']);
    expect(await uncapturedTables(session)).toEqual([
      {
        table: 'public.not_ours',
        reason: 'owned by postgres, of which holdfast_owner is not a member',
      },
    ]);
    await expect(db.admin.query(`select holdfast.attach('not_ours')`)).rejects.toThrow(
      /cannot be captured/,
    );
    await db.admin.query('drop table not_ours, holdfast_app.t');
  });

  it('is quiet when the foundation is put in again', async () => {
    for (const step of captureFoundation()) await db.admin.query(step.sql);
    expect(await captureDrift(session)).toEqual([]);
    expect(await attachMissing()).toEqual([]);
  });

  it('mends what a former version laid: conditions of triggers, functions, the key of the journal', async () => {
    await db.admin.query(`alter table holdfast.journal add constraint journal_pkey primary key (seq);
      create function holdfast.wanted_condition() returns text language sql as 'select null::text';
      insert into holdfast.meta values ('exempt', '["shop"]')`);
    await attachMissing();
    const { rows } = await db.admin.query(`select 't' || 't'::regclass::oid as f`);
    await db.admin.query(`create or replace trigger "!holdfast_insert" after insert on t
        referencing new table as new_rows for each statement
        when (SESSION_USER <> ALL ('{shop}'::name[])) execute function holdfast.${rows[0].f}();
      alter table t enable always trigger "!holdfast_insert"`);
    for (const step of captureFoundation()) await db.admin.query(step.sql);
    expect(await attachMissing()).toEqual(['public.t']);
    const left = await db.admin.query(`select
      (select count(*)::int from pg_index where indrelid = 'holdfast.journal'::regclass) as indexes,
      (select count(*)::int from pg_trigger where tgname like '!holdfast%' and tgqual is not null) as conditions,
      to_regproc('holdfast.wanted_condition') as condition`);
    expect(left.rows).toEqual([{ indexes: 0, conditions: 0, condition: null }]);
    await db.admin.query(`delete from holdfast.meta where key = 'exempt'`);
    await attachMissing();
    await db.captured();
  });

  it('detach leaves the table as it was, and what was captured', async () => {
    await db.tables('create table left_alone (id int)');
    await db.agent.query('insert into left_alone values (1)');
    await db.admin.query(`select holdfast.detach('left_alone')`);
    await db.agent.query('delete from left_alone');
    expect(await db.captured()).toEqual(['I public.left_alone 1: +(1)']);
    const left = await db.admin.query(
      `select tgname from pg_trigger where tgrelid = 'left_alone'::regclass`,
    );
    expect(left.rows).toEqual([]);
  });
});

it.each(['attach_missing', 'attach_altered'])(
  'an event trigger that calls %s follows every change, without end of itself',
  async (called) => {
    await db.admin.query(`
    create function follow() returns event_trigger language plpgsql security definer as
      'begin perform holdfast.${called}(); end';
    create event trigger follow on ddl_command_end execute function follow()`);
    await db.admin.query(`set role shop; create table f1 (id int); create table f2 () inherits (f1);
    alter table f1 add v text; create table f3 (id int not null) partition by range (id);
    create table f4 partition of f3 default; create unique index on f3 (id);
    create table f5 as select 1 as one; alter table f5 rename one to two; reset role`);
    expect(await captureDrift(session)).toEqual([]);
    await db.agent.query(`insert into f2 values (1, 'x'); delete from f5`);
    expect(await db.captured()).toEqual(['I public.f2 1: +(1,x)', 'D public.f5 1: -(1)']);
    expect((await db.admin.query('select * from holdfast.busy')).rows).toEqual([]);
    await db.admin.query(
      'drop event trigger follow; drop function follow; drop table f1, f2, f3, f5',
    );
  },
);

describe('an agent cannot', () => {
  const TRIES = [
    ['read the journal', 'select * from holdfast.journal'],
    ['delete from the journal', 'delete from holdfast.journal'],
    ['write into the journal', `insert into holdfast.journal (seq, op, rows) values (1, 'X', 0)`],
    ['empty a capture table', 'truncate holdfast.c1'],
    ['move the numbers to their end', `select setval('holdfast.seq', 9223372036854775807)`],
    ['use numbers up', `select nextval('holdfast.seq')`],
    ['declare itself exempt', `insert into holdfast.meta values ('exempt', '["hf_agent"]')`],
    [
      'pretend that a table is being attached',
      'insert into holdfast.busy values (pg_current_xact_id())',
    ],
    ['disable a trigger', 'alter table t disable trigger "!holdfast_delete"'],
    ['drop a trigger', 'drop trigger "!holdfast_delete" on t'],
    ['detach', `select holdfast.detach('t')`],
    ['note an act', `select holdfast.note_act('{}')`],
    ['be a replica', 'set session_replication_role = replica'],
    ['be somebody exempt', 'set session authorization postgres'],
    ['truncate', 'truncate t'],
    [
      'put our trigger on a table of its own',
      `create temp table mine (id int);
      create trigger x after insert on mine execute function holdfast.refresh()`,
    ],
  ] as const;

  it.each(TRIES)('%s', async (_, sql) => {
    await expect(db.agent.query(sql)).rejects.toThrow(pg.DatabaseError);
    await expect(db.agent.query(sql)).rejects.toMatchObject({ code: expect.stringMatching(/^42/) });
  });

  it.each([
    ['t', null],
    ['plain_one', null],
    ['s', expect.arrayContaining(['search_path=pg_catalog, pg_temp'])],
  ])('find a name that a path decides in the function of %s', async (table, settings) => {
    await db.admin.query(
      `insert into holdfast.meta values ('exempt', '["shop"]');
       set role shop; create table if not exists plain_one (id int, v text[], n numeric(9, 2)); reset role`,
    );
    await attachMissing();
    const { rows } = await db.admin.query(
      `select prosrc, proconfig from pg_proc where proname = 't' || '${table}'::regclass::oid`,
    );
    await db.admin.query(`delete from holdfast.meta where key = 'exempt'`);
    await attachMissing();
    expect(rows[0].proconfig).toEqual(settings);
    if (settings !== null) return;
    const bare = String(rows[0].prosrc)
      .replaceAll(/'[^']*'/g, '')
      .replaceAll(/get diagnostics \w+ = row_count;|:=|<<this>>/g, '')
      .replaceAll(/operator\(pg_catalog\.[=<>]+\)|pg_catalog\."?\w+"?|holdfast\.\w+/g, '');
    expect(bare).toMatch(/session_user\s+any/);
    expect(bare.replaceAll(/set seq = this|::(?=[;,)\s[])/g, '')).not.toMatch(
      /[=<>~!@#%^&|*/+-]|::|\w\(/,
    );
    expect(bare).not.toMatch(/(from|into|join|update) (?!old_rows|new_rows)[\w"]/);
  });

  it.each([
    ['with nobody exempt', null],
    ['with somebody exempt', '["shop"]'],
  ])('stand in for what the trigger calls, %s', async (_, exempt) => {
    if (exempt !== null) {
      await db.admin.query(`insert into holdfast.meta values ('exempt', $1)`, [exempt]);
      await attachMissing();
    }
    await db.admin.query(
      'create schema agents authorization hf_agent; grant temp on database postgres to public',
    );
    const { rows } =
      await db.admin.query(`select shape_id from holdfast.shapes where table_name = 't'
      order by shape_id desc limit 1`);
    // Usable by holdfast_owner, too: a path leaves out what its user may not use.
    await db.agent.query(`
      grant usage on schema agents to public; create table agents.plain_one (like public.plain_one);
      create function agents.nextval(text) returns bigint language sql as 'select 1::bigint';
      create function agents.row_number() returns bigint language sql as 'select 1::bigint';
      create function agents.format(text, anyelement) returns text language sql as 'select ''''';
      create domain agents.name as pg_catalog.text check (false); create domain agents."char" as pg_catalog.text check (false);
      create function agents.no(pg_catalog.name, pg_catalog.name) returns boolean language plpgsql as 'begin raise ''run''; end';
      create function agents.no(bigint, bigint) returns boolean language plpgsql as 'begin raise ''run''; end';
      create function agents.no(bigint, int) returns boolean language plpgsql as 'begin raise ''run''; end';
      create function agents.no(text, text) returns boolean language plpgsql as 'begin raise ''run''; end';
      create operator agents.= (leftarg = pg_catalog.name, rightarg = pg_catalog.name, function = agents.no);
      create operator agents.= (leftarg = bigint, rightarg = bigint, function = agents.no);
      create operator agents.= (leftarg = text, rightarg = text, function = agents.no);
      create operator agents.> (leftarg = bigint, rightarg = int, function = agents.no);
      create function agents.no("char", "char") returns boolean language plpgsql as 'begin raise ''run''; end';
      create operator agents.= (leftarg = pg_catalog."char", rightarg = pg_catalog."char", function = agents.no);
      create operator agents.> (leftarg = bigint, rightarg = bigint, function = agents.no);
      create domain agents.regclass as pg_catalog.text check (false); create domain agents.oid as pg_catalog.text check (false);
      create domain agents.int8 as pg_catalog.text check (false); create domain agents.int4 as pg_catalog.text check (false);
      create function agents.currval(text) returns bigint language sql as 'select 1::bigint';
      create type agents.old_rows as (id int); create table agents.new_rows (like t);
      create temp table this (place bigint); create temp table old_rows (like t); create temp table new_rows (like t); create temp table c${rows[0].shape_id} (id int);
      create temp table journal (like t); create temp table pg_proc (oid oid);
      set search_path = agents, pg_temp, public, pg_catalog;
      insert into public.t (id) values (1); update public.t set id = 2; delete from public.t;
      insert into public.plain_one (id) values (1); update public.plain_one set id = 2; delete from public.plain_one`);
    const found = await db.captured();
    expect(found.map((line) => line.split(' ').slice(0, 2).join(' '))).toEqual(
      ['public.t', 'public.plain_one'].flatMap((one) => [`I ${one}`, `U ${one}`, `D ${one}`]),
    );
    await db.agent.query('reset search_path; discard temp; drop schema agents cascade');
    await db.admin.query(`delete from holdfast.meta where key = 'exempt'`);
    await attachMissing();
    await db.admin.query('drop schema if exists agents cascade');
  });

  it('hide behind a function of the owner, which is captured as the one who called it', async () => {
    await db.admin.query(`set role shop; create function purge() returns void language sql security definer
      begin atomic delete from public.t; end; reset role`);
    await db.agent.query('insert into t (id) values (1)');
    await db.captured();
    await db.agent.query('select public.purge()');
    const { rows } = await db.admin.query('select role, op, rows from holdfast.journal');
    expect(rows).toEqual([{ role: 'hf_agent', op: 'D', rows: '1' }]);
    await db.captured();
  });
});
