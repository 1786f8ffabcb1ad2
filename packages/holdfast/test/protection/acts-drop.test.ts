/** Statements that drop, run through `holdfast.run` and taken back: everything equal to before. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ScratchPostgres } from '../../src/testing/scratch-postgres.ts';
import { Ground, SERVERS } from './acts-ground.ts';
import { SHOP } from './acts-shop.ts';

const DROPS: readonly (readonly [story: string, statements: readonly string[]])[] = [
  ['a table on which nothing hangs', ['drop table shop.line']],
  ['a table with views, keys, policies, rules', ['drop table shop.orders cascade']],
  ['the table others refer to', ['drop table shop.client cascade']],
  ['several tables at once', ['drop table if exists shop.line, nope, shop.numbered']],
  ['a partitioned table with a partition elsewhere', ['drop table shop.log']],
  ['one partition', ['drop table shop.log_1']],
  ['a parent and its heir', ['drop table shop.base cascade']],
  [
    'one after the other',
    [
      'drop table shop.line',
      'drop table shop.orders cascade',
      'drop type shop.state',
      'drop domain shop.price',
    ],
  ],
  ['a whole schema', ['drop schema shop cascade']],
  ['a view', ['drop view shop.open']],
  ['a materialized view', ['drop materialized view shop.sums']],
  ['a sequence that is a default', ['drop sequence shop.free cascade']],
  ['a function of triggers', ['drop function shop.stamp cascade']],
  [
    'routines',
    [
      'drop function shop.double(int)',
      'drop aggregate shop.total(int)',
      'drop procedure shop.nothing',
    ],
  ],
  ['an index', ['drop index shop.orders_state, shop.orders_lower_idx']],
  ['an index of a partitioned table', ['drop index shop.log_said_idx']],
  [
    'triggers, a policy, a rule, statistics',
    [
      'drop trigger stamped on shop.orders',
      'drop trigger quiet on shop.client',
      'drop policy own on shop.orders',
      'drop policy seen on shop.client',
      'drop rule gone on shop.line',
      'drop statistics shop.orders_stat',
    ],
  ],
];

describe.each(SERVERS)('PostgreSQL $server', ({ server, binFolder, missing }) => {
  describe.skipIf(missing)(`drops on ${server}`, () => {
    let postgres: ScratchPostgres;
    beforeAll(async () => {
      postgres = await Ground.start(binFolder);
    });
    afterAll(() => postgres?.stop());

    test.each(DROPS.map((row, n) => ({ story: row[0], statements: row[1], n })))(
      'undone: $story',
      async ({ statements, n }) => {
        const ground = await Ground.in(postgres, binFolder, `drops_${n}`);
        try {
          await ground.asApp(SHOP);
          const before = await ground.picture();
          const agent = await ground.agent();
          for (const statement of statements) await ground.run(agent, statement);
          const between = await ground.picture();
          expect(between).not.toBe(before);
          expect(await ground.acts()).toHaveLength(statements.length);
          const redo = (await ground.acts()).map((act) => act.redo);
          await ground.undoAll();
          expect(await ground.picture()).toBe(before);
          for (const steps of redo) await ground.take(steps);
          expect(await ground.picture()).toBe(between);
        } finally {
          await ground.stop();
        }
      },
    );

    test('what ANALYZE had gathered comes back with the table', async () => {
      const ground = await Ground.in(postgres, binFolder, 'gathered');
      const gathered = async (): Promise<unknown> => {
        const { rows } = await ground.admin.query(
          `select to_jsonb(s)::text as said from pg_stats s where schemaname = 'shop' and tablename in ('orders', 'client')
           union all select to_jsonb(x)::text from pg_stats_ext x where schemaname = 'shop'
           union all select relname || ' ' || reltuples || ' ' || relpages from pg_class where relname in ('orders', 'client') order by 1`,
        );
        return rows;
      };
      try {
        await ground.asApp(SHOP);
        await ground.admin.query(`insert into shop.orders (client, total, note) select 1 + n % 2, n % 7, 'n' || n from generate_series(1, 500) n;
          analyze shop.orders, shop.client`);
        const before = await gathered();
        expect(JSON.stringify(before)).toContain('dependencies');
        const agent = await ground.agent();
        await ground.run(agent, 'drop table shop.orders cascade');
        await ground.run(agent, 'drop table shop.client cascade');
        expect(await gathered()).not.toEqual(before);
        await ground.undoAll();
        expect(await gathered()).toEqual(before);
      } finally {
        await ground.stop();
      }
    });
  });
});
