/** Two protected databases on one server: neither's protect, logins nor unprotect touch the other. */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTargetDatabase } from '../../src/protection/postgres/admin.ts';
import { applyProtection, previewProtection } from '../../src/protection/postgres/wall/apply.ts';
import { checkProtection } from '../../src/protection/postgres/wall/check.ts';
import type { ProtectOptions } from '../../src/protection/postgres/wall/ground.ts';
import { unprotect } from '../../src/protection/postgres/wall/unprotect.ts';
import type { TargetDatabase } from '../../src/protection/target-database.ts';
import { catalogDump, OPTIONS, type Shop, startShop, VERSIONS } from './wall-fixture.ts';

const SECOND: ProtectOptions = { ...OPTIONS, target: 'second', install: 'second-install' };

describe.each(VERSIONS)('two protected databases of one server, $name', (version) => {
  describe.skipIf(version.skip !== null)(version.skip ?? '', () => {
    let shop: Shop;
    let second: TargetDatabase;
    beforeAll(async () => {
      shop = await startShop(version);
      await shop.db.query('create database second owner app');
      second = openTargetDatabase({
        target: 'second',
        connection: {
          host: shop.server.host,
          port: shop.server.port,
          user: 'postgres',
          database: 'second',
          password: () => null,
          ssl: false,
        },
      });
      await second.query(
        'create table public.notes (id int primary key); alter table public.notes owner to app',
      );
      await second.query(`create function public.here() returns int language sql as 'select 1'`);
    });
    afterAll(async () => {
      await second?.close();
      await shop?.stop();
    });

    const asApp = async (sql: string): Promise<unknown> => {
      const { host, port } = shop.server;
      const client = new pg.Client({ host, port, user: 'app', database: 'second' });
      await client.connect();
      try {
        return await client.query(sql);
      } finally {
        await client.end();
      }
    };

    it('the second goes up beside the first, and neither has drifted', async () => {
      await applyProtection(shop.db, OPTIONS);
      const first = await catalogDump(shop.db);
      await applyProtection(second, SECOND);
      const ofFirst = (line: string): boolean => !line.startsWith('database second ');
      expect((await catalogDump(shop.db)).filter(ofFirst)).toEqual(first.filter(ofFirst));
      for (const [db, options] of [
        [shop.db, OPTIONS],
        [second, SECOND],
      ] as const) {
        expect((await checkProtection(db, options)).findings).toEqual([]);
        expect((await previewProtection(db, options)).steps).toEqual([]);
      }
    });

    it('one comes down, and the other is as it was: its application, its agents, its check', async () => {
      const mark = (install: string, database: string) =>
        `select format('holdfast agent agent_1 on ${install}, database %s', oid) as mark
           from pg_database where datname = '${database}'`;
      for (const [role, install, database] of [
        ['hf_first', 'test-install', 'shop'],
        ['hf_second', 'second-install', 'second'],
      ] as const) {
        const [row] = await second.query(mark(install, database));
        await second.query(`create role ${role} login in role holdfast_agents valid until '2000-01-01';
          comment on role ${role} is '${String(row?.['mark'])}'`);
      }
      await second.query('create role by_hand in role holdfast_agents');
      const { rolesLeft } = await unprotect(shop.db, { target: 'shop', dropWhatIsKept: false });
      expect([...rolesLeft].toSorted()).toEqual([
        'holdfast_agents',
        'holdfast_ddl',
        'holdfast_others',
        'holdfast_owner',
        'holdfast_undo',
      ]);
      const roles = await second.query(
        `select rolname from pg_roles where rolname ~ '^hf_|^by_hand' order by 1`,
      );
      expect(roles).toEqual([{ rolname: 'by_hand' }, { rolname: 'hf_second' }]);
      expect((await checkProtection(second, SECOND)).findings).toEqual([]);
      await asApp('create temp table t (id int); select here(); create table more (id int)');
      expect(
        await second.query(`select count(*)::int as n from pg_trigger
          where tgrelid = 'public.more'::regclass and tgenabled = 'A'`),
      ).not.toEqual([{ n: 0 }]);
      await asApp('insert into more values (1); insert into notes values (1)');
      expect(await second.query('select count(*)::int as n from holdfast.journal')).toEqual([
        { n: 2 },
      ]);
      await expect(asApp('drop table notes')).rejects.toMatchObject({ code: '42501' });
    });

    it('the last one takes the shared roles with it', async () => {
      await second.query('drop role by_hand');
      const { rolesLeft } = await unprotect(second, { target: 'second', dropWhatIsKept: true });
      expect(rolesLeft).toEqual([]);
      expect(
        await second.query(`select rolname from pg_roles where rolname ~ '^(hf_|holdfast_)'`),
      ).toEqual([]);
    });
  });
});
