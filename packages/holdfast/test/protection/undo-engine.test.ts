/**
 * The undo engine against real servers: what agents do to tables, and each time rows and checksums equal to
 * the moment before. Tables and their history are rows of a list; each has a story.
 */
import { existsSync } from 'node:fs';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTargetDatabase } from '../../src/protection/postgres/admin.ts';
import { runUndo } from '../../src/protection/postgres/undo/engine.ts';
import type { UndoOrder } from '../../src/protection/postgres/undo/work.ts';
import type { TargetDatabase } from '../../src/protection/target-database.ts';
import type { UndoReport } from '../../src/protection/undo/undo-report.ts';
import { MemoryUndoStore } from '../../src/testing/memory-undo-store.ts';
import { PlainCapture } from '../../src/testing/plain-capture.ts';
import { type ScratchPostgres, startScratchPostgres } from '../../src/testing/scratch-postgres.ts';

const SERVERS = [
  { name: 'PostgreSQL 18', binFolder: undefined },
  { name: 'PostgreSQL 15', binFolder: '/usr/lib/postgresql/15/bin' },
] as const;

for (const { name, binFolder } of SERVERS) {
  const isThere = binFolder === undefined || existsSync(binFolder);
  describe.skipIf(!isThere)(`undo on ${name}${isThere ? '' : ' (no such server here)'}`, () => {
    let server: ScratchPostgres;
    let number = 0;
    beforeAll(async () => {
      server = await startScratchPostgres(binFolder === undefined ? {} : { binFolder });
    });
    afterAll(() => server.stop());

    /** A database of its own with captured tables. */
    async function world(schema: string, ...tables: readonly string[]): Promise<World> {
      number += 1;
      const admin = new pg.Client(server.url());
      await admin.connect();
      await admin.query(`create database case_${number}`);
      await admin.end();
      const made = new World(server, `case_${number}`);
      await made.run(schema);
      await made.capture.attach(...tables);
      return made;
    }

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
        agent: [
          `delete from seats where num < 9`,
          `update seats set who = null where plane = 'p1'`,
        ],
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

    interface Clash {
      readonly story: string;
      readonly schema: string;
      readonly tables: readonly string[];
      readonly agent: string;
      readonly between?: string;
      readonly agentAgain?: string;
      /** Somebody else's newer work; not among the items undone. */
      readonly since: string;
      readonly kinds: readonly string[];
      /** Rows after each decision; null: `ours` is not possible. */
      readonly ours: string | null;
      readonly theirs: string;
    }

    const T = `create table t (id int primary key, v text unique); insert into t values (1, 'a'), (2, 'b')`;
    const FAMILY = `create table p (id int primary key); insert into p values (1), (2);
      create table c (id int primary key, p int references p on delete cascade); insert into c values (10, 1), (20, 2)`;
    const LOOK = `select coalesce(string_agg(t::text, ' ' order by t), '') as r from t`;
    const CLASHES: readonly Clash[] = [
      {
        story: 'a row changed by somebody else since',
        schema: T,
        tables: ['public.t'],
        agent: `update t set v = v || '!'`,
        since: `update t set v = 'newer' where id = 1`,
        kinds: ['changed'],
        ours: '(1,a) (2,b)',
        theirs: '(1,newer) (2,b)',
      },
      {
        story: 'a row removed by somebody else since',
        schema: T,
        tables: ['public.t'],
        agent: `update t set v = v || '!'`,
        since: 'delete from t where id = 1',
        kinds: ['gone'],
        ours: '(1,a) (2,b)',
        theirs: '(2,b)',
      },
      {
        story: 'a key used again',
        schema: T,
        tables: ['public.t'],
        agent: 'delete from t',
        since: `insert into t values (1, 'newer')`,
        kinds: ['recreated'],
        ours: '(1,a) (2,b)',
        theirs: '(1,newer) (2,b)',
      },
      {
        story: 'a unique value used again by another row',
        schema: T,
        tables: ['public.t'],
        agent: 'delete from t',
        since: `insert into t values (7, 'a')`,
        kinds: ['unique'],
        ours: '(1,a) (2,b)',
        theirs: '(2,b) (7,a)',
      },
      {
        story: 'a change by somebody else in between',
        schema: T,
        tables: ['public.t'],
        agent: `update t set v = 'x' where id = 1`,
        between: `update t set v = 'person' where id = 1`,
        agentAgain: `update t set v = 'y' where id = 1`,
        since: 'select 1',
        kinds: ['in-between'],
        ours: '(1,a) (2,b)',
        theirs: '(1,y) (2,b)',
      },
      {
        story: 'newer rows that refer to a row to be removed',
        schema:
          'create table t (id int primary key); create table c (t int references t on delete cascade); insert into t values (1)',
        tables: ['public.t'],
        agent: 'insert into t values (5), (6)',
        since: 'insert into c values (5)',
        kinds: ['dependents'],
        ours: null,
        theirs: '(1) (5)',
      },
      {
        story: 'a parent that somebody else removed since',
        schema:
          'create table p (id int primary key); insert into p values (1), (2); create table t (id int primary key, p int references p); insert into t values (1, 1), (2, 2)',
        tables: ['public.t'],
        agent: 'delete from t',
        since: 'delete from p where id = 2',
        kinds: ['parent-missing'],
        ours: null,
        theirs: '(1,1)',
      },
    ];

    it.each(CLASHES)('does not overwrite newer work: $story', async (clash) => {
      const { schema, tables, agent, between, agentAgain, since, kinds, ours, theirs } = clash;
      for (const choice of ['ours', 'theirs', 'skip'] as const) {
        const at = await world(schema, ...tables);
        try {
          await at.run(agent);
          const items = [...(await at.drain())];
          if (between !== undefined) await at.run(between);
          await at.drain();
          if (agentAgain !== undefined) {
            await at.run(agentAgain);
            items.push(...(await at.drain()));
          }
          await at.run(since);
          await at.drain();
          const before = await at.look([], LOOK);
          const refused = await at.undo(items);
          expect(refused.conflicts.map(({ kind }) => kind)).toEqual(kinds);
          expect(refused.undecided).toBe(1);
          expect(refused.isWhole).toBe(false);
          expect(await at.look([], LOOK)).toEqual(before);
          const decided = await at.undo(items, { decisions: [{ table: null, key: null, choice }] });
          if (choice === 'ours' && ours === null) {
            expect(decided.undecided).toBe(1);
            expect(await at.look([], LOOK)).toEqual(before);
          } else {
            expect(decided.undecided).toBe(0);
            expect(decided.isWhole).toBe(choice !== 'skip');
            expect(await at.look([], LOOK)).toEqual([[{ r: choice === 'ours' ? ours : theirs }]]);
          }
        } finally {
          await at.close();
        }
      }
    });

    const DRIFTS = [
      ['a column added', `alter table t add w int default 7`, '(1,a,7) (2,b,7)', /w was added/],
      ['a column renamed', 'alter table t rename v to vv', '(1,a) (2,b)', /v is now called vv/],
      ['a column dropped', 'alter table t drop v', '(1) (2)', /v no longer exists/],
      [
        'the table renamed, and another takes its name',
        'alter table t rename to old; create view t as table old',
        '(1,a) (2,b)',
        /is now called public.old/,
      ],
      [
        'the type of the key made larger',
        'alter table t alter id type bigint',
        '(1,a) (2,b)',
        null,
      ],
      [
        'the table made anew',
        'drop table t; create table t (v text, id int primary key)',
        '(a,1) (b,2)',
        /made anew/,
      ],
    ] as const;
    it.each(DRIFTS)('puts rows back after %s', async (_story, change, after, note) => {
      const at = await world(T, 'public.t');
      try {
        await at.run('delete from t');
        const items = await at.drain();
        await at.run(change);
        if (!change.includes('table t rename to') && !change.includes('drop table')) {
          await at.capture.attach('public.t');
        }
        const report = await at.undo(items);
        expect(report.conflicts).toEqual([]);
        expect(await at.look([], LOOK)).toEqual([[{ r: after }]]);
        if (note !== null) expect(report.notes.join('\n')).toMatch(note);
      } finally {
        await at.close();
      }
    });

    it('says that a value does not fit any more, and that a table is gone', async () => {
      const at = await world(
        `create table t (id int primary key, v text); insert into t values (1, 'too long'), (2, 'b')`,
        'public.t',
      );
      try {
        await at.run('delete from t');
        const items = await at.drain();
        await at.run('alter table t alter v type varchar(3)');
        expect((await at.undo(items)).conflicts.map(({ kind }) => kind)).toEqual(['does-not-fit']);
        await at.run('drop table t');
        expect((await at.undo(items)).conflicts.map(({ kind }) => kind)).toEqual(['table-gone']);
      } finally {
        await at.close();
      }
    });

    it('undoes a part by table and by key, and the rest later', async () => {
      const at = await world(FAMILY, 'public.p', 'public.c');
      try {
        await at.run('delete from p');
        const items = await at.drain();
        const child = await at.undo(items, { tables: ['public.c'] });
        expect(child.conflicts.map(({ kind }) => kind)).toEqual([
          'parent-missing',
          'parent-missing',
        ]);
        const one = await at.undo(items, {
          tables: ['public.p'],
          key: [{ name: 'id', value: '2' }],
        });
        expect(one.isWhole).toBe(false);
        expect(await at.look(['p', 'c'])).toEqual([[{ row: '(2)' }], []]);
        const rest = await at.undo(items);
        expect(rest.isWhole).toBe(true);
        expect(await at.look(['p', 'c'])).toEqual([
          [{ row: '(1)' }, { row: '(2)' }],
          [{ row: '(10,1)' }, { row: '(20,2)' }],
        ]);
      } finally {
        await at.close();
      }
    });

    it('is tried again after a serialization failure', async () => {
      const at = await world(
        `${T}; create sequence tries;
         create function fails() returns trigger language plpgsql as $$ begin
           if nextval('public.tries') < 3 then raise 'once more' using errcode = '40001'; end if; return null; end $$`,
        'public.t',
      );
      try {
        await at.run('delete from t');
        const items = await at.drain();
        await at.run(
          'create trigger fails after insert on t execute function fails(); alter table t enable always trigger fails',
        );
        const report = await at.undo(items);
        expect(report.isWhole).toBe(true);
        expect(report.notes.join()).toMatch(/Trigger fails of public.t fires/);
        expect(await at.look([], LOOK)).toEqual([[{ r: '(1,a) (2,b)' }]]);
      } finally {
        await at.close();
      }
    });

    it('takes acts back in their order, and refuses what is in the way', async () => {
      const at = await world(T, 'public.t');
      try {
        await at.run(`update t set v = v || '!'`);
        await at.run('alter table t rename v to gone');
        await at.capture.act({
          verb: 'RENAME COLUMN',
          statement: 'alter table t rename v to gone',
          objects: [{ type: 'table', name: 'public.t' }],
          undo: [{ about: 'its name', sql: 'alter table public.t rename gone to v' }],
          redo: [{ about: 'its name', sql: 'alter table public.t rename v to gone' }],
          absent: [{ type: 'table', name: 'public.in_the_way' }],
          trash: [],
          notRestored: ['the old plan cache'],
        });
        const items = await at.drain();
        await at.run('create table in_the_way ()');
        const refused = await at.undo(items);
        expect(refused.conflicts.map(({ kind }) => kind)).toEqual(['object-exists']);
        await at.run('drop table in_the_way');
        const report = await at.undo(items);
        expect(report.acts.map(({ about }) => about)).toEqual(['RENAME COLUMN public.t']);
        expect(report.notes).toContain('the old plan cache');
        expect(await at.look([], 'select v from t order by id')).toEqual([
          [{ v: 'a' }, { v: 'b' }],
        ]);
        const again = await at.drain();
        await at.undo(again);
        expect(await at.look([], 'select gone from t order by id')).toEqual([
          [{ gone: 'a!' }, { gone: 'b!' }],
        ]);
      } finally {
        await at.close();
      }
    });

    it('looks without a lock: a preview passes writers by, and no writer waits for it', async () => {
      const at = await world(T, 'public.t');
      const writer = new pg.Client(server.url(at.name));
      await writer.connect();
      try {
        await at.run('delete from t');
        const items = await at.drain();
        // Holds ROW EXCLUSIVE until it ends: an undo would wait for it.
        await writer.query(`begin; insert into t values (9, 'writer')`);
        const preview = await at.undo(items, { mode: 'preview' });
        expect(preview.tables).toMatchObject([{ table: 'public.t', insertedBack: 2 }]);
        expect(preview.sql).toHaveLength(1);
        await writer.query('commit');
        expect(await at.look([], LOOK)).toEqual([[{ r: '(9,writer)' }]]);
      } finally {
        await writer.end();
        await at.close();
      }
    });

    const ORPHANS = [
      [
        'a table without a key',
        `create table p (id int primary key); insert into p values (1), (2);
         create table t (p int references p); insert into t values (1), (2)`,
      ],
      [
        'a foreign key of one partition',
        `create table p (id int primary key); insert into p values (1), (2);
         create table t (p int primary key) partition by list (p);
         create table t1 partition of t for values in (1);
         create table t2 partition of t for values in (2);
         alter table t2 add foreign key (p) references p; insert into t values (1), (2)`,
      ],
    ] as const;
    it.each(ORPHANS)('lets no orphan in: %s', async (_story, schema) => {
      const at = await world(schema, 'public.t');
      try {
        await at.run('delete from t');
        const items = await at.drain();
        await at.run('delete from p where id = 2');
        const refused = await at.undo(items);
        expect(refused.undecided).toBe(1);
        expect(refused.conflicts[0]?.about).toMatch(/refers? to (a row|rows) of public.p/);
        expect(await at.look(['t'])).toEqual([[]]);
      } finally {
        await at.close();
      }
    });

    it('keeps the rows of a table apart from those that inherit from it', async () => {
      const at = await world(
        `create table t (id int primary key, v text); create table heir () inherits (t);
         insert into t values (1, 'a'); insert into heir values (2, 'heir')`,
        'public.t',
      );
      try {
        await at.run('delete from only t');
        const items = await at.drain();
        await at.run(`insert into heir values (1, 'heir')`);
        expect((await at.undo(items)).conflicts).toEqual([]);
        expect(await at.look([], 'select v from only t')).toEqual([[{ v: 'a' }]]);
        expect(await at.look([], 'select v from heir order by id')).toEqual([
          [{ v: 'heir' }, { v: 'heir' }],
        ]);
      } finally {
        await at.close();
      }
    });

    it('an act that the server refuses to take back is a conflict, and nothing was changed', async () => {
      const at = await world(T, 'public.t');
      try {
        await at.run('alter table t drop constraint t_v_key');
        await at.capture.act({
          verb: 'DROP CONSTRAINT',
          statement: 'alter table t drop constraint t_v_key',
          objects: [{ type: 'table', name: 'public.t' }],
          undo: [
            { about: 'unique (v)', sql: 'alter table public.t add constraint t_v_key unique (v)' },
          ],
          redo: [{ about: 'unique (v)', sql: 'alter table public.t drop constraint t_v_key' }],
          absent: [],
          trash: [],
          notRestored: [],
        });
        const items = await at.drain();
        await at.run(`insert into t values (3, 'a')`);
        const refused = await at.undo(items);
        expect(refused.conflicts.map(({ kind }) => kind)).toEqual(['server']);
        expect(refused.conflicts[0]?.about).toMatch(/could not create unique index/);
        expect(refused.undecided).toBe(1);
        await at.run('delete from t where id = 3');
        expect((await at.undo(items)).isWhole).toBe(true);
      } finally {
        await at.close();
      }
    });
  });
}

