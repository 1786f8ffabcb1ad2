/**
 * The undo engine against real servers: what agents do to tables, and each time rows and checksums equal to
 * the moment before. Tables and their history are rows of a list; each has a story.
 */
import { expect, it } from 'vitest';
import { onEachServer } from './undo-world.ts';

onEachServer('undo is exact', (world) => {
  interface Case {
    readonly story: string;
    readonly schema: string;
    readonly tables: readonly string[];
    /** Each is one transaction, and one item. */
    readonly agent: readonly string[];
    /** What is compared; the tables whole when left out. */
    readonly look?: string;
    readonly hasNoKey?: boolean;
  }

  const CASES: readonly Case[] = [
    {
      story: 'a DELETE without WHERE',
      schema: `create table bookings (id int primary key, guest text, paid numeric);
      insert into bookings select i, 'g' || i, i * 1.10 from generate_series(1, 500) i`,
      tables: ['public.bookings'],
      agent: ['delete from bookings'],
    },
    {
      story: 'an UPDATE without WHERE',
      schema: `create table bookings (id int primary key, guest text);
      insert into bookings select i, 'g' || i from generate_series(1, 500) i`,
      tables: ['public.bookings'],
      agent: [`update bookings set guest = 'x'`],
    },
    {
      story: 'a key of two columns, in another order than the columns',
      schema: `create table seats (plane text, num int, who text, primary key (num, plane));
      insert into seats select 'p' || i % 3, i, 'w' || i from generate_series(1, 30) i`,
      tables: ['public.seats'],
      agent: [`delete from seats where num < 9`, `update seats set who = null where plane = 'p1'`],
    },
    {
      story: 'a key changed by UPDATE',
      schema: `create table t (id int primary key, v text); insert into t values (1, 'a'), (2, 'b')`,
      tables: ['public.t'],
      agent: ['update t set id = id + 100'],
    },
    {
      story: 'keys swapped in one UPDATE (deferrable), and keys that move up by one',
      schema: `create table t (id int primary key deferrable, v text);
      insert into t select i, 'v' || i from generate_series(1, 9) i`,
      tables: ['public.t'],
      agent: [
        'update t set id = case id when 1 then 2 else 1 end where id < 3',
        'update t set id = id + 1',
      ],
    },
    {
      story: 'a unique value swapped between rows',
      schema: `create table t (id int primary key, place int unique); insert into t values (1, 1), (2, 2), (3, 3)`,
      tables: ['public.t'],
      agent: [
        'update t set place = -1 where id = 1; update t set place = 1 where id = 2; update t set place = 2 where id = 1',
      ],
    },
    {
      story: 'insert, update, delete and again, in and over transactions',
      schema: `create table t (id int primary key, v text); insert into t values (1, 'a'), (2, 'b')`,
      tables: ['public.t'],
      agent: [
        `insert into t values (3, 'c'); update t set v = 'cc' where id = 3; delete from t where id = 3`,
        `update t set v = 'b2' where id = 2; delete from t where id = 2; insert into t values (2, 'b3')`,
        `update t set v = 'b4' where id = 2`,
        `insert into t values (4, 'd')`,
        `delete from t where id in (1, 4)`,
      ],
    },
    {
      story: 'a trigger that writes the row again before the statement ends',
      schema: `create table t (id int primary key, v text, times int default 0); insert into t values (1, 'a');
      create function again() returns trigger language plpgsql as $$ begin
        update public.t set times = times + 1 where id = new.id; return null; end $$;
      create trigger again after update of v on t for each row execute function again()`,
      tables: ['public.t'],
      agent: [`update t set v = 'b'`],
    },
    {
      story: 'TRUNCATE',
      schema: `create table t (id int primary key, v text); insert into t select i, 'v' from generate_series(1, 99) i`,
      tables: ['public.t'],
      agent: ['truncate t'],
    },
    {
      story: 'parents with children by cascade',
      schema: `create table p (id int primary key); create table c (id int primary key, p int not null references p on delete cascade);
      insert into p select generate_series(1, 20); insert into c select i, 1 + i % 20 from generate_series(1, 100) i`,
      tables: ['public.p', 'public.c'],
      agent: ['delete from p where id <= 10'],
    },
    {
      story: 'a foreign key to itself',
      schema: `create table n (id int primary key, up int references n on delete cascade);
      insert into n select i, nullif(i / 2, 0) from generate_series(1, 63) i`,
      tables: ['public.n'],
      agent: ['delete from n where id = 1'],
    },
    {
      story: 'a circle of foreign keys',
      schema: `create table a (id int primary key, b int); create table b (id int primary key, a int references a on delete cascade);
      alter table a add foreign key (b) references b on delete cascade;
      insert into a values (1, null); insert into b values (1, 1); update a set b = 1`,
      tables: ['public.a', 'public.b'],
      agent: ['delete from a'],
    },
    {
      story: 'duplicates in a table without a key',
      schema: `create table log (v text, n numeric); insert into log values ('a', 1), ('a', 1), ('a', 1.0), ('b', null), ('b', null)`,
      tables: ['public.log'],
      hasNoKey: true,
      agent: [
        `delete from log where v = 'a'`,
        `update log set v = 'c'`,
        `insert into log values ('c', null)`,
      ],
    },
    {
      story: 'generated and identity columns',
      schema: `create table t (id int generated always as identity primary key, v int, twice int generated always as (v * 2) stored,
        other int generated by default as identity);
      insert into t (v) select generate_series(1, 20)`,
      tables: ['public.t'],
      agent: ['delete from t where id > 5', 'update t set v = 0'],
    },
    {
      story: 'partitions, hit through the root and directly, with a row that moves',
      schema: `create table m (id int, day int, v text, primary key (id, day)) partition by range (day);
      create table m1 partition of m for values from (0) to (10);
      create table m2 (v text, day int not null, extra int, id int not null); alter table m2 drop column extra;
      alter table m attach partition m2 for values from (10) to (20);
      insert into m select i, i % 20, 'v' || i from generate_series(1, 60) i`,
      tables: ['public.m'],
      agent: [
        `delete from m where id < 10`,
        `delete from m2 where id < 40`,
        `update m1 set v = 'x'`,
        `update m set day = 19 - day`,
      ],
    },
    {
      story: 'row security that is forced',
      schema: `create table t (id int primary key, v text); insert into t values (1, 'a'), (2, 'b');
      alter table t enable row level security; alter table t force row level security;
      create policy none on t using (false)`,
      tables: ['public.t'],
      agent: ['delete from t'],
    },
    {
      story: 'triggers that would change what is put back',
      schema: `create table t (id int primary key, v text, at timestamptz default now());
      insert into t values (1, 'a', '2020-01-01'), (2, 'b', '2020-01-01');
      create function touch() returns trigger language plpgsql as $$ begin new.at = clock_timestamp(); return new; end $$;
      create trigger touch before insert or update on t for each row execute function touch()`,
      tables: ['public.t'],
      agent: [`update t set v = 'x' where id = 1`, `delete from t where id = 2`],
    },
    {
      story: 'types of our own: enum, domain, composite, arrays of them',
      schema: `create type mood as enum ('sad', 'ok'); create domain small as int check (value < 100);
      create type pair as (a int, b text);
      create table t (id int primary key, m mood, s small, p pair, ms mood[], ps pair[]);
      insert into t values (1, 'sad', 5, (1, 'x,"y'), '{ok,sad}', array[(1, null)::pair, null]), (2, null, null, null, null, null)`,
      tables: ['public.t'],
      agent: ['delete from t where id = 1', `update t set m = 'ok', s = 1`],
    },
    {
      story: 'values that differ in their image only',
      schema: `create table t (id numeric primary key, f float8, j jsonb, js json, tx text);
      insert into t values (1.0, '-0', '{"b":1,"a":2}', '{"a" : 1, "a":2}', E'tab\\tnl\\n\\\\N'), (2.00, 'NaN', 'null', 'null', '')`,
      tables: ['public.t'],
      agent: ['update t set id = id + 0.00, f = 0', 'delete from t'],
      look: 'select id::text, f::text, j::text, js::text, tx from t order by 1',
    },
    {
      story: 'names that must be quoted',
      schema: `create schema "Odd ""one"; create table "Odd ""one"."Ta.ble" ("I d" int primary key, "sel""ect" text, seq int, n int, side text, b int, a int, act int, id int, at int);
      insert into "Odd ""one"."Ta.ble" values (1, 'x', 1, 2, 'q', 3, 4, 5, 6, 7);
      create unique index on "Odd ""one"."Ta.ble" (id, at)`,
      tables: ['"Odd ""one"."Ta.ble"'],
      agent: ['delete from "Odd ""one"."Ta.ble"'],
    },
    {
      story: 'columns named as ours are',
      schema: `create table t (k1 int primary key, a int, b text, sh int, act text, conflict text, broken bool, x1 int unique);
        insert into t select i, i, 'b', i, 'a', 'c', true, -i from generate_series(1, 9) i;
        create table bag (img text, id int, d int, there int, sh int);
        insert into bag select 'i', i % 3, 1, 2, 3 from generate_series(1, 9) i`,
      tables: ['public.t', 'public.bag'],
      hasNoKey: true,
      agent: [
        'delete from t where k1 > 5; delete from bag where id = 1',
        'update t set a = 0; update bag set d = 7',
      ],
    },
    {
      story: 'several tables, each emptied by a transaction of its own',
      schema: `create table p (id int primary key); create table c (id int primary key, p int references p, v text unique);
        insert into p select generate_series(1, 40); insert into c select i, 1 + i % 40, 'v' || i from generate_series(1, 200) i`,
      tables: ['public.p', 'public.c'],
      agent: ['delete from c', 'delete from p'],
    },
    {
      story:
        'a row deleted, made anew and deleted in one transaction, beside another that only deletes',
      schema: `create table t (id int primary key, v text); insert into t select i, 'v' || i from generate_series(1, 20) i`,
      tables: ['public.t'],
      agent: [
        `delete from t where id = 1; insert into t values (1, 'again'); delete from t where id = 1`,
        'delete from t where id > 10',
      ],
    },
    {
      story: '1,600 columns',
      schema: `do $$ begin execute 'create table wide (id int primary key, ' ||
        (select string_agg('w' || i || ' bool', ', ') from generate_series(1, 1599) i) || ')'; end $$;
      insert into wide (id, w1, w1599) values (1, true, false), (2, null, true)`,
      tables: ['public.wide'],
      agent: ['delete from wide where id = 1', 'update wide set w5 = true'],
    },
  ];

  it.each(CASES)('takes back $story', async ({ schema, tables, agent, look, hasNoKey }) => {
    const at = await world(schema, ...tables);
    try {
      const before = await at.look(tables, look);
      for (const sql of agent) await at.run(`begin; ${sql}; commit`);
      const worse = await at.look(tables, look);
      expect(worse).not.toEqual(before);
      const items = await at.drain();
      const preview = await at.undo(items, { mode: 'preview' });
      expect(preview.conflicts).toEqual([]);
      expect(await at.look(tables, look)).toEqual(worse);
      const report = await at.undo(items);
      expect(report.conflicts).toEqual([]);
      expect(report.isWhole).toBe(true);
      expect(await at.look(tables, look)).toEqual(before);
      // The undo was captured: taking it back gives what was there, and taking that back too.
      const again = await at.drain();
      expect(again).toHaveLength(1);
      expect((await at.undo(again)).conflicts).toEqual([]);
      expect(await at.look(tables, look)).toEqual(worse);
      const third = await at.drain();
      await at.undo(third);
      expect(await at.look(tables, look)).toEqual(before);
      if (hasNoKey === true) return;
      // What stands there already is left as it is (without a key nobody could tell).
      const idle = await at.undo(items);
      expect(idle.conflicts).toEqual([]);
      expect(idle.sql).toEqual([]);
    } finally {
      await at.close();
    }
  });
});
