/** Changes of roles: made by the admin in a commit of their own, recorded, taken back, and never more than the rules allow. */
import { execFileSync } from 'node:child_process';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { changeRoles } from '../../src/protection/postgres/roles/change.ts';
import { lesserSessions } from '../../src/protection/postgres/undo/lesser-session.ts';
import type { ActRecord } from '../../src/protection/undo-item.ts';
import type { ScratchPostgres } from '../../src/testing/scratch-postgres.ts';
import { Ground, SERVERS } from './acts-ground.ts';

const PICTURE = `
select 'role ' || rolname as what, (to_jsonb(r) - 'oid' || jsonb_build_object('comment', shobj_description(oid, 'pg_authid')))::text as said
from pg_authid r where rolname !~ '^pg_'
union all
select 'member ' || pg_get_userbyid(roleid) || ' ' || pg_get_userbyid(member) || ' ' || regexp_replace(pg_get_userbyid(grantor), 'OID=.*', 'OID'),
  (to_jsonb(m) - 'oid' - 'roleid' - 'member' - 'grantor')::text from pg_auth_members m
union all
select 'settings ' || coalesce(pg_get_userbyid(nullif(setrole, 0)), '') || ' ' || coalesce(datname, ''), (select array_agg(one order by one) from unnest(setconfig) one)::text
from pg_db_role_setting left join pg_database d on d.oid = setdatabase
order by 1, 2`;

const SETUP = `
create role clerk login password 'first' valid until '2031-05-06 07:08:09.123456+02' connection limit 7;
create role keeper createdb; create role "Odd ""Name""" nologin noinherit; create role bare;
comment on role clerk is 'it''s a \\ clerk';
alter role clerk set work_mem = '8MB'; alter role clerk set search_path = "$user", "a, b", public;
alter role clerk set log_statement = 'all'; alter role clerk in database postgres set datestyle = 'ISO, DMY';
grant keeper to clerk with admin option; grant keeper to "Odd ""Name""";
set password_encryption = 'md5'; create role aged login password 'old'; reset password_encryption;
grant other to keeper;
create role leaver login password 'l' valid until '2031-01-01' connection limit 0 in role keeper;
comment on role leaver is 'leaves'; alter role leaver set work_mem = '9MB'; grant leaver to bare;
alter role leaver in database postgres set search_path = a, b;
create role giver; grant other to giver with admin option; set role giver; grant other to bare; reset role;
create role lender; grant other to lender with admin option;
set role clerk; grant keeper to bare; reset role`;

const CHANGES: readonly (readonly [story: string, statement: string])[] = [
  ['attributes', 'alter role clerk nologin noinherit createdb connection limit 3'],
  ['a password', "alter role clerk password 'second'"],
  ['a password taken', 'alter role clerk password null'],
  ['a password given where none was', `alter role "Odd ""Name""" login password 'new'`],
  ['valid until', "alter role clerk valid until 'infinity'"],
  ['by another word', 'alter user clerk with nologin'],
  ['a group', 'alter group keeper add user aged'],
  ['a group, less one', 'alter group keeper drop user "Odd ""Name"""'],
  ['a setting', "alter role clerk set work_mem = '16MB'"],
  ['a list of names', 'alter role clerk set search_path = public, "X Y", "q""q"'],
  ['a list that is empty', "alter role clerk set search_path = ''"],
  [
    'a setting in one database',
    "alter role keeper in database postgres set statement_timeout = '9s'",
  ],
  ['a setting reset', 'alter role clerk reset search_path'],
  ['settings of one database reset', 'alter role clerk in database postgres reset all'],
  ['a name', 'alter role clerk rename to "New Clerk"'],
  ['a name, which clears an MD5 verifier', 'alter role aged rename to older'],
  ['a membership', 'grant clerk to bare'],
  ['a membership that others may give', 'grant other to aged with admin option'],
  ['several at once', 'grant clerk, other to aged, "Odd ""Name""" with admin option'],
  ['a membership taken', 'revoke keeper from "Odd ""Name"""'],
  ['a membership others were given by', 'revoke keeper from clerk cascade'],
  ['the option taken', 'revoke admin option for keeper from clerk cascade'],
  [
    'a role made',
    "create role fresh login password 'p' valid until '2030-01-01' in role keeper role aged",
  ],
  ['a role dropped, with all of it', 'drop role leaver'],
  ['who may grant', 'drop role lender'],
  ['roles dropped at once', 'drop role if exists aged, nobody_at_all'],
];
/** Before 16 a membership outlives who granted it. */
const UNTIL_15: typeof CHANGES = [['who granted others', 'drop role giver']];
const SINCE_16: typeof CHANGES = [
  ['options of a membership', 'grant keeper to "Odd ""Name""" with inherit false, set false'],
  ['a membership with options', 'grant bare to aged with inherit true, set false'],
];

