/**
 * What the chosen statements did to each row in the end, and what stands there now. The order:
 *
 *   1. Within one transaction the images of a key cancel out: a row that was written three times leaves
 *      one image before and one after. Exact whatever the order of statements (a trigger's own
 *      UPDATE ends before the statement that fired it), because a row that was written stays locked.
 *   2. Over transactions they are a chain by `seq`: where the next one does not begin with what the one
 *      before left, somebody else worked in between.
 *   3. The row now must be what the last one left.
 *
 * The plan is a temp table: key, `b` and `a` (places of the images before and after in the loaded rows),
 * `act` (i insert, u update, d delete, n nothing), `conflict`, `choice`. Nothing is written yet.
 *
 * Temp tables of ours are analyzed once they are filled, because nobody else does it: without numbers the
 * planner takes a plan of 100,000 rows for one of a few, and compares each of them with each row there is.
 */
import type { TargetSession } from '../../target-database.ts';
import type { CurrentColumn, KeyColumn } from './current-table.ts';
import type { Loaded } from './load.ts';

export interface NetOptions {
  readonly session: TargetSession;
  readonly loaded: Loaded;
  readonly name: string;
  /** Temp table (seq, tx) when rows are of several transactions, or only some of them are chosen. */
  readonly entries: string | null;
  /** Nothing but DELETE and TRUNCATE of one transaction: each row is its own net effect. */
  readonly isPlainDelete: boolean;
  /** `id=42` asked for: column and value. */
  readonly only: readonly { readonly column: CurrentColumn; readonly value: string }[];
  /** Columns other tables refer to: their values now are kept in the plan. */
  readonly referenced: readonly CurrentColumn[];
}

export interface Net extends Loaded {
  /** Temp table. */
  readonly plan: string;
  readonly keyColumns: readonly CurrentColumn[];
  readonly onKey: (one: string, other: string) => string;
}

/** `one` as plan (k5) or table ("id"). */
export function keyJoin(
  table: { readonly columns: readonly CurrentColumn[]; readonly key: readonly KeyColumn[] },
  plan: string,
  now: string,
): string {
  return table.key
    .map(({ attnum, equals }) => {
      const column = table.columns.find((one) => one.attnum === attnum);
      return `${plan}.k${attnum} ${equals} ${now}.${quoted(column)}`;
    })
    .join(' and ');
}

export async function planNet(options: NetOptions): Promise<Net> {
  const { session, loaded, name, referenced } = options;
  const { table, value, common } = loaded;
  const keyColumns = table.key.flatMap(({ attnum }) =>
    table.columns.filter((column) => column.attnum === attnum),
  );
  const net = options.isPlainDelete ? plainNet(options, keyColumns) : netOf(options, keyColumns);
  const of = options.isPlainDelete ? 'lb' : 'net';
  const keys = keyColumns.map(({ attnum }) => `${of}.k${attnum}`).join(', ');
  const image = (alias: string): string =>
    `row(${common.map((column) => value(column, alias)).join(', ')})`;
  const now = `row(${common.map((column) => `t.${quoted(column)}`).join(', ')})`;
  // All of a row of a table with a key is there or nothing is: its key cannot be NULL.
  const there = `t.${quoted(keyColumns[0])} is not null`;
  // The function: between two row constructors an operator would be taken column by column.
  const isBefore = `pg_catalog.record_image_eq(${image('lb')}, ${now})`;
  const isAfter = `pg_catalog.record_image_eq(${image('la')}, ${now})`;
  // A plain row is its own image before: it is read once, not looked up by its place again.
  const images = options.isPlainDelete
    ? 'net lb'
    : `net left join ${loaded.rows} lb on lb.ctid = net.b left join ${loaded.rows} la on la.ctid = net.a`;
  const changed = options.isPlainDelete
    ? ''
    : `when ${of}.a is not null and ${there} and not (${isAfter}) then 'changed'`;
  const plan = `pg_temp.${name}`;
  await session.query(
    `create temp table ${name} on commit drop as
     with net as (${net})
     select ${keys}, ${of}.b, ${of}.a, lb.sh,
       ${referenced.map((column) => `t.${quoted(column)} as o${column.attnum}, `).join('')}
       (case when ${of}.b is null then case when ${there} then 'd' else 'n' end
             when not (${there}) then 'i'
             when ${isBefore} then 'n' else 'u' end)::"char" as act,
       case when ${of}.b is null and not (${there}) then null
            when ${of}.b is not null and ${there} and ${isBefore} then null
            when ${of}.broken then 'in-between'
            when ${of}.a is not null and not (${there}) then 'gone'
            when ${of}.a is null and ${there} then 'recreated'
            ${changed} end as conflict,
       null::text as choice, null::text as about
     from ${images} left join ${table.from} t on ${keyJoin(table, of, 't')}`,
  );
  if (loaded.isLarge) await session.query(`analyze ${plan}`);
  return { ...loaded, plan, keyColumns, onKey: (one, other) => keyJoin(table, one, other) };
}

