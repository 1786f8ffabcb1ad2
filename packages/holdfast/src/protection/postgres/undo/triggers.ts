/** Which triggers and rules of the user's run while rows are put back: said aloud, never silently. */
import type { TargetSession } from '../../target-database.ts';
import { SCHEMA } from '../layout.ts';
import { text } from './current-table.ts';

export async function notesOnTriggers(
  session: TargetSession,
  oids: readonly number[],
  isQuiet: boolean,
): Promise<string[]> {
  const rows = await session.query(
    `select format('%s.%s', n.nspname, c.relname) as "table", t.tgname as name, t.tgenabled as enabled
       from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
       join pg_proc f on f.oid = t.tgfoid join pg_namespace fn on fn.oid = f.pronamespace
      where t.tgrelid = any ($1::oid[]) and not t.tgisinternal and fn.nspname <> $2
        and t.tgenabled = any ($3::"char"[])
      order by 1, 2`,
    [oids, SCHEMA, isQuiet ? ['A', 'R'] : ['A', 'O']],
  );
  return rows.map((row) => {
    const why = isQuiet
      ? 'it is enabled ALWAYS (or REPLICA)'
      : 'the admin may not silence it (session_replication_role)';
    return `Trigger ${text(row, 'name')} of ${text(row, 'table')} fires while rows are put back: ${why}.`;
  });
}
