/** Where the capture in a target is not what this version would put there. */
import type { TargetSession } from '../../target-database.ts';

export interface Drift {
  /** Qualified and quoted as PostgreSQL does. */
  readonly table: string;
  readonly reason: string;
}

/** Faults of tables that can be captured. What cannot be is in `uncapturedTables`. */
export function captureDrift(session: Pick<TargetSession, 'query'>): Promise<Drift[]> {
  return driftOf(
    session,
    `select format('%I.%I', n.nspname, c.relname) as "table", f as reason
       from holdfast.user_tables() t
       join pg_class c on c.oid = t
       join pg_namespace n on n.oid = c.relnamespace
       cross join lateral holdfast.faults(t) f
      where holdfast.why_not(t) is null`,
  );
}

export function uncapturedTables(session: Pick<TargetSession, 'query'>): Promise<Drift[]> {
  return driftOf(session, 'select table_name as "table", reason from holdfast.uncaptured()');
}

async function driftOf(session: Pick<TargetSession, 'query'>, sql: string): Promise<Drift[]> {
  const rows = await session.query(sql);
  return rows.map((row) => ({ table: String(row['table']), reason: String(row['reason']) }));
}
