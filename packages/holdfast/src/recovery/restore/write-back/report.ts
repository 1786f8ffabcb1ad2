/** What is said of a write-back, before it and after it: rows of each table, and what to know beside them. */
import { oneLine } from '../../../model/text.ts';
import { ident } from '../../../protection/postgres/layout.ts';
import type { TargetSession } from '../../../protection/target-database.ts';
import type { ReportWords } from '../copy-shape.ts';
import { keyArray, keysIn } from '../row-buckets.ts';
import { from, type SharedTable, shown } from '../table-facts.ts';
import { differ, onKey, type WrittenHow, type WrittenTable } from './written-table.ts';

const CONFLICT_KEYS_SHOWN_MAX = 20;

export async function reportOf(
  session: TargetSession,
  one: WrittenTable,
  { changed, extra }: WrittenHow,
): Promise<ReportWords['tables'][number]> {
  const { counts, shared } = one;
  const { name, schema } = shared.live;
  const isSetBack = changed === 'set-back';
  const conflicts = isSetBack ? 0 : counts.changed;
  return {
    schema,
    name,
    inserted: counts.missing,
    setBack: isSetBack ? counts.changed : 0,
    deleted: extra === 'delete' ? counts.extra : 0,
    conflicts,
    conflictKeys: conflicts === 0 ? [] : await changedKeys(session, one),
    extraKept: extra === 'delete' ? 0 : counts.extra,
  };
}

/** The first of them. */
async function changedKeys(session: TargetSession, one: WrittenTable): Promise<string[][]> {
  const { columns, key, live } = one.shared;
  const rows = await session.query(`
    select ${keyArray(key, 't')} as key from ${one.rows} r join ${from(live)} t on ${onKey(one)}
     where ${differ(columns)} order by ${key.map((name) => `t.${ident(name)}`).join(', ')}
     limit ${CONFLICT_KEYS_SHOWN_MAX}`);
  return keysIn(rows);
}

/** Sentences: triggers that fire, columns that are left to their default. */
export async function notesOn(
  session: TargetSession,
  tables: readonly WrittenTable[],
): Promise<string[]> {
  const rows = await session.query(
    `select format('%s.%s', n.nspname, c.relname) as "table", t.tgname::text as name
       from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
       join pg_proc f on f.oid = t.tgfoid join pg_namespace fn on fn.oid = f.pronamespace
      where t.tgrelid = any ($1::oid[]) and not t.tgisinternal and fn.nspname <> 'holdfast'
        and t.tgenabled in ('A', 'O') order by 1, 2`,
    [tables.map(({ shared }) => Number(shared.live.oid))],
  );
  const firing = rows.map(
    (row) =>
      `Trigger ${oneLine(String(row['name']))} of ${oneLine(String(row['table']))} fires while rows are written back.`,
  );
  return [...firing, ...tables.flatMap(({ shared }) => leftOut(shared))];
}

function leftOut({ columns, live }: SharedTable): readonly string[] {
  const newer = live.columns.filter(({ name }) => !columns.includes(name));
  if (newer.length === 0) return [];
  const names = oneLine(newer.map(({ name }) => name).join(', '));
  return [
    `${oneLine(shown(live))} has columns that the copy does not know, left as they are: ${names}.`,
  ];
}

type Summed = 'inserted' | 'setBack' | 'deleted' | 'conflicts';

export function sumsOf({ tables }: ReportWords): Readonly<Record<Summed, number>> {
  const sum = (of: Summed): number => tables.reduce((all, table) => all + table[of], 0);
  return {
    inserted: sum('inserted'),
    setBack: sum('setBack'),
    deleted: sum('deleted'),
    conflicts: sum('conflicts'),
  };
}
