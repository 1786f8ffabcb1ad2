/**
 * What an undo runs may set off code of others: the check of a domain, a trigger that is enabled ALWAYS, a
 * function under an index. With the admin's rights that would be a superuser's. So statements run inside a
 * function that belongs to a lesser role: there nobody can take another one (SET ROLE is a way back, not
 * a wall). Rows are written as holdfast_undo, which reaches every table and nothing that Holdfast keeps:
 * what a trigger does to journal, trash or receipts fails. Steps of an act are run as holdfast_owner where
 * they name what is Holdfast's, and as holdfast_undo where not.
 *
 * As the admin, still: what moves the transaction or locks, what only looks at catalogs (statements with
 * parameters), the renaming of databases, and changes of roles, each by its exact form and within the
 * same rules as when it was made (roles/rules.ts). A target without that role, or an admin who is no
 * superuser, is left as it is.
 */
import { HoldfastError } from '../../../model/errors.ts';
import type { Row, TargetSession } from '../../target-database.ts';
import { OWNER_ROLE, UNDO_ROLE } from '../layout.ts';
import { undoRoleStep } from '../roles/change.ts';
import { isRoleStep } from '../roles/steps.ts';
import { partsOfStep } from './given-grants.ts';

const lesser = (name: string, owner: string): string => `
  create or replace function pg_temp.${name}(sql text, shows boolean) returns setof jsonb
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $hf$
  declare found record;
  begin
    if not shows then execute sql; return; end if;
    for found in execute sql loop return next to_jsonb(found); end loop;
  end $hf$;
  alter function pg_temp.${name}(text, boolean) owner to ${owner};
  revoke all on function pg_temp.${name}(text, boolean) from public;`;
const NAME = '(?:"(?:[^"]|"")+"|[a-z_][a-z0-9_$]*)';
const DATABASE_STEP = new RegExp(
  `^alter database ${NAME} (?:allow_connections (?:true|false)|rename to ${NAME})$`,
);
const AS_ADMIN = /^\s*(?:savepoint|release|rollback|lock\s|set\s+local)/i;
/** An act's step that moves to or from the trash, reads what was kept there, or gives something back. */
const OF_HOLDFAST = /\bholdfast_trash_|\bholdfast\.|\bowner to\b/i;
const SHOWS = /^\s*(?:select|with)\b/i;

/** Steps of acts are several statements, mostly, and nobody asks for rows. */
export interface LesserSession extends TargetSession {
  run(sql: string): Promise<void>;
}

export interface LesserSessions {
  /** Rows are written by it. */
  readonly rows: TargetSession;
  /** Acts are taken back by it, as far as they need it with the rights of what keeps them. */
  readonly acts: LesserSession;
}

export async function lesserSessions(session: TargetSession): Promise<LesserSessions> {
  const [may] = await session.query(
    `select u.rolname is not null as narrow from pg_roles a
      join pg_roles o on o.rolname = $1 left join pg_roles u on u.rolname = $2
      where a.rolname = session_user and a.rolsuper`,
    [OWNER_ROLE, UNDO_ROLE],
  );
  if (may === undefined) {
    const run = async (sql: string): Promise<void> => void (await session.query(sql));
    const query: TargetSession['query'] = (sql, values) => session.query(sql, values);
    const acts = { ...copying(session), query, run: withRoles(session, run) };
    return { rows: session, acts };
  }
  // A layout of before version 2 has one role for both.
  const narrow = may['narrow'] === true ? UNDO_ROLE : OWNER_ROLE;
  await session.query(lesser('hf_lesser', narrow) + lesser('hf_keeper', OWNER_ROLE));
  const byStep = (sql: string): string => (OF_HOLDFAST.test(sql) ? 'hf_keeper' : 'hf_lesser');
  return {
    rows: through(session, () => 'hf_lesser'),
    acts: {
      ...through(session, byStep),
      run: withRoles(session, async (sql) => {
        if (isDatabaseStep(sql)) await session.query(sql);
        else await runParts(session, sql, (part) => as(session, byStep(part), part, false));
      }),
    },
  };
}

function through(session: TargetSession, by: (sql: string) => string): TargetSession {
  return {
    ...copying(session),
    query: async (sql, values) => {
      if (values !== undefined || AS_ADMIN.test(sql)) return session.query(sql, values);
      const rows = await as(session, by(sql), sql, SHOWS.test(sql));
      return rows.map(({ row }) => rowOf(row));
    },
  };
}

function as(
  session: TargetSession,
  lesserFunction: string,
  sql: string,
  shows: boolean,
): Promise<readonly Row[]> {
  return session.query(`select hf.row from pg_temp.${lesserFunction}($1, $2) hf(row)`, [
    sql,
    shows,
  ]);
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
