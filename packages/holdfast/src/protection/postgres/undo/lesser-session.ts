/**
 * What an undo runs may set off code of others: the check of a domain, a trigger that is enabled ALWAYS, a
 * function under an index. With the admin's rights that would be a superuser's. So statements run inside a
 * function that belongs to holdfast_owner: there nobody can take another role (SET ROLE is a way back, not
 * a wall), and what is set off has no more than the owner of the capture.
 *
 * As the admin, still: what moves the transaction or locks, what only looks at catalogs (statements with
 * parameters), the renaming of databases, and changes of roles, each by its exact form and within the
 * same rules as when it was made (roles/rules.ts). A target without that role, or an admin who is no
 * superuser, is left as it is.
 */
import type { Row, TargetSession } from '../../target-database.ts';
import { OWNER_ROLE } from '../layout.ts';
import { undoRoleStep } from '../roles/change.ts';
import { isRoleStep } from '../roles/steps.ts';

const LESSER = `
  create or replace function pg_temp.hf_lesser(sql text, shows boolean) returns setof jsonb
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $hf$
  declare found record;
  begin
    if not shows then execute sql; return; end if;
    for found in execute sql loop return next to_jsonb(found); end loop;
  end $hf$;
  alter function pg_temp.hf_lesser(text, boolean) owner to ${OWNER_ROLE};
  revoke all on function pg_temp.hf_lesser(text, boolean) from public`;
const NAME = '(?:"(?:[^"]|"")+"|[a-z_][a-z0-9_$]*)';
const DATABASE_STEP = new RegExp(
  `^alter database ${NAME} (?:allow_connections (?:true|false)|rename to ${NAME})$`,
);
const AS_ADMIN = /^\s*(?:savepoint|release|rollback|lock\s|set\s+local)/i;
const SHOWS = /^\s*(?:select|with)\b/i;

export async function lesserSession(session: TargetSession): Promise<TargetSession> {
  const [may] = await session.query(
    `select from pg_roles a, pg_roles o
      where a.rolname = session_user and a.rolsuper and o.rolname = $1`,
    [OWNER_ROLE],
  );
  if (may === undefined) return withRoleSteps(session, session);
  await session.query(LESSER);
  return withRoleSteps(session, {
    query: async (sql, values) => {
      if (values !== undefined || AS_ADMIN.test(sql) || isDatabaseStep(sql)) {
        return session.query(sql, values);
      }
      const shows = SHOWS.test(sql);
      const rows = await session.query('select hf.row from pg_temp.hf_lesser($1, $2) hf(row)', [
        sql,
        shows,
      ]);
      return rows.map(({ row }) => rowOf(row));
    },
    copyOut: (sql) => session.copyOut(sql),
    copyIn: (sql, chunks) => session.copyIn(sql, chunks),
  });
}

function withRoleSteps(admin: TargetSession, lesser: TargetSession): TargetSession {
  return {
    query: async (sql, values) => {
      if (values !== undefined || !isRoleStep(sql)) return lesser.query(sql, values);
      await undoRoleStep(admin, sql);
      return [];
    },
    copyOut: (sql) => lesser.copyOut(sql),
    copyIn: (sql, chunks) => lesser.copyIn(sql, chunks),
  };
}

function isDatabaseStep(sql: string): boolean {
  return sql.split(';').every((one) => DATABASE_STEP.test(one.trim()));
}

function rowOf(value: unknown): Row {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