/** Nobody becomes more than he is; each was tried by the admin itself, and went through there. */
const REFUSED: readonly (readonly [story: string, statement: string])[] = [
  ['a superuser', 'alter role clerk superuser'],
  ['who may make roles', 'alter role clerk createrole'],
  ['who passes row security', 'alter role clerk bypassrls'],
  ['who may replicate', 'alter role clerk replication'],
  ['a superuser made', 'create role fresh superuser'],
  ['the admin', 'alter role postgres nologin'],
  ['the admin by another word', "alter role current_user password 'x'"],
  ['the admin by yet another', 'alter role session_user set work_mem = 64'],
  ['the admin gains', 'grant clerk to current_user'],
  ['becoming the admin', 'grant postgres to clerk'],
  ['becoming who is a superuser', 'grant dba to clerk'],
  ['becoming who belongs to a superuser', 'grant below_dba to clerk'],
  ['taking part in the server', 'grant pg_execute_server_program to clerk'],
  ['taking part in the server, one step away', 'grant reader_of_files to clerk'],
  ['role of Holdfast', 'alter role holdfast_owner login'],
  ['Holdfast loses what it needs', 'revoke app from holdfast_owner'],
  ['a member of Holdfast', 'grant holdfast_owner to clerk'],
  ["an agent's role", "alter role hf_ada password 'mine'"],
  ["an agent's role for ever", "alter role hf_ada valid until 'infinity'"],
  ['an agent gains', 'grant app to hf_ada'],
  ['all agents gain', 'grant app to holdfast_agents'],
  ['an agent gains by who it belongs to', 'grant app to crew'],
  ['a role in the place of an agent', 'create role hf_new'],
  ['a name in the place of an agent', 'alter role clerk rename to hf_new'],
  ['a new agent', 'create role fresh in role holdfast_agents'],
  ['a role that an agent belongs to from the start', 'create role fresh role hf_ada in role app'],
  ['an exempt role', 'alter role deploy login'],
  ['becoming exempt', 'grant deploy to clerk'],
  ['a name that is exempt', 'alter role clerk rename to deploy_next'],
  ['the noted owner renamed', 'alter role app rename to application'],
  ['everybody’s settings', 'alter role all set work_mem = 64'],
  ['triggers that are not fired', 'alter role clerk set session_replication_role = replica'],
  ['a library', "alter role clerk set session_preload_libraries = 'x'"],
  ['a role with a setting of superusers', 'drop role loud'],
  ['a log that is quiet', 'alter role clerk reset log_statement'],
  ['somebody else from the start', 'alter role clerk set role = app'],
  ['a setting of an extension', "alter role clerk set pgaudit.log = 'none'"],
];

/** What is no change of roles, or not one: the server's parser has the word. */
const NO_CHANGE: readonly (readonly [story: string, statement: string])[] = [
  ['two statements', 'alter role clerk nologin; alter role postgres nologin'],
  ['a query', 'select pg_reload_conf()'],
  ['code', "do $$ begin execute 'alter role clerk superuser'; end $$"],
  ['another thing', 'drop table public.kept'],
  ['nothing', ''],
];

