/** What lies in a target, in words for a card: what a person has to know before it is destroyed. Read only. */
import { z } from 'zod';
import type { TargetDatabase } from '../target-database.ts';
import { SCHEMA, TRASH_PREFIX } from './layout.ts';

const CONTENTS = z.object({ rows: z.number(), tables: z.number(), size: z.string() });

/**
 * By the server's own statistics, which cost nothing, however large the tables; Holdfast's own are left out. The
 * counters are only for what was never analyzed: around an ANALYZE they may count rows twice.
 */
const SQL = `
  select coalesce(sum(case when c.reltuples < 0 then s.n_live_tup else c.reltuples end), 0)::float8 as rows,
    count(*)::float8 as tables,
    pg_size_pretty(pg_database_size(current_database())) as size
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
    left join pg_stat_all_tables s on s.relid = c.oid
  where c.relkind in ('r', 'm') and c.relpersistence <> 't'
    and n.nspname !~ '^(pg_|information_schema$|${SCHEMA}$|${TRASH_PREFIX})'`;

/** `about 241,422 rows in 7 table(s), 84 MB`. Rejects with what the server or the way to it says. */
export async function contentsOf(target: Pick<TargetDatabase, 'query'>): Promise<string> {
  const [row] = await target.query(SQL);
  const { rows, size, tables } = CONTENTS.parse(row);
  return `about ${count(rows)} rows in ${count(tables)} table(s), ${size}`;
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
