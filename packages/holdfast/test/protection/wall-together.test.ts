/** Wall, capture and receipts in one database: what an agent may do by a receipt, what new tables get. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Interrupt } from '../../src/cli/interrupt.ts';
import { runCommandLine } from '../../src/cli/program.ts';
import { Seal } from '../../src/identity/seal.ts';
import { systemClock } from '../../src/model/clock.ts';
import { Receipts } from '../../src/protection/postgres/acts/receipts.ts';
import { AgentRoles } from '../../src/protection/postgres/wall/agent-roles.ts';
import { applyProtection } from '../../src/protection/postgres/wall/apply.ts';
import { checkProtection } from '../../src/protection/postgres/wall/check.ts';
import { unprotect } from '../../src/protection/postgres/wall/unprotect.ts';
import { ANY_PATH } from '../../src/testing/fake-parts.ts';
import { MemoryAgentRoleStore } from '../../src/testing/memory-agent-role-store.ts';
import { OPTIONS, type Shop, startShop, VERSIONS } from './wall-fixture.ts';

const TRIGGERS = `select count(*)::int as many from pg_trigger
  where tgrelid = to_regclass($1) and tgname ~ '^!holdfast_' and tgenabled = 'A'`;

describe.each(VERSIONS)('all of it together, $name', (version) => {
  describe.skipIf(version.skip !== null)(version.skip ?? '', () => {
    let shop: Shop;
    let app: pg.Client;
    let agent: pg.Client;
    beforeAll(async () => {
      shop = await startShop(version);
      await applyProtection(shop.db, OPTIONS);
      app = await shop.as('app');
      const roles = new AgentRoles({
        db: shop.db,
        store: new MemoryAgentRoleStore(),
        seal: new Seal(systemClock.random(32), systemClock),
        clock: systemClock,
        note: () => {},
      });
      const { password, user } = await roles.ensure({ id: 'agent_1', name: 'shopper' });
      agent = await shop.as(user, password);
    });
    afterAll(() => shop?.stop());

    it.each([
      ['a table', 'create table public.fresh (id int primary key)', 'public.fresh'],
      ['a table from a query', 'create table public.fresh2 as select 1 as id', 'public.fresh2'],
      [
        'a partition',
        `create table public.parted_2027 partition of public.parted for values from ('2027-01-01') to ('2028-01-01')`,
        'public.parted_2027',
      ],
      ['a table in a new schema', 'create schema fresh create table fresh.t (id int)', 'fresh.t'],
    ])('%s that the application makes is captured at once', async (_name, sql, table) => {
      await app.query(sql);
      const [row] = await shop.db.query(TRIGGERS, [table]);
      expect(row?.['many']).toBeGreaterThanOrEqual(4);
    });

    it('a table that a superuser makes is captured too', async () => {
      await shop.db.query('create table public.by_admin (id int)');
      const [row] = await shop.db.query(TRIGGERS, ['public.by_admin']);
      expect(row?.['many']).toBeGreaterThanOrEqual(4);
    });

    it('a trigger of ours that an owner disables is back when the statement ends', async () => {
      await app.query('alter table bookings disable trigger user');
      const [row] = await shop.db.query(TRIGGERS, ['public.bookings']);
      expect(row?.['many']).toBeGreaterThanOrEqual(4);
    });

    it('agents read and change what the application makes later', async () => {
      await agent.query('insert into fresh values (1); delete from fresh');
      await expect(agent.query('truncate fresh')).rejects.toMatchObject({ code: '42501' });
    });

    it.each([`it's "mine"`, 'public; drop table bookings', 'holdfastly'])(
      'a schema that the application makes is as those that were there: %s',
      async (name) => {
        const schema = pg.escapeIdentifier(name);
        await app.query(`create schema ${schema}`);
        await app.query(`create table ${schema}.t (id serial primary key)`);
        await agent.query(`insert into ${schema}.t default values; delete from ${schema}.t`);
        await expect(agent.query(`create table ${schema}.mine ()`)).rejects.toMatchObject({
          code: '42501',
        });
        const { findings } = await checkProtection(shop.db, OPTIONS);
        expect(findings.filter(({ about }) => !about.includes('of postgres'))).toEqual([]);
      },
    );

    it('an agent drops a table by a receipt, and only by it', async () => {
      const receipts = new Receipts();
      const [{ pid }] = (await agent.query('select pg_backend_pid() as pid')).rows;
      const wish = { statement: 'drop table fresh2', mode: 'reversible' } as const;
      const [id] = await receipts.issue(shop.db, { role: 'hf_shopper', pid }, [wish], ANY_PATH);
      await expect(agent.query('drop table fresh2')).rejects.toMatchObject({ code: '42501' });
      await agent.query(`call holdfast.run('${id}')`);
      const [row] = await shop.db.query(`select to_regclass('public.fresh2') is null as gone`);
      expect(row?.['gone']).toBe(true);
    });

    it('is not taken down while something can still be taken back', async () => {
      await expect(
        unprotect(shop.db, { target: 'shop', dropWhatIsKept: false }),
      ).rejects.toMatchObject({
        code: 'HF_PROTECT',
        found: expect.stringMatching(/[1-9]\d* journal rows/),
      });
    });

    describe('on the command line', () => {
      const folder = mkdtempSync(join(tmpdir(), 'holdfast-protect-'));
      afterAll(() => rmSync(folder, { recursive: true, force: true }));

      async function run(...words: string[]) {
        const written = { out: '', err: '' };
        const stream = (name: 'out' | 'err') => ({
          write: (text: string) => {
            written[name] += text;
            return true;
          },
        });
        const input = {
          on: () => {},
          off: () => {},
          once: () => {},
          resume: () => {},
          pause: () => {},
        };
        const streams = {
          out: stream('out'),
          err: stream('err'),
          in: input,
          env: { HOLDFAST_CONFIG: join(folder, 'holdfast.yaml') },
        };
        const exit = await runCommandLine(
          words,
          { streams, clock: systemClock, interrupt: new Interrupt() },
          '1',
        );
        return { exit, ...written };
      }

      beforeAll(() => {
        const { port } = shop.server;
        writeFileSync(
          join(folder, 'holdfast.yaml'),
          `store: { dataFolder: ${join(folder, 'data')} }
environments: { production: { level: sealed } }
targets:
  shop:
    environment: production
    upstream: { url: postgres://postgres@127.0.0.1:${port}/shop }
    functions: { allow: [public.is_free] }
    protection: { exempt: [deploy] }
  postgres:
    environment: production
    upstream: { url: postgres://postgres@127.0.0.1:${port}/postgres }
`,
        );
        writeFileSync(
          join(folder, '.env'),
          `# local\nDATABASE_URL=postgresql://postgres:hunter2secret@localhost:${port}/shop?sslmode=disable\n` +
            `OTHER=postgres://reports:hunter2secret@localhost:${port}/shop\n`,
        );
      });

      it('shows a plan that a person can read, and does nothing', async () => {
        const { exit, out } = await run('protect', 'postgres');
        expect(exit).toBe(1);
        expect(out).toContain('No large objects, which no trigger sees');
        expect(out).toContain('revoke execute on routine');
        expect(out).toContain('What stays open');
        expect(out).toContain('holdfast protect postgres --apply');
      });

      it('finds no drift where there is none, and drift where there is', async () => {
        await applyProtection(shop.db, OPTIONS);
        expect(await run('protect', 'shop', '--check')).toMatchObject({ exit: 0 });
        await shop.db.query('alter event trigger holdfast_drop disable');
        const { exit, out } = await run('--json', 'protect', 'shop', '--check');
        expect(exit).toBe(1);
        expect(JSON.parse(out)).toMatchObject({
          check: { level: 'no-fence', findings: [{ code: 'drift.fence' }] },
        });
        await applyProtection(shop.db, OPTIONS);
      });

      it('doctor names a superuser’s URL in reach by file and line, and prints no password', async () => {
        const { exit, out } = await run('doctor', '--folder', folder);
        expect(exit).toBe(1);
        expect(out).toContain('.env:2');
        expect(out).toContain('reach.superuser');
        expect(out).not.toContain('.env:3');
        expect(out).not.toContain('hunter2secret');
        expect(out).toMatch(/postgres: level none/);
      });

      it('does not take down the wall of a sealed target for one person', async () => {
        const { exit, err } = await run('unprotect', 'shop', '--apply');
        expect(exit).toBe(1);
        expect(err).toContain('HF_QUORUM');
        expect((await run('unprotect', 'shop')).out).toContain('drop schema holdfast cascade');
      });
    });
  });
});