describe.each(SERVERS)('PostgreSQL $server', ({ server, binFolder, missing }) => {
  describe.skipIf(missing)(`roles on ${server}`, () => {
    let postgres: ScratchPostgres;
    let ground: Ground;
    const all = [...CHANGES, ...(server === '15' ? UNTIL_15 : SINCE_16)];

    beforeAll(async () => {
      postgres = await Ground.start(binFolder);
      ground = await Ground.in(postgres, binFolder, 'roles');
      await ground.admin.query(SETUP);
      await ground.admin.query(`create role dba superuser; create role below_dba in role dba;
        create role reader_of_files in role pg_read_server_files;
        create role deploy; create role crew; create role loud; alter role loud set log_statement = 'all'; grant crew to hf_ada; create table public.kept ();
        insert into holdfast.meta values ('exempt', '["deploy", "deploy_next"]')`);
    });
    afterAll(async () => {
      await ground?.stop();
      await postgres?.stop();
    });

    afterEach(() => ground.admin.query('rollback; delete from holdfast.journal'));

    const picture = async (): Promise<string> => {
      const { rows } = await ground.admin.query(PICTURE);
      return rows.map(({ what, said }) => `${what}: ${said}`).join('\n') + dump();
    };
    /** Somebody else's account of the same. */
    const dump = (): string => {
      if (binFolder === null) return '';
      const at = ['-h', postgres.host, '-p', String(postgres.port), '-U', postgres.user];
      const out = execFileSync(`${binFolder}/pg_dumpall`, ['--roles-only', ...at], {
        encoding: 'utf8',
      });
      return out
        .replaceAll(/^\\(un)?restrict .*$/gm, '')
        .split('\n')
        .sort()
        .join('\n');
    };
    const take = (steps: ActRecord['undo']): Promise<void> =>
      ground.db.transaction('read committed', async (admin) => {
        const { acts } = await lesserSessions(admin);
        for (const { sql } of steps) await acts.run(sql);
      });
    const change = (statement: string): Promise<string> =>
      changeRoles(ground.db, statement, 'hf_ada');

    test.each(all)('undone, and done again: %s', async (_story, statement) => {
      const before = await picture();
      await change(statement);
      const between = await picture();
      expect(between).not.toBe(before);
      const [act, ...more] = await ground.acts();
      expect(more).toEqual([]);
      const { rows } = await ground.admin.query('select role from holdfast.journal');
      expect(rows).toEqual([{ role: 'hf_ada' }]);
      await take(act?.undo ?? []);
      expect(await picture()).toBe(before);
      await take(act?.redo ?? []);
      expect(await picture()).toBe(between);
      await take(act?.undo ?? []);
      expect(await picture()).toBe(before);
    });

    test('no VALID UNTIL at all cannot be had again: infinity, and it says so', async () => {
      await change("alter role bare valid until '2030-01-01'");
      const [act] = await ground.acts();
      expect(act?.notRestored).toEqual([expect.stringMatching(/no VALID UNTIL/)]);
      await take(act?.undo ?? []);
      const { rows } = await ground.admin.query(
        `select rolvaliduntil::text as until from pg_authid where rolname = 'bare'`,
      );
      expect(rows).toEqual([{ until: 'infinity' }]);
    });

    test.each([
      "alter role clerk encrypted password 'sesame'",
      "alter role clerk PASSWORD E'ses\\'ame'",
      'alter role clerk password $x$sesame$x$',
      "alter role clerk password /* 'a' */ -- b\n 'sesame'",
      "alter role clerk password 'ses'\n'ame' valid until '2031-01-01'",
      "alter role clerk password U&'sesame'",
      "alter role clerk password 'sesame\\'",
    ])('no password is written down: %s', async (statement) => {
      await change(statement);
      const [act] = await ground.acts();
      expect(JSON.stringify(act)).not.toMatch(/sesame|ses[^a]*'ame/);
      expect(act?.statement).toContain("'***'");
      await take(act?.undo ?? []);
    });

    test('what changes nothing is no act', async () => {
      expect(await change('grant keeper to clerk')).toBe('GRANT ROLE');
      expect(await change('drop role if exists nobody_at_all')).toBe('DROP ROLE');
      expect(await ground.acts()).toEqual([]);
    });

    test.each([
      ['drop role app', '2BP01'],
      ['alter role nobody_at_all login', '42704'],
      ['create role clerk', '42710'],
      ['grant clerk to clerk', '0LP01'],
    ])('what would fail fails in the words of the server: %s', async (statement, code) => {
      const own = await ground.admin.query(statement).then(
        () => null,
        ({ message, detail }) => ({ message, detail }),
      );
      expect(own).not.toBeNull();
      await expect(change(statement)).rejects.toMatchObject({ code, ...own });
    });

    test.each(REFUSED)('refused, with nothing changed: %s', async (_story, statement) => {
      const before = await picture();
      await expect(change(statement)).rejects.toMatchObject({
        code: 'HF_UNDO_STATE',
        expected: 'a change of roles that Holdfast makes, and can take back',
      });
      expect(await picture()).toBe(before);
      expect(await ground.acts()).toEqual([]);
      // It is our rule that says no, and not the server.
      await ground.admin.query(`begin; ${statement}`);
      await ground.admin.query('rollback');
    });

    test.each(NO_CHANGE)('no change of roles: %s', async (_story, statement) => {
      const before = await picture();
      await expect(change(statement)).rejects.toThrow(
        /no change of roles|syntax|permission denied for function/,
      );
      expect(await picture()).toBe(before);
    });

    test.each([
      'alter role "clerk" with superuser',
      'alter role "clerk" with login superuser',
      'grant "postgres" to "clerk"',
      'create role "fresh" with login; alter role "fresh" superuser',
      `comment on role "clerk" is 'x'; alter role "clerk" superuser`,
      `comment on role "clerk" is '\\'; alter role "clerk" superuser; --'`,
      'alter role clerk superuser',
    ])('a forged undo makes nobody more: %s', async (sql) => {
      const before = await picture();
      await expect(take([{ about: 'forged', sql }])).rejects.toThrow();
      expect(await picture()).toBe(before);
    });

    test('two at the same time wait for each other, and each tells its own', async () => {
      const before = await picture();
      await Promise.all([
        change("alter role clerk set work_mem = '1MB'"),
        change("alter role clerk set statement_timeout = '1s'"),
        change('grant clerk to bare'),
        change('alter role keeper nocreatedb'),
        change('alter role aged connection limit 2'),
      ]);
      const acts = await ground.acts();
      expect(acts).toHaveLength(5);
      for (const act of acts.toReversed()) await take(act.undo);
      expect(await picture()).toBe(before);
    });
  });
});
