/** Newer work of others is in the way of an undo: found, told by its kind, and never overwritten undecided. */
import { expect, it } from 'vitest';
import { LOOK, onEachServer, T } from './undo-world.ts';

onEachServer('undo and newer work', (world) => {
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
});
