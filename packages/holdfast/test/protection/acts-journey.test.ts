/** Roles, large objects, tables from queries and what is put off: through the whole house, from an agent's driver to `holdfast undo`. */
import { existsSync } from 'node:fs';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLERK_ROLE } from '../support/company.ts';
import { BY_AGENT, type Protected, startProtected } from '../support/protected.ts';
import { DEBIAN_15 } from './acts-ground.ts';

const ROLES = `
  select rolname || (to_jsonb(a) - 'oid')::text as line from pg_authid a where rolname !~ '^(pg_|hf_)'
  union all select pg_get_userbyid(roleid) || ' of ' || pg_get_userbyid(member) from pg_auth_members
    where pg_get_userbyid(member) !~ '^hf_'
  union all select pg_get_userbyid(setrole) || setconfig::text from pg_db_role_setting
  union all select 'object ' || oid || md5(lo_get(oid)) from pg_largeobject_metadata
  order by 1`;

describe.each([
  { server: 'PostgreSQL 18', binFolder: undefined },
  { server: 'PostgreSQL 15', binFolder: DEBIAN_15 },
])('$server', ({ binFolder }) => {
  describe.skipIf(binFolder !== undefined && !existsSync(binFolder))('from end to end', () => {
    let company: Protected;
    let agent: pg.Client;

    beforeAll(async () => {
      company = await startProtected(binFolder === undefined ? {} : { binFolder });
      await company.upstream.ask(`create role bookkeeper login password 'old' connection limit 4;
        select lo_from_bytea(4711, 'kept');
        do $$ begin execute format('alter large object 4711 owner to %I', (select value #>> '{}' from holdfast.meta where key = 'ddl_owner')); end $$;
        create procedure public.close_year(y int) language sql as 'select y'`);
      agent = await connected();
    }, 120_000);
    afterAll(async () => {
      await agent?.end();
      await company?.stop();
    });

    /** Once the gateway has seen that its target is protected, agents are let in with a role of their own. */
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

    it('roles and a large object come back with everything else the agent did', async () => {
      const since = await company.now();
      const before = await company.upstream.ask(ROLES);
      const people = company.answering('approve');
      await agent.query(`alter role bookkeeper password 'new' nologin`);
      await agent.query(`grant ${CLERK_ROLE} to bookkeeper`);
      await agent.query({ name: 'named', text: 'alter role bookkeeper rename to accountant' });
      expect((await agent.query('create role helper in role accountant')).command).toBe('CREATE');
      expect((await agent.query('select lo_unlink(4711)')).rows).toEqual([{ lo_unlink: 1 }]);
      const made = await agent.query(
        'select g as n into public.numbers_of from generate_series(1, 7) g',
      );
      expect([made.command, made.rowCount]).toEqual(['SELECT', 7]);
      expect(await people.stop()).toBe(5);
      expect(await company.upstream.ask(ROLES)).not.toEqual(before);
      expect(await company.undoable(BY_AGENT, since)).toBe(6);
      expect(await company.undo(BY_AGENT, since)).toMatchObject({ code: 0, err: '' });
      expect(await company.upstream.ask(ROLES)).toEqual(before);
      expect(
        await company.upstream.ask(`select to_regclass('public.numbers_of') is null as gone`),
      ).toEqual([{ gone: true }]);
    }, 60_000);

    it('approved or not: nobody more than he was, and nothing inside a transaction', async () => {
      const before = await company.upstream.ask(ROLES);
      const people = company.answering('approve');
      const said = async (sql: string): Promise<string> =>
        agent.query(sql).then(
          () => 'done',
          (error: Error) => error.message,
        );
      expect(await said('alter role bookkeeper superuser')).toContain('bookkeeper is a superuser');
      expect(await said('grant pg_read_server_files to bookkeeper')).toContain(
        'role of the server',
      );
      expect(await said(`alter role bookkeeper set session_replication_role = replica`)).toContain(
        'not a setting that anybody may change',
      );
      await agent.query('begin');
      expect(await said('alter role bookkeeper nologin')).toContain('inside a transaction block');
      await agent.query('rollback');
      await people.stop();
      expect(await company.upstream.ask(ROLES)).toEqual(before);
    }, 60_000);

    it('a call with a parameter is put off, and shows what is bound to it', async () => {
      const people = company.answering('approve');
      const refused = await agent.query('call public.close_year($1)', [2026]).then(
        () => '',
        ({ message, detail, hint }) => [message, detail, hint].join(' '),
      );
      await people.stop();
      const [, id = ''] = /(deferral_\w+)/.exec(refused) ?? [];
      const { out } = await company.cli('deferrals', 'show', id);
      expect(JSON.parse(out).deferral).toMatchObject({
        state: 'scheduled',
        statement: 'call public.close_year($1)',
        parameters: ['2026'],
      });
    }, 60_000);
  });
});
