/**
 * What an undo runs may set off code of others: the check of a domain, a trigger that is enabled ALWAYS, a
 * function under an index. With the admin's rights that would be a superuser's. So statements run inside a
 * function that belongs to a lesser role: there nobody can take another one (SET ROLE is a way back, not
 * a wall). Rows are written as holdfast_undo, which reaches every table and nothing that Holdfast keeps:
 * what a trigger does to journal, trash or receipts fails. Steps of an act are run as holdfast_owner where
 * they name what is Holdfast's, and as holdfast_undo where not.
 *
 * As the admin, still: what moves the transaction or locks, what only looks at catalogs (statements with
 * parameters), and the renaming of databases. A target without that role, or an admin who is no superuser,
 * is left as it is.
 */
import type { Row, TargetSession } from '../../target-database.ts';
import { OWNER_ROLE, UNDO_ROLE } from '../layout.ts';

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

export interface LesserSessions {
  /** Rows are written by it. */
  readonly rows: TargetSession;
  /** Acts are taken back by it, as far as they need it with the rights of what keeps them. */
  readonly acts: TargetSession;
}

export async function lesserSessions(session: TargetSession): Promise<LesserSessions> {
  const [may] = await session.query(
    `select u.rolname is not null as narrow from pg_roles a
      join pg_roles o on o.rolname = $1 left join pg_roles u on u.rolname = $2
      where a.rolname = session_user and a.rolsuper`,
    [OWNER_ROLE, UNDO_ROLE],
  );
  if (may === undefined) return { rows: session, acts: session };
  // A layout of before version 2 has one role for both.
  const narrow = may['narrow'] === true ? UNDO_ROLE : OWNER_ROLE;
  await session.query(lesser('hf_lesser', narrow) + lesser('hf_keeper', OWNER_ROLE));
  return {
    rows: through(session, () => 'hf_lesser'),
    acts: through(session, (sql) => (OF_HOLDFAST.test(sql) ? 'hf_keeper' : 'hf_lesser')),
  };
}

function through(session: TargetSession, by: (sql: string) => string): TargetSession {
  return {
    query: async (sql, values) => {
      if (values !== undefined || AS_ADMIN.test(sql) || isDatabaseStep(sql)) {
        return session.query(sql, values);
      }
      const shows = SHOWS.test(sql);
      const rows = await session.query(`select hf.row from pg_temp.${by(sql)}($1, $2) hf(row)`, [
        sql,
        shows,
      ]);
      return rows.map(({ row }) => rowOf(row));
    },
    copyOut: (sql) => session.copyOut(sql),
    copyIn: (sql, chunks) => session.copyIn(sql, chunks),
  };
}

function isDatabaseStep(sql: string): boolean {
  return sql.split(';').every((one) => DATABASE_STEP.test(one.trim()));
}

function rowOf(value: unknown): Row {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
