/** What the application did before it does after, and what the fence refuses it, on 15 and 18. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applyProtection, previewProtection } from '../../src/protection/postgres/wall/apply.ts';
import { checkProtection } from '../../src/protection/postgres/wall/check.ts';
import { databaseAs, OPTIONS, type Shop, startShop, VERSIONS } from './wall-fixture.ts';

type Work = readonly [name: string, sql: string];

/** An owner that is not exempt: everything but destroying. */
const WORKS: readonly Work[] = [
  ['creates a table', 'create table public.made (id serial primary key, note text)'],
  ['creates a table from a query', 'create table public.made2 as select 1 as id'],
  ['adds a column', 'alter table bookings add column more text'],
  [
    'adds a column with a volatile default',
    'alter table bookings add column at2 float default random()',
  ],
  ['renames a column', 'alter table bookings rename column note to remark'],
  [
    'creates and drops an index in one go of a migration',
    'create index made_index on bookings (note)',
  ],
  [
    'creates a function and calls it',
    `create function public.one() returns int language plpgsql as 'begin return 1; end'; select public.one()`,
  ],
  ['calls its own functions', 'select purge(); select wipe(); call tidy()'],
  ['replaces a view', 'create or replace view names as select id, name from clients'],
  ['runs a code block', 'do $$ begin perform 1; end $$'],
  [
    'uses temporary tables',
    'create temp table t (id int, note text); alter table t drop column note; alter table t alter id type text; drop table t',
  ],
  [
    'has a temporary table that ends with the transaction',
    'create temp table t2 (id int) on commit drop',
  ],
  ['uses large objects', `select lo_unlink(lo_from_bytea(0, 'x'))`],
  ['makes a schema', 'create schema made'],
  ['truncates', 'truncate stock.parts'],
  ['refreshes', 'refresh materialized view counts'],
  ['drops a default', 'alter table clients alter mail drop default'],
  [
    'comments, grants, sets sequences',
    `comment on table clients is 'x'; grant select on clients to reports; select setval('numbers', 5)`,
  ],
  [
    'makes a partition',
    `create table parted_2026 partition of parted for values from ('2026-01-01') to ('2027-01-01')`,
  ],
  ['reindexes', 'reindex table bookings'],
];

const FENCED: readonly Work[] = [
  ['drops a table', 'drop table bookings'],
  ['drops a column', 'alter table bookings drop column note'],
  ['drops by a code block', `do $$ begin execute 'drop table bookings'; end $$`],
  ['drops what it owns', 'drop owned by app'],
  ['drops a schema', 'drop schema stock cascade'],
  ['drops a view', 'drop view names'],
  ['drops a function', 'drop function purge'],
  ['rewrites a column', `alter table bookings alter note type int using 0`],
  ['sets unlogged', 'alter table stock.parts set unlogged'],
  [
    'believes in a setting',
    `select set_config('holdfast.receipt', 'x', false); drop table bookings`,
  ],
];

async function rolledBack(client: pg.Client, sql: string): Promise<void> {
  await client.query('begin');
  try {
    await client.query(sql);
  } finally {
    await client.query('rollback');
  }
}

