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
  });
});
