/** Every way of changing rows, each captured once: what lay there before, and what lies there after. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  CAPTURED_SERVERS,
  type CapturedDatabase,
  startCapturedDatabase,
} from '../../../testing/captured-database.ts';

const ODD = `"Ünı ""quoted"" %s 'name' of sixty-three bytes .............."`;

interface Way {
  readonly story: string;
  readonly before?: string;
  readonly run: string;
  readonly captured: readonly string[];
}

const WAYS: readonly Way[] = [
  {
    story: 'INSERT',
    run: `insert into t values (1, 'a'), (2, null)`,
    captured: ['I public.t 2: +(1,a) +(2,)'],
  },
  {
    story: 'UPDATE pairs the two sides of each row',
    run: `update t set v = v || '!', id = id + 1 where id = 1 or id = 2`,
    before: 'alter table t drop constraint t_pkey',
    captured: ['U public.t 2: -(1,a) +(2,a!) -(2,) +(3,)'],
  },
  { story: 'DELETE', run: 'delete from t', captured: ['D public.t 2: -(2,a!) -(3,)'] },
  {
    story: 'a statement that touches nothing writes nothing',
    run: 'delete from t; update t set v = 1; insert into t select 1 where false',
    captured: [],
  },
  {
    story: 'INSERT ... SELECT',
    before: 'alter table t add primary key (id)',
    run: `insert into t select i, 'r' from generate_series(1, 2) i`,
    captured: ['I public.t 2: +(1,r) +(2,r)'],
  },
  {
    story: 'ON CONFLICT DO UPDATE',
    run: `insert into t values (1, 'x'), (3, 'n') on conflict (id) do update set v = excluded.v`,
    captured: ['U public.t 1: -(1,r) +(1,x)', 'I public.t 1: +(3,n)'],
  },
  {
    story: 'MERGE with all three',
    run: `merge into t using (values (1), (2), (9)) s(id) on t.id = s.id when matched and s.id = 1 then delete when matched then update set v = 'm' when not matched then insert values (s.id, 'new')`,
    captured: ['D public.t 1: -(1,x)', 'U public.t 1: -(2,r) +(2,m)', 'I public.t 1: +(9,new)'],
  },
  {
    story: 'DO and dynamic SQL',
    run: `do $$ begin execute 'delete from t where id = ' || 9; end $$`,
    captured: ['D public.t 1: -(9,new)'],
  },
  {
    story: 'EXPLAIN ANALYZE',
    run: 'explain analyze delete from t where id = 3',
    captured: ['D public.t 1: -(3,n)'],
  },
  {
    story: 'a cursor, WHERE CURRENT OF',
    run: `begin; declare c cursor for select * from t for update; fetch c; delete from t where current of c; commit`,
    captured: ['D public.t 1: -(2,m)'],
  },
  {
    story: 'INSERT of several',
    run: `insert into t values (1, 'a'), (2, 'b')`,
    captured: ['I public.t 2: +(1,a) +(2,b)'],
  },
  {
    story: 'a data-modifying WITH',
    run: `with gone as (delete from t where id = 1 returning *) update t set v = (select v from gone) where id = 2`,
    captured: ['D public.t 1: -(1,a)', 'U public.t 1: -(2,b) +(2,a)'],
  },
  {
    story: 'what is rolled back leaves nothing',
    run: 'begin; delete from t; rollback',
    captured: [],
  },
  {
    story: 'a savepoint rolled back leaves nothing of itself',
    run: `begin; insert into t values (5, 'k'); savepoint s; delete from t; rollback to s; commit`,
    captured: ['I public.t 1: +(5,k)'],
  },
  {
    story: 'cascades',
    before:
      'insert into parent values (1), (2); insert into child values (10, 1), (11, 1), (12, 2)',
    run: 'delete from parent where id = 1',
    captured: ['D public.parent 1: -(1)', 'D public.child 2: -(10,1) -(11,1)'],
  },
  {
    story: 'cascades of an UPDATE',
    run: 'update parent set id = 3 where id = 2',
    captured: ['U public.parent 1: -(2) +(3)', 'U public.child 1: -(12,2) +(12,3)'],
  },
  {
    story: 'columns named like ours',
    before: `insert into "seq" values (1, 2, 's', 'c', 'o', 'old', 'new', 'k', 'p', 'op', 'w', 't', 'f', 'a', 'u')`,
    run: `update "seq" set place = 'q', this = 'x'; delete from "seq"`,
    captured: [
      'U public.seq 1: -(1,2,s,c,o,old,new,k,p,op,w,t,f,a,u) +(1,2,s,c,o,old,new,k,q,op,w,x,f,a,u)',
      'D public.seq 1: -(1,2,s,c,o,old,new,k,q,op,w,x,f,a,u)',
    ],
  },
  {
    story: 'columns named like ours, row by row',
    before: `insert into this values ('p', 't', 'o', 'n'); insert into that values ('p', 't', 'o', 'n', 'f')`,
    run: `update this set place = 'q'; delete from this`,
    captured: [
      'U public.this 1: -(p,t,o,n) +(q,t,o,n)',
      'U public.that 1: -(p,t,o,n,f) +(q,t,o,n,f)',
      'D public.this 1: -(q,t,o,n)',
      'D public.that 1: -(q,t,o,n,f)',
    ],
  },
  {
    story: 'rows of partitions through the root, once',
    run: `insert into pt values (1, 1, 'a'), (2, 2, 'b'), (3, 3, 'c')`,
    captured: ['I public.pt 3: +(1,1,a) +(2,2,b) +(3,3,c)'],
  },
  {
    story: 'rows that move between partitions',
    run: 'update pt set k = case k when 1 then 2 when 2 then 3 else 1 end',
    captured: ['U public.pt 3: -(1,1,a) +(1,2,a) -(2,2,b) +(2,3,b) -(3,3,c) +(3,1,c)'],
  },
  {
    story: 'a partition in between',
    run: 'update pt2 set k = 2 where k = 3',
    captured: ['U public.pt2 1: -(2,3,b) +(2,2,b)'],
  },
  {
    story: 'a leaf by its own name, in its own order of columns',
    run: 'delete from pt1',
    captured: ['D public.pt1 1: -(c,3,1)'],
  },
  {
    story: 'inheritance: each table keeps its own rows, with all its columns',
    run: `insert into up values (1, 'p'); insert into lower_down values (2, 'c', 'x', 'y'); update up set b = b || '!'; delete from up`,
    captured: [
      'I public.up 1: +(1,p)',
      'I public.lower_down 1: +(2,c,x,y)',
      'U public.up 1: -(1,p) +(1,p!)',
      'U public.lower_down 1: -(2,c,x,y) +(2,c!,x,y)',
      'D public.up 1: -(1,p!)',
      'D public.lower_down 1: -(2,c!,x,y)',
    ],
  },
  {
    story: 'generated and identity columns',
    run: 'insert into dated (id) values (4); delete from dated',
    captured: ['I public.dated 1: +(4,1,8)', 'D public.dated 1: -(4,1,8)'],
  },
  {
    story: 'unlogged tables',
    run: 'insert into scratch values (1); delete from scratch',
    captured: ['I public.scratch 1: +(1)', 'D public.scratch 1: -(1)'],
  },
  {
    story: 'deferred constraints',
    run: 'begin; insert into later values (1), (1); delete from later; commit',
    captured: ['I public.later 2: +(1) +(1)', 'D public.later 2: -(1) -(1)'],
  },
  {
    story: 'odd names',
    run: `insert into ${ODD} values (1, 'x', '%'); delete from ${ODD}`,
    captured: [
      `I public.Ünı "quoted" %s 'name' of sixty-three bytes .............. 1: +(1,x,%)`,
      `D public.Ünı "quoted" %s 'name' of sixty-three bytes .............. 1: -(1,x,%)`,
    ],
  },
];

for (const { name, options, isThere } of CAPTURED_SERVERS) {
  describe.skipIf(!isThere)(name, () => {
    let db: CapturedDatabase;

    beforeAll(async () => {
      db = await startCapturedDatabase(options);
      await db.tables(`
    create table t (id int primary key, v text);
    create table parent (id int primary key);
    create table child (id int primary key, p int references parent on delete cascade on update cascade);
    create table "seq" (seq int, n int, side text, c1 text, o text, old_rows text, new_rows text, kept text,
      place text, tg_op text, "whole" text, this text, former text, added text, "session_user" text);
    create table this (place text, this text, old text, new text); create table that (former text) inherits (this);
    create table pt (id int, k int, v text) partition by list (k);
    create table pt1 (v text, junk int, id int, k int); alter table pt1 drop junk;
    alter table pt attach partition pt1 for values in (1);
    create table pt2 partition of pt for values in (2, 3) partition by list (k);
    create table pt22 partition of pt2 for values in (2);
    create table pt23 partition of pt2 for values in (3);
    create table up (a int, b text); create table down (x text) inherits (up);
    create table lower_down (y text) inherits (down);
    create table dated (id int primary key, at int generated always as identity, two int generated always as (id * 2) stored);
    create unlogged table scratch (id int);
    create table later (id int primary key deferrable initially deferred);
    create table "Ünı ""quoted"" %s 'name' of sixty-three bytes .............." ("a b" int, "A""B" text, "%s" text)`);
    }, 60_000);
    afterAll(() => db.stop());

    it.each(WAYS)('$story', async ({ before, run, captured }) => {
      if (before !== undefined) {
        await db.admin.query(before);
        await db.admin.query('select holdfast.attach_missing()');
        await db.captured();
      }
      await db.agent.query(run);
      expect(await db.captured()).toEqual(captured);
    });

    it('COPY FROM', async () => {
      await db.admin.query(`copy parent from program 'printf "41\\n42\\n"'`);
      expect(await db.captured()).toEqual(['I public.parent 2: +(41) +(42)']);
    });

    it('TRUNCATE, with what it cascades to and every partition', async () => {
      await db.admin.query('insert into child values (90, 41)');
      await db.captured();
      await db.admin.query('truncate parent, pt cascade');
      expect((await db.captured()).sort()).toEqual([
        'T public.child 2: -(12,3) -(90,41)',
        'T public.parent 3: -(3) -(41) -(42)',
        'T public.pt22 2: -(1,2,a) -(2,2,b)',
      ]);
    });

    it('TRUNCATE is refused where the transaction cannot see every row it would lose', async () => {
      await db.admin.query('insert into parent values (7)');
      await expect(
        db.admin.query('begin isolation level repeatable read; select 1; truncate parent cascade'),
      ).rejects.toThrow(/rows it cannot see would be lost/);
      await db.admin.query('rollback');
    });

    it('a row that a trigger takes away on its way to another partition: a delete and an insert', async () => {
      await db.admin.query(`
    create function no() returns trigger language plpgsql as 'begin return null; end';
    create trigger no before insert on pt22 for each row execute function no();
    insert into pt values (1, 1, 'stays'), (2, 3, 'lost'), (3, 1, 'lost too');`);
      await db.captured();
      await db.admin.query(`update pt set k = case v when 'stays' then 3 else 2 end`);
      expect(await db.captured()).toEqual([
        'D public.pt 3: -(1,1,stays) -(3,1,"lost too") -(2,3,lost)',
        'I public.pt 1: +(1,3,stays)',
      ]);
    });

    it('replica sessions are captured', async () => {
      await db.admin.query(`set session_replication_role = replica; insert into later values (5);
    set session_replication_role = origin`);
      expect(await db.captured()).toEqual(['I public.later 1: +(5)']);
    });

    it('forced row level security hides nothing from the capture', async () => {
      await db.tables(`
    create table secret (id int, v text); insert into secret values (1, 'a'), (2, 'b');
    alter table secret enable row level security; alter table secret force row level security;
    create policy none on secret as restrictive using (id = 1);
    create policy mine on secret using (true)`);
      await db.agent.query('delete from secret');
      expect(await db.captured()).toEqual(['D public.secret 1: -(1,a)']);
      await db.admin.query('truncate secret');
      expect(await db.captured()).toEqual(['T public.secret 1: -(2,b)']);
      await db.admin.query(
        `insert into secret values (3, 'c'); alter role holdfast_owner nobypassrls`,
      );
      await expect(db.admin.query('truncate secret')).rejects.toThrow(/row-level security/);
      const { rows } = await db.admin.query('select * from holdfast.uncaptured()');
      expect(rows).toEqual([
        { table_name: 'public.secret', reason: expect.stringMatching(/no BYPASSRLS/) },
      ]);
      await db.admin.query('alter role holdfast_owner bypassrls');
    });

    it('a publication of all tables does not keep rows from being taken out', async () => {
      await db.admin.query('create publication every for all tables');
      await db.agent.query('delete from scratch; insert into t values (77)');
      await db.admin.query(`do $$ declare s bigint; begin for s in select shape_id from holdfast.shapes loop
        execute format('delete from holdfast.c%s', s); end loop; end $$`);
      await db.admin.query('delete from holdfast.journal; drop publication every');
    });

    it('exempt roles are those declared, and no others', async () => {
      await db.admin.query(
        `insert into holdfast.meta values ('exempt', '["o''dd,\\"x", "hf_agent"]')`,
      );
      await db.admin.query('select holdfast.attach_missing()');
      await db.captured();
      await db.agent.query('insert into scratch values (8)');
      await db.admin.query('set role hf_agent; delete from scratch; reset role');
      expect(await db.captured()).toEqual(['D public.scratch 1: -(8)']);
      await db.admin.query(`insert into scratch values (1); set session authorization hf_agent;
        insert into scratch values (2); update this set place = 'r'; reset session authorization;
        set session authorization shop; truncate scratch; reset session authorization`);
      expect(await db.captured()).toEqual([
        'I public.scratch 1: +(1)',
        'T public.scratch 2: -(1) -(2)',
      ]);
      await db.admin.query(`delete from holdfast.meta where key = 'exempt'`);
      await db.admin.query('select holdfast.attach_missing()');
      await db.agent.query('insert into scratch values (9)');
      expect(await db.captured()).toEqual(['I public.scratch 1: +(9)']);
    });
  });
}
