/**
 * What waited out its grace, from an agent's driver to its end, on a target that is protected in the ordinary
 * way: it still runs, as the owner and nobody more, and no longer once it is not what was signed.
 */
import { existsSync } from 'node:fs';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { DeferralRecord } from '../../src/approvals/deferral.ts';
import { type Protected, startProtected } from '../support/protected.ts';
import { DEBIAN_15 } from './acts-ground.ts';

const SWEPT_MS_MAX = 60_000;

describe.each([
  { server: 'PostgreSQL 18', binFolder: undefined },
  { server: 'PostgreSQL 15', binFolder: DEBIAN_15 },
])('$server', ({ binFolder }) => {
  describe.skipIf(binFolder !== undefined && !existsSync(binFolder))('when it is due', () => {
    let company: Protected;
    let agent: pg.Client;

    beforeAll(async () => {
      company = await startProtected(binFolder === undefined ? {} : { binFolder });
      await company.upstream.ask(`create procedure public.close_year(y int) language sql as 'select y';
        create role headquarters; create schema hq authorization headquarters;
        create table hq.of_others as select 1 as n; alter table hq.of_others owner to headquarters`);
      for (const name of ['block', 'some', 'grown', 'hung']) {
        await company.upstream.ask(`create table public.${name} as select g as n from generate_series(1, 20) g;
          do $$ begin execute format('alter table public.${name} owner to %I', (select value #>> '{}' from holdfast.meta where key = 'ddl_owner')); end $$`);
      }
      agent = await connected();
    }, 120_000);
    afterEach(async () => {
      const left = await company.upstream.ask(
        `select rolname from pg_roles where rolname ~ '^holdfast_run_' union all select key from holdfast.meta where key ~ '^runner'`,
      );
      expect(left).toEqual([]);
    });
    afterAll(async () => {
      await agent?.end();
      await company?.stop();
    });

    async function connected(): Promise<pg.Client> {
      for (let left = 200; left > 0; left -= 1) {
        const client = new pg.Client(company.through);
        await client.connect();
        const { rows } = await client.query('select session_user as role');
        if (String(rows[0]?.role).startsWith('hf_')) return client;
        await client.end();
        await new Promise((done) => setTimeout(done, 100));
      }
      throw new Error('the gateway never saw that the target is protected');
    }

    /** Approved and put off. */
    async function deferred(text: string, values: unknown[] = []): Promise<string> {
      const people = company.answering('approve');
      const said = await agent.query(text, values).then(
        () => 'it ran at once',
        ({ detail, hint, message }) => [message, detail, hint].join(' '),
      );
      await people.stop();
      const [, id] = /(deferral_\w+)/.exec(said) ?? [];
      if (id === undefined) throw new Error(said);
      return id;
    }

    async function due(id: string): Promise<Pick<DeferralRecord, 'state' | 'note'>> {
      const { deferralStore } = company.holdfast.rooms;
      const digest = (await deferralStore.get(id))?.card.digest ?? '';
      expect(await deferralStore.hasten(id, digest, 0n)).toBe(true);
      const now = async () => {
        const { note, state } = (await deferralStore.get(id)) ?? { note: null, state: 'scheduled' };
        return { note, state } as const;
      };
      await expect
        .poll(async () => (await now()).state, { timeout: SWEPT_MS_MAX })
        .not.toMatch(/scheduled|running/);
      return await now();
    }

    const isThere = async (table: string, schema = 'public'): Promise<boolean> => {
      const [row] = await company.upstream.ask(
        `select to_regclass('${schema}.${table}') is not null as there`,
      );
      return row?.['there'] === true;
    };

    it('a call runs, with what is bound to it', async () => {
      const id = await deferred('call public.close_year($1)', [2026]);
      expect(await due(id)).toEqual({ state: 'done', note: 'CALL' });
    }, 120_000);

    it('a block drops what its owner may drop: the fence lets it', async () => {
      const id = await deferred('do $$ begin drop table public.block; end $$');
      expect(await due(id)).toEqual({ state: 'done', note: 'DO' });
      expect(await isThere('block')).toBe(false);
    }, 120_000);

    it('a drop that comes with what cannot be taken back runs while it is what was signed', async () => {
      const id = await deferred('drop table public.some; drop publication if exists nobody');
      expect(await due(id)).toMatchObject({ state: 'done' });
      expect(await isThere('some')).toBe(false);
    }, 120_000);

    it('and is void once more rows would go than were signed for', async () => {
      const id = await deferred('drop table public.grown; drop publication if exists nobody');
      await company.upstream.ask('insert into public.grown select g from generate_series(1, 20) g');
      expect(await due(id)).toMatchObject({
        state: 'void',
        note: expect.stringContaining('at most 22 rows were signed for'),
      });
      expect(await isThere('grown')).toBe(true);
    }, 120_000);

    it('and once something hangs on it that nobody signed for', async () => {
      const id = await deferred(
        'drop table public.hung cascade; drop publication if exists nobody',
      );
      await company.upstream.ask('create view public.on_hung as select * from public.hung');
      expect(await due(id)).toMatchObject({
        state: 'void',
        note: expect.stringContaining('on_hung'),
      });
      expect(await isThere('on_hung')).toBe(true);
    }, 120_000);

    it.each([
      ['RESET ROLE', 'do $$ begin reset role; drop table hq.of_others; end $$'],
      [
        'RESET SESSION AUTHORIZATION',
        'do $$ begin reset session authorization; drop table hq.of_others; end $$',
      ],
      [
        'a role by name',
        `do $$ begin execute 'set role postgres'; drop table hq.of_others; end $$`,
      ],
      [
        'a superuser of its own',
        `do $$ begin reset role; execute 'create role evil superuser'; end $$`,
      ],
      [
        'what Holdfast keeps',
        "do $$ begin reset role; execute 'delete from hold' || 'fast.meta'; end $$",
      ],
      [
        'the role that owns what Holdfast keeps',
        "do $$ begin execute 'set role hold' || 'fast_owner'; end $$",
      ],
    ])(
      'nobody gets back to the admin by %s',
      async (_story, text) => {
        const id = await deferred(text);
        expect(await due(id)).toMatchObject({
          state: 'failed',
          note: expect.stringMatching(/^42501|^0A000/),
        });
        expect(await isThere('of_others', 'hq')).toBe(true);
        expect(
          await company.upstream.ask(`select rolname from pg_roles where rolname = 'evil'`),
        ).toEqual([]);
      },
      120_000,
    );
  });
});