class World {
  readonly database: TargetDatabase;
  readonly capture: PlainCapture;
  readonly store = new MemoryUndoStore();
  readonly #server: ScratchPostgres;
  readonly name: string;

  constructor(server: ScratchPostgres, name: string) {
    this.#server = server;
    this.name = name;
    this.database = openTargetDatabase({
      target: 'main-db',
      connection: {
        host: server.host,
        port: server.port,
        user: 'postgres',
        database: name,
        password: () => null,
        ssl: false,
      },
    });
    this.capture = new PlainCapture(this.database);
  }

  /** As anybody, with an ordinary search_path. */
  async run(sql: string): Promise<void> {
    const client = new pg.Client(this.#server.url(this.name));
    await client.connect();
    try {
      await client.query(sql);
    } finally {
      await client.end();
    }
  }

  /** Rows as text, in an order of their own. */
  async look(tables: readonly string[], sql?: string): Promise<readonly unknown[]> {
    const client = new pg.Client(this.#server.url(this.name));
    await client.connect();
    try {
      const seen: unknown[] = [];
      for (const text of sql === undefined
        ? tables.map((table) => `select t::text as row from ${table} t order by 1`)
        : [sql]) {
        seen.push((await client.query(text)).rows);
      }
      return seen;
    } finally {
      await client.end();
    }
  }

  drain(): Promise<readonly string[]> {
    return this.capture.drain(this.store);
  }

  async undo(ids: readonly string[], more: Partial<UndoOrder> = {}): Promise<UndoReport> {
    const chosen = [];
    for (const id of ids) {
      const item = await this.store.find(id);
      if (item !== null) chosen.push({ item, entries: await this.store.entries(id) });
    }
    return runUndo(this.database, this.store, {
      chosen,
      tables: null,
      key: [],
      decisions: [],
      mode: 'apply',
      ...more,
    });
  }

  close(): Promise<void> {
    return this.database.close();
  }
}
