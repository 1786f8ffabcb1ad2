/** What `holdfast protect` puts into a target (docs/decisions/0006): the names, in one place. */

/** Schema of everything of ours in a target. */
export const SCHEMA = 'holdfast';
export const OWNER_ROLE = 'holdfast_owner';
/**
 * Owns what superusers owned, and what agents make where nobody else owns tables. Apart from
 * holdfast_owner, so that code of such a table or function never has the rights of what keeps it.
 */
export const DDL_ROLE = 'holdfast_ddl';
/**
 * As whom an undo writes rows back: it has the rights of every owner of tables, owns nothing, and has none
 * of those of what keeps the rows, so that a trigger or a check that it sets off cannot empty that.
 */
export const UNDO_ROLE = 'holdfast_undo';
/** Each protected database of a server has these. */
export const SHARED_ROLES: readonly string[] = [
  'holdfast_agents',
  'holdfast_others',
  OWNER_ROLE,
  DDL_ROLE,
  UNDO_ROLE,
];
export const AGENTS_ROLE = 'holdfast_agents';
export const OTHERS_ROLE = 'holdfast_others';
/** Login role of one agent: `hf_` and its name, cut to what PostgreSQL keeps (63 bytes). */
export const AGENT_ROLE_PREFIX = 'hf_';
/** Login role of one deferral, for as long as it runs. */
export const RUNNER_PREFIX = 'holdfast_run_';
/** A trash schema is this and the `seq` of the act's journal row, then `_2`, `_3` for further sources. */
export const TRASH_PREFIX = 'holdfast_trash_';
/** Version of the layout; `holdfast.meta` holds the one that was applied. */
export const LAYOUT_VERSION = 2;

/** An SQL identifier, always quoted. */
export function ident(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** An SQL string literal, safe whatever standard_conforming_strings says. */
export function literal(text: string): string {
  const quoted = `'${text.replaceAll("'", "''").replaceAll('\\', '\\\\')}'`;
  return text.includes('\\') ? ` E${quoted}` : quoted;
}