describe.each(VERSIONS)('the application, $name', (version) => {
  describe.skipIf(version.skip !== null)(version.skip ?? '', () => {
    let shop: Shop;
    let app: pg.Client;
    let deploy: pg.Client;
    beforeAll(async () => {
      shop = await startShop(version);
      await applyProtection(shop.db, OPTIONS);
      app = await shop.as('app');
      deploy = await shop.as('deploy');
      await deploy.query('set role app');
    });
    afterAll(() => shop?.stop());

    it.each(WORKS)('an owner that is not exempt %s', (_name, sql) => rolledBack(app, sql));

    it.each(FENCED)('an owner that is not exempt is refused when it %s', async (_name, sql) => {
      await expect(rolledBack(app, sql)).rejects.toMatchObject({
        code: '42501',
        hint: expect.stringContaining('protection.exempt'),
      });
    });

    it.each([...WORKS, ...FENCED])('an exempt role %s', (_name, sql) => rolledBack(deploy, sql));

    it('a role that reads still reads, temporary tables and code blocks too', async () => {
      const reports = await shop.as('reports');
      await reports.query(
        'select * from clients; create temp table t (id int); do $$ begin end $$',
      );
    });

    it('nobody becomes Holdfast by a role of the application', async () => {
      await expect(app.query('set role holdfast_owner')).rejects.toMatchObject({ code: '42501' });
      await expect(app.query('select * from holdfast.meta')).rejects.toMatchObject({
        code: '42501',
      });
    });

    it.each([
      ['the fence switched off', 'alter event trigger holdfast_drop disable', 'drift.fence'],
      [
        'PUBLIC with temporary objects',
        'grant temp on database shop to public',
        'drift.opaque-code',
      ],
      ['PUBLIC with a function', 'grant execute on function wipe() to public', 'drift.opaque-code'],
      ['PUBLIC with CREATE', 'grant create on schema stock to public', 'drift.hidden-code'],
      [
        'PUBLIC with large objects',
        'grant execute on function lo_creat(int) to public',
        'drift.large-objects',
      ],
      ['agents with TRUNCATE', 'grant truncate on bookings to holdfast_agents', 'agent.grant'],
      [
        'an agent with a membership',
        'create role hf_a login in role holdfast_agents, app',
        'agent.member',
      ],
      [
        'an agent that is a superuser',
        'create role hf_a superuser in role holdfast_agents',
        'agent.superuser',
      ],
      [
        'an agent that owns a table',
        'create role hf_a in role holdfast_agents; alter table stock.parts owner to hf_a',
        'agent.owns',
      ],
      [
        'an agent whose password never ends',
        'create role hf_a login in role holdfast_agents',
        'agent.endless',
      ],
      [
        'a function of ours with another body',
        `create or replace function holdfast.fence_passes() returns boolean language sql as 'select true'`,
        'body.altered',
      ],
      ['a role that is not in holdfast_others', 'create role newcomer login', 'drift.opaque-code'],
      [
        'a new owner',
        'create role newcomer login; alter table stock.parts owner to newcomer',
        'drift.ownership',
      ],
      [
        'a table that agents’ rights lack',
        'revoke delete on bookings from holdfast_agents',
        'drift.own-role',
      ],
    ])('finds drift: %s', async (_name, sql, code) => {
      await shop.db
        .transaction('read committed', async (session) => {
          await session.query('set local search_path = public');
          await session.query(sql);
          await session.query('set local search_path = pg_catalog, pg_temp');
          const inside = {
            ...shop.db,
            transaction: (_how: unknown, work: (s: typeof session) => unknown) =>
              work(skipping(session)),
          };
          const { findings, level } = await checkProtection(inside as typeof shop.db, OPTIONS);
          expect(findings.map((finding) => finding.code)).toContain(code);
          expect(level).toBe(['drift.fence', 'body.altered'].includes(code) ? 'no-fence' : 'full');
          throw new Error('rolled back');
        })
        .catch((error: Error) => {
          if (error.message !== 'rolled back') throw error;
        });
    });

    it('finds that the exempt roles are others than the file says', async () => {
      const { findings } = await checkProtection(shop.db, { ...OPTIONS, exempt: [] });
      expect(findings.map(({ code }) => code)).toEqual(['drift.layout', 'drift.capture']);
    });

    it('finds nothing where nothing is amiss', async () => {
      expect(await checkProtection(shop.db, OPTIONS)).toMatchObject({
        level: 'full',
        findings: [],
      });
    });
  });

  describe.skipIf(version.skip !== null)('with an admin that is no superuser', () => {
    it('says what stays open, and protects the rest', async () => {
      const shop = await startShop(version);
      const weak = databaseAs(shop.server, 'weak');
      try {
        const plan = await previewProtection(weak, OPTIONS);
        expect(plan.level).toBe('no-fence');
        expect(plan.open.map(({ closes }) => closes)).toEqual(
          expect.arrayContaining(['fence', 'large-objects', 'opaque-code', 'ownership', 'network']),
        );
        await applyProtection(weak, OPTIONS);
        expect((await applyProtection(weak, OPTIONS)).steps.map(({ id }) => id)).toEqual([]);
        expect(await checkProtection(weak, OPTIONS)).toMatchObject({
          level: 'no-fence',
          findings: [],
        });
        const app = await shop.as('app');
        for (const [, sql] of WORKS) await rolledBack(app, sql);
      } finally {
        await weak.close();
        await shop.stop();
      }
    });
  });
});

/** The check's own transaction is the one that is rolled back. */
function skipping<T extends { query(sql: string, values?: readonly unknown[]): Promise<unknown> }>(
  session: T,
): T {
  return {
    ...session,
    query: async (sql: string, values?: readonly unknown[]) =>
      sql === 'set transaction read only' ? [] : session.query(sql, values),
  };
}
