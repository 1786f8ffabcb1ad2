/**
 * What a cluster has outside its databases, as SQL that a person can read and run: roles with their
 * verifiers, memberships and settings; and, as comments, its databases and the extensions in each. A
 * base backup holds all of it; this is for coming back into another cluster.
 *
 * Every name and value is quoted by the server itself (`format` with %I and %L). It writes no password in
 * clear: the server has none, only verifiers, and only a superuser (or pg_read_all_data) may read those.
 */

import type { AdminConnection } from '../../../protection/postgres/admin.ts';
import { openTargetDatabase } from '../../../protection/postgres/admin.ts';
import type { TargetDatabase } from '../../../protection/target-database.ts';

const PARTS: readonly string[] = [
  `select format('CREATE ROLE %I;', rolname) as line from pg_roles
    where rolname !~ '^pg_' order by rolname`,
  `select format('GRANT %I TO %I%s;', granted.rolname, member.rolname,
                 case when admin_option then ' WITH ADMIN OPTION' else '' end) as line
     from pg_auth_members m
     join pg_roles granted on granted.oid = m.roleid
     join pg_roles member on member.oid = m.member
    where member.rolname !~ '^pg_' order by 1`,
  `select format('ALTER %s SET %s TO %L;',
                 case when d.oid is null then format('ROLE %I', r.rolname)
                      when r.oid is null then format('DATABASE %I', d.datname)
                      else format('ROLE %I IN DATABASE %I', r.rolname, d.datname) end,
                 split_part(setting, '=', 1), substr(setting, strpos(setting, '=') + 1)) as line
     from pg_db_role_setting s cross join unnest(s.setconfig) as setting
     left join pg_database d on d.oid = s.setdatabase
     left join pg_roles r on r.oid = s.setrole order by 1`,
];

const rolesQuery = (passwords: boolean): string =>
  `select format('ALTER ROLE %I WITH %s %s %s %s %s %s %s CONNECTION LIMIT %s%s%s;', rolname,
     case when rolsuper then 'SUPERUSER' else 'NOSUPERUSER' end,
     case when rolinherit then 'INHERIT' else 'NOINHERIT' end,
     case when rolcreaterole then 'CREATEROLE' else 'NOCREATEROLE' end,
     case when rolcreatedb then 'CREATEDB' else 'NOCREATEDB' end,
     case when rolcanlogin then 'LOGIN' else 'NOLOGIN' end,
     case when rolreplication then 'REPLICATION' else 'NOREPLICATION' end,
     case when rolbypassrls then 'BYPASSRLS' else 'NOBYPASSRLS' end,
     rolconnlimit,
     ${passwords ? "case when rolpassword is null then '' else format(' PASSWORD %L', rolpassword) end" : "''"},
     case when rolvaliduntil is null then '' else format(' VALID UNTIL %L', rolvaliduntil) end) as line
   from ${passwords ? 'pg_authid' : 'pg_roles'} where rolname !~ '^pg_' order by rolname`;

export async function readGlobals(connection: AdminConnection, target: string): Promise<string> {
  const database = openTargetDatabase({ target, connection, poolSize: 1 });
  try {
    const [create = '', members = '', settings = ''] = await Promise.all(
      PARTS.map((query) => linesOf(database, query)),
    );
    const roles = await linesOf(database, rolesQuery(true)).catch(async () => {
      const without = await linesOf(database, rolesQuery(false));
      return `-- The verifiers of passwords are missing: the role may not read them.\n${without}`;
    });
    const databases = await database.query(
      `select d.datname as name, pg_get_userbyid(d.datdba) as owner, pg_encoding_to_char(d.encoding) as encoding,
              d.datcollate as collate, d.datctype as ctype, d.datallowconn as allows
         from pg_database d where not d.datistemplate order by 1`,
    );
    const facts = await Promise.all(
      databases.map(async ({ allows, ...facts }) => {
        const extensions =
          allows === true ? await extensionsOf(connection, target, String(facts['name'])) : null;
        return `-- database ${JSON.stringify({ ...facts, extensions })}\n`;
      }),
    );
    return `${create}${roles}${members}${settings}${facts.join('')}`;
  } finally {
    await database.close();
  }
}

/** Null: that database lets us not in. */
async function extensionsOf(
  connection: AdminConnection,
  target: string,
  name: string,
): Promise<readonly object[] | null> {
  const database = openTargetDatabase({
    target,
    connection: { ...connection, database: name },
    poolSize: 1,
  });
  try {
    return await database.query(
      'select extname as name, extversion as version from pg_extension order by 1',
    );
  } catch {
    return null;
  } finally {
    await database.close();
  }
}

async function linesOf(database: TargetDatabase, query: string): Promise<string> {
  const rows = await database.query(query);
  return rows.map(({ line }) => `${String(line)}\n`).join('');
}
