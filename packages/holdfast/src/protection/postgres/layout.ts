/** What `holdfast protect` puts into a target (docs/decisions/0006): the names, in one place. */

/** Schema of everything of ours in a target. */
export const SCHEMA = 'holdfast';
export const OWNER_ROLE = 'holdfast_owner';
/**
 * Owns what superusers owned, and what agents make where nobody else owns tables. Apart from
 * holdfast_owner, so that code of such a table or function never has the rights of what keeps it.
 */
export const DDL_ROLE = 'holdfast_ddl';
export const AGENTS_ROLE = 'holdfast_agents';
export const OTHERS_ROLE = 'holdfast_others';
/** Login role of one agent: `hf_` and its name, cut to what PostgreSQL keeps (63 bytes). */
export const AGENT_ROLE_PREFIX = 'hf_';
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
