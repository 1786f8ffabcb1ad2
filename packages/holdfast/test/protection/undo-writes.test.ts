/**
 * How an undo writes: planned with numbers of its own tables, so that many rows are not compared each with
 * each, and held to what was planned, so that no row is lost on the way and called back.
 */
import { expect, it } from 'vitest';
import type { TargetDatabase, TargetSession } from '../../src/protection/target-database.ts';
import { onEachServer, T, type World } from './undo-world.ts';

const ROWS = 5_000;
const MANY = `create table p (id int primary key, code text unique);
  insert into p select i, 'c' || i from generate_series(1, ${ROWS}) i;
  create table t (id int primary key, p int not null references p, code text, unique (code));
  insert into t select i, 1 + i % 5000, 'v' || i from generate_series(1, ${ROWS}) i; analyze`;

/** What stands in our temp tables by the server's own count, and how it would find rows in the way. */
class Watched {
  readonly counts = new Map<string, number>();
  readonly plans: string[] = [];

  on(database: TargetDatabase): TargetDatabase {
    return {
      target: database.target,
      query: (sql, values) => database.query(sql, values),
      transaction: (isolation, work) =>
        database.transaction(isolation, (session) => work(this.#watched(session))),
      close: () => database.close(),
    };
  }

  #watched(session: TargetSession): TargetSession {
    return {
      query: async (sql, values) => {
        if (LOOKED_AT.some((one) => one.test(sql))) await this.#look(session, sql);
        return session.query(sql, values);
      },
      copyOut: (sql) => session.copyOut(sql),
      copyIn: (sql, chunks) => session.copyIn(sql, chunks),
    };
  }

  async #look(session: TargetSession, sql: string): Promise<void> {
    const rows = await session.query(
      `select relname::text as name, reltuples::int as rows from pg_class
        where relnamespace = pg_my_temp_schema() and relkind = 'r'`,
    );
    for (const { name, rows: count } of rows) this.counts.set(String(name), Number(count));
    const lines = await session.query(`explain ${sql}`);
    this.plans.push(lines.map((line) => String(line['QUERY PLAN'])).join('\n'));
  }
}

/** The look for unique values, the rows put back, and the foreign keys of them. */
const LOOKED_AT = [
  /^insert into pg_temp\.\w+_way/,
  /^with done as \(insert into/,
  /^select p\.b::text as b, p\.a::text as a\s/,
];

onEachServer('what an undo writes', (world) => {
  for (const mode of ['apply', 'preview'] as const) {
    it(`is planned by the number of its rows, not row by row: ${mode}`, async () => {
      const at = await world(MANY, 'public.p', 'public.t');
      try {
        await at.run('delete from t; delete from p');
        const watched = new Watched();
        const items = await at.drain();
        const report = await at.undo(items, { mode, on: watched.on(at.database) });
        expect(report.conflicts).toEqual([]);
        expect(watched.plans.length).toBeGreaterThanOrEqual(mode === 'apply' ? 5 : 3);
        for (const plan of watched.plans) expect(plan).not.toContain('Nested Loop');
        for (const kind of ['rows', 'plan']) {
          for (const place of [0, 1])
            expect(watched.counts.get(`hf_0_${place}_${kind}`)).toBe(ROWS);
        }
      } finally {
        await at.close();
      }
    });
  }

  const SWALLOWED = [
    ['a row put back', T, 'insert', 'delete from t'],
    ['a row changed back', T, 'update', `update t set v = v || '!'`],
    ['a row removed again', T, 'delete', `insert into t values (3, 'c')`],
    [
      'a row of a table without a key',
      'create table t (id int, v text); insert into t values (1, $$a$$), (2, $$b$$)',
      'insert',
      'delete from t',
    ],
  ] as const;
  it.each(SWALLOWED)('is held to the plan: %s, swallowed by a trigger', async (...of) => {
    const [, schema, event, agent] = of;
    const at: World = await world(schema, 'public.t');
    try {
      await at.run(agent);
      const items = await at.drain();
      const before = await at.look(['t']);
      await at.run(`create function no() returns trigger language plpgsql as $$ begin return null; end $$;
        create trigger no before ${event} on t for each row execute function no();
        alter table t enable always trigger no`);
      await expect(at.undo(items)).rejects.toMatchObject({
        code: 'HF_UNDO_STATE',
        found: expect.stringContaining('kept the others out'),
      });
      await at.run('drop trigger no on t');
      expect(await at.look(['t'])).toEqual(before);
      expect((await at.undo(items)).isWhole).toBe(true);
    } finally {
      await at.close();
    }
  });
});
