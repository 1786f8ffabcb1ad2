/**
 * A database that only its superuser used, as most begin: what is there and what agents make belongs to a
 * role that keeps nothing of Holdfast's, so that code which runs with its owner's rights gets nowhere.
 */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Seal } from '../../src/identity/seal.ts';
import { systemClock } from '../../src/model/clock.ts';
import { Receipts } from '../../src/protection/postgres/acts/receipts.ts';
import { AgentRoles } from '../../src/protection/postgres/wall/agent-roles.ts';
import { applyProtection } from '../../src/protection/postgres/wall/apply.ts';
import { checkProtection } from '../../src/protection/postgres/wall/check.ts';
import { unprotect } from '../../src/protection/postgres/wall/unprotect.ts';
import { ANY_PATH } from '../../src/testing/fake-parts.ts';
import { MemoryAgentRoleStore } from '../../src/testing/memory-agent-role-store.ts';
import { OPTIONS, type Shop, startLoneShop, VERSIONS } from './wall-fixture.ts';

/** What code with a definer's rights does, each in its own function, called outside of any receipt. */
const INSIDE: readonly (readonly [story: string, does: string])[] = [
  ['empties the journal', 'delete from holdfast.journal'],
  ['forges an act', `perform holdfast.note_act('{}')`],
  ['runs past the receipt', `perform holdfast.execute_as_owner('drop table public.notes', '')`],
  ['exempts somebody', `update holdfast.meta set value = '["postgres"]' where key = 'exempt'`],
  ['drops a table', `execute 'drop table public.notes cascade'`],
  ['becomes the keeper', `execute 'grant holdfast_owner to holdfast_agents'`],
  ['looks into the trash', `perform 1 from holdfast.draft`],
  ['detaches the capture', `perform holdfast.detach('public.notes')`],
];

describe.each(VERSIONS)('a database of a superuser, $name', (version) => {
  describe.skipIf(version.skip !== null)(version.skip ?? '', () => {
    let shop: Shop;
    let agent: pg.Client;
    let user: string;
    const receipts = new Receipts();
    beforeAll(async () => {
      shop = await startLoneShop(version);
      const plan = await applyProtection(shop.db, OPTIONS);
      expect(plan.ddlOwner).toBe('holdfast_ddl');
      const roles = new AgentRoles({
        db: shop.db,
        store: new MemoryAgentRoleStore(),
        seal: new Seal(systemClock.random(32), systemClock),
        clock: systemClock,
        note: () => {},
      });
      const role = await roles.ensure({ id: 'agent_1', name: 'shopper' });
      user = role.user;
      agent = await shop.as(role.user, role.password);
    });
    afterAll(() => shop?.stop());

    async function run(statement: string, mode: 'plain' | 'reversible' = 'plain'): Promise<void> {
      const [{ pid }] = (await agent.query('select pg_backend_pid() as pid')).rows;
      const [id] = await receipts.issue(
        shop.db,
        { role: user, pid },
        [{ statement, mode }],
        ANY_PATH,
      );
      await agent.query(`call holdfast.run('${id}')`);
    }

    const owned = (): Promise<readonly unknown[]> =>
      shop.db.query(`select pg_get_userbyid(c.relowner) as owner, count(*)::int as many from pg_class c
        where c.relnamespace = 'public'::regnamespace group by 1 order by 1`);

    it('nothing of the application belongs to holdfast_owner', async () => {
      expect((await owned()).map((row) => Object(row)['owner'])).toEqual(['holdfast_ddl']);
      const [row] = await shop.db.query(
        `select pg_has_role('holdfast_ddl', 'holdfast_owner', 'member') as keeper, rolcanlogin as login,
           (select count(*)::int from pg_proc p where p.proowner = r.oid and p.pronamespace = 'holdfast'::regnamespace
             and p.proname not in ('execute_as_owner', 'large_object')) as ours
         from pg_roles r where rolname = 'holdfast_ddl'`,
      );
      expect(row).toEqual({ keeper: false, login: false, ours: 0 });
    });

    it('approved statements work on what was the superuser’s and on what is new, and come back', async () => {
      await run('create table public.fresh (id int primary key, note int references public.notes)');
      await run('alter table public.notes add column more text');
      await agent.query('insert into public.fresh values (1, 1)');
      await run('drop table public.fresh', 'reversible');
      await run('truncate public.notes cascade', 'reversible');
      const [row] = await shop.db.query(
        `select to_regclass('public.fresh') as gone, (select count(*)::int from public.notes) as notes`,
      );
      expect(row).toEqual({ gone: null, notes: 0 });
      expect((await checkProtection(shop.db, OPTIONS)).findings).toEqual([]);
      await run('create schema later create table later.things (id int)');
    });

    it.each(INSIDE)('code with the rights of its owner %s: refused', async (_story, does) => {
      await run(`create or replace function public.climb() returns int language plpgsql security definer
        as $$ begin ${does}; return 1; end $$`);
      await shop.db.query('grant execute on function public.climb() to holdfast_agents');
      await expect(agent.query('select public.climb()')).rejects.toMatchObject({ code: '42501' });
      await shop.db.query('drop function public.climb()');
    });

    it('an older layout, where it was holdfast_owner’s, is brought up to date; unprotect gives all back', async () => {
      await shop.db.query(`alter table public.notes owner to holdfast_owner;
        alter schema later owner to holdfast_owner; alter table later.things owner to holdfast_owner;
        alter function public.tidy() owner to holdfast_owner;
        create table holdfast.receipts (id text primary key, pid int, done boolean, used_txid xid8);
        alter table holdfast.receipts owner to holdfast_owner;
        create or replace function holdfast.in_receipt() returns boolean language sql volatile security definer
          set search_path = pg_catalog, pg_temp as $$ select exists (select from holdfast.receipts
            where pid = pg_backend_pid() and not done and used_txid = pg_current_xact_id_if_assigned()) $$;
        create function holdfast.path_as_judged(setting text) returns text language sql as 'select setting';
        alter function holdfast.path_as_judged(text) owner to holdfast_owner;
        update holdfast.meta set value = '1' where key = 'version';
        update holdfast.meta set value = '"holdfast_owner"' where key = 'ddl_owner'`);
      const { ddlOwner, steps } = await applyProtection(shop.db, OPTIONS);
      expect(ddlOwner).toBe('holdfast_ddl');
      expect(steps.length).toBeGreaterThan(0);
      expect((await owned()).map((row) => Object(row)['owner'])).toEqual(['holdfast_ddl']);
      expect((await applyProtection(shop.db, OPTIONS)).steps).toEqual([]);
      const [left] = await shop.db.query(
        `select to_regclass('holdfast.receipts') as rows, to_regprocedure('holdfast.path_as_judged(text)') as path`,
      );
      expect(left).toEqual({ rows: null, path: null });
      await run('alter table later.things add column more int');
      await unprotect(shop.db, { target: 'shop', dropWhatIsKept: true });
      expect((await owned()).map((row) => Object(row)['owner'])).toEqual(['postgres']);
      const roles = await shop.db.query(
        `select rolname from pg_roles where rolname like 'holdfast%'`,
      );
      expect(roles).toEqual([]);
    });
  });
});
