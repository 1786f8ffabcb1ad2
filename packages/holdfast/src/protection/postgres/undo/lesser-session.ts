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
import { HoldfastError } from '../../../model/errors.ts';
import type { Row, TargetSession } from '../../target-database.ts';
import { OWNER_ROLE } from '../layout.ts';
import { undoRoleStep } from '../roles/change.ts';
import { isRoleStep } from '../roles/steps.ts';
import { partsOfStep } from './given-grants.ts';

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

/** Steps of acts are several statements, mostly, and nobody asks for rows. */
export interface LesserSession extends TargetSession {
  run(sql: string): Promise<void>;
}

export async function lesserSession(session: TargetSession): Promise<LesserSession> {
  const [may] = await session.query(
    `select from pg_roles a, pg_roles o
      where a.rolname = session_user and a.rolsuper and o.rolname = $1`,
    [OWNER_ROLE],
  );
  if (may === undefined) {
    const run = async (sql: string): Promise<void> => void (await session.query(sql));
    return {
      ...copying(session),
      query: (sql, values) => session.query(sql, values),
      run: withRoles(session, run),
    };
  }
  await session.query(LESSER);
  const lesser = (sql: string, shows: boolean): Promise<readonly Row[]> =>
    session.query('select hf.row from pg_temp.hf_lesser($1, $2) hf(row)', [sql, shows]);
  return {
    ...copying(session),
    query: async (sql, values) => {
      if (values !== undefined || AS_ADMIN.test(sql)) return session.query(sql, values);
      return (await lesser(sql, SHOWS.test(sql))).map(({ row }) => rowOf(row));
    },
    run: withRoles(session, async (sql) => {
      if (isDatabaseStep(sql)) await session.query(sql);
      else await runParts(session, sql, (part) => lesser(part, false));
    }),
  };
}

function copying(session: TargetSession): Pick<TargetSession, 'copyOut' | 'copyIn'> {
  return {
    copyOut: (sql) => session.copyOut(sql),
    copyIn: (sql, chunks) => session.copyIn(sql, chunks),
  };
}

function withRoles(admin: TargetSession, run: LesserSession['run']): LesserSession['run'] {
  return (sql) => (isRoleStep(sql) ? undoRoleStep(admin, sql) : run(sql));
}

function isDatabaseStep(sql: string): boolean {
  return sql.split(';').every((one) => DATABASE_STEP.test(one.trim()));
}

/**
 * A grant that was given by somebody who is not the owner is given by him again. There is no SET ROLE in a
 * function of somebody else, so it is sent on its own: a GRANT on an object runs no code, and gives
 * what he may give.
 */
async function runParts(
  admin: TargetSession,
  sql: string,
  lesser: (part: string) => Promise<unknown>,
): Promise<void> {
  for (const part of partsOfStep(sql)) {
    if (part.role === null) await lesser(part.sql);
    else await giveAs(admin, part.role, part.sql);
  }
}

async function giveAs(admin: TargetSession, role: string, grant: string): Promise<void> {
  const [row] = await admin.query(
    'select rolsuper or rolcreaterole as much from pg_roles where oid = to_regrole($1)',
    [role],
  );
  if (row?.['much'] !== false) {
    throw new HoldfastError('HF_UNDO_STATE', {
      expected: 'a grant that was given by a role that may not everything',
      found: `${role} would give it again: ${grant}`,
      hint: 'Nothing was changed. A person gives it again, and leaves this act out with --conflict skip.',
    });
  }
  await admin.query(`set local role ${role}`);
  await admin.query(grant);
  await admin.query('reset role');
}

function rowOf(value: unknown): Row {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
