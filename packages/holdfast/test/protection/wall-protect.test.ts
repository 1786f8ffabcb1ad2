/** `protect` twice changes nothing, `unprotect` leaves what was before, on PostgreSQL 15 and 18. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applyProtection, previewProtection } from '../../src/protection/postgres/wall/apply.ts';
import { unprotect } from '../../src/protection/postgres/wall/unprotect.ts';
import { catalogDump, OPTIONS, type Shop, startShop, VERSIONS } from './wall-fixture.ts';

describe.each(VERSIONS)('protecting a database, $name', (version) => {
  describe.skipIf(version.skip !== null)(version.skip ?? '', () => {
    let shop: Shop;
    beforeAll(async () => {
      shop = await startShop(version);
    });
    afterAll(() => shop?.stop());

    it('shows a plan and does nothing', async () => {
      const before = await catalogDump(shop.db);
      const plan = await previewProtection(shop.db, OPTIONS);
      expect(plan).toMatchObject({ level: 'full', ddlOwner: 'app' });
      expect(plan.steps.length).toBeGreaterThan(10);
      expect(await catalogDump(shop.db)).toEqual(before);
    });

    it('takes it all back: the catalogs are as before', async () => {
      const before = await catalogDump(shop.db);
      await applyProtection(shop.db, OPTIONS);
      expect(await catalogDump(shop.db)).not.toEqual(before);
      await unprotect(shop.db, { target: 'shop', dropWhatIsKept: false });
      expect(await catalogDump(shop.db)).toEqual(before);
    });

    it('changes nothing the second time', async () => {
      await applyProtection(shop.db, OPTIONS);
      const once = await catalogDump(shop.db);
      const again = await applyProtection(shop.db, OPTIONS);
      expect(again.steps.map(({ id }) => id)).toEqual([]);
      expect(await catalogDump(shop.db)).toEqual(once);
    });

    it('gives holdfast_owner what capture, receipts and the trash need, and nothing lasts without it', async () => {
      const facts = `select rolbypassrls as rls, pg_has_role(oid, 'pg_read_all_stats', 'USAGE') as stats,
          has_language_privilege(oid, 'plpgsql', 'USAGE') and has_language_privilege(oid, 'sql', 'USAGE') as code,
          has_database_privilege(oid, current_database(), 'CREATE') as schemas, rolcanlogin as login
        from pg_roles where rolname = 'holdfast_owner'`;
      const right = [{ rls: true, stats: true, code: true, schemas: true, login: false }];
      expect(await shop.db.query(facts)).toEqual(right);
      await shop.db.query(`alter role holdfast_owner nobypassrls;
        revoke pg_read_all_stats from holdfast_owner`);
      const { steps } = await applyProtection(shop.db, OPTIONS);
      expect(steps.map(({ id }) => id)).toEqual(
        expect.arrayContaining(['holdfast_owner bypassrls', 'holdfast_owner as pg_read_all_stats']),
      );
      expect(await shop.db.query(facts)).toEqual(right);
    });

    it.each([
      ['a trigger was dropped', 'drop trigger %s on stock.parts'],
      ['its type was altered', 'alter type public.shaped add attribute more int cascade'],
      ['a child was altered through its parent', 'alter table public.parted add column more int'],
    ])('keeps capture in place in the same command: %s', async (_what, sql) => {
      const app = await shop.as('postgres');
      const { rows } = await app.query(
        `select tgname from pg_trigger where tgrelid = 'stock.parts'::regclass and not tgisinternal limit 1`,
      );
      await app.query('begin');
      await app.query(`create type public.shaped as (id int); set local role app;
        create table public.of_shape of public.shaped; reset role`);
      await app.query(sql.replace('%s', `"${rows[0].tgname}"`));
      const { rows: drifted } = await app.query(
        'select t, f from holdfast.user_tables() t cross join lateral holdfast.faults(t) f where holdfast.why_not(t) is null',
      );
      await app.query('rollback');
      expect(drifted).toEqual([]);
    });
  });
});