function plainNet(
  { loaded, only, entries }: NetOptions,
  keyColumns: readonly CurrentColumn[],
): string {
  const keys = keyColumns.map((column) => `${loaded.value(column, 'l')} as k${column.attnum}`);
  return `select l.*, ${keys.join(', ')}, l.ctid as b, null::tid as a, false as broken
    from ${loaded.rows} l ${joinEntries(entries)} ${whereOnly(loaded, only)}`;
}

/** Chunks may hold rows of statements that are not chosen. */
function joinEntries(entries: string | null): string {
  return entries === null ? '' : `join ${entries} en on en.seq = l.seq`;
}

function netOf(
  { loaded, entries, only }: NetOptions,
  keyColumns: readonly CurrentColumn[],
): string {
  const { rows, value, common } = loaded;
  const keys = keyColumns.map(({ attnum }) => `k${attnum}`).join(', ');
  const named = keyColumns.map((column) => `${value(column, 'l')} as k${column.attnum}`).join(', ');
  const image = `row(${common.map((column) => value(column, 'l')).join(', ')})::text`;
  return `
    with e as (
      select ${entries === null ? '0 as tx' : 'en.tx'}, l.seq, l.side, l.ctid as id, ${named}, ${image} as img
        from ${rows} l ${joinEntries(entries)}
        ${whereOnly(loaded, only)}),
    g as (
      select tx, ${keys}, img, max(seq) as s,
             sum(case when side = '-' then 1 else -1 end) as d,
             min(id) filter (where side = '-') as m, min(id) filter (where side = '+') as p
        from e group by tx, ${keys}, img),
    t as (
      select tx, ${keys}, max(s) as s,
             coalesce(sum(d) filter (where d > 0), 0) as minus,
             coalesce(-sum(d) filter (where d < 0), 0) as plus,
             min(m) filter (where d > 0) as b, min(p) filter (where d < 0) as a,
             min(img) filter (where d > 0) as bi, min(img) filter (where d < 0) as ai
        from g group by tx, ${keys} having bool_or(d <> 0)),
    w as (
      select t.*, lag(ai) over o as left_by, row_number() over o as place,
             row_number() over (partition by ${keys} order by s desc) as from_end
        from t window o as (partition by ${keys} order by s))
    select ${keys}, min(b) filter (where place = 1) as b, min(a) filter (where from_end = 1) as a,
           bool_or(${BROKEN}) as broken
      from w group by ${keys}
    having bool_or(${BROKEN}) or min(bi) filter (where place = 1)
           is distinct from min(ai) filter (where from_end = 1)`;
}

/** A key that one transaction left in two states, or that the next one found otherwise. */
const BROKEN = 'minus > 1 or plus > 1 or (place > 1 and bi is distinct from left_by)';

function whereOnly({ value }: Loaded, only: NetOptions['only']): string {
  if (only.length === 0) return '';
  const parts = only.map(
    ({ column, value: wanted }) => `${value(column, 'l')}::text = ${literalOf(wanted)}`,
  );
  return `where ${parts.join(' and ')}`;
}

function literalOf(wanted: string): string {
  return `E'${wanted.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}

export function quoted(column: CurrentColumn | undefined): string {
  return `"${(column?.name ?? '').replaceAll('"', '""')}"`;
}
