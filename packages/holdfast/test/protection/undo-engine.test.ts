/** The undo engine against real servers: tables that have changed since, parts, retries, acts, locks. */
import { expect, it } from 'vitest';
import { LOOK, onEachServer, T } from './undo-world.ts';

onEachServer('undo', (world) => {
  const FAMILY = `create table p (id int primary key); insert into p values (1), (2);
  create table c (id int primary key, p int references p on delete cascade); insert into c values (10, 1), (20, 2)`;
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
    ['the type of the key made larger', 'alter table t alter id type bigint', '(1,a) (2,b)', null],
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
      expect(child.conflicts.map(({ kind }) => kind)).toEqual(['parent-missing', 'parent-missing']);
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
      expect(await at.look([], 'select v from t order by id')).toEqual([[{ v: 'a' }, { v: 'b' }]]);
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
    const writer = await at.connect();
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
