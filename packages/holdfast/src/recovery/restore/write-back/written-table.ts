/** A table whose rows are written back, with the rows of the copy beside it, and SQL that says how they differ. */
import { z } from 'zod';
import { ident } from '../../../protection/postgres/layout.ts';
import type { TargetSession } from '../../../protection/target-database.ts';
import type { WriteBackWords } from '../copy-shape.ts';
import { rowText } from '../row-buckets.ts';
import { from, type SharedTable } from '../table-facts.ts';
import type { FoundTable } from './find-tables.ts';

export interface WrittenTable extends Pick<FoundTable, 'shared' | 'table'> {
  /** A temp table: the rows of the copy. */
  readonly rows: string;
  /** SQL under alias `t`: the live rows that are looked at. */
  readonly scope: string;
  readonly counts: Counts;
}

export type WrittenHow = Pick<WriteBackWords, 'changed' | 'extra'>;

const COUNTS = z.object({
  missing: z.coerce.number(),
  changed: z.coerce.number(),
  extra: z.coerce.number(),
});
type Counts = Readonly<z.output<typeof COUNTS>>;

export async function countsOf(
  session: TargetSession,
  one: Omit<WrittenTable, 'counts'>,
): Promise<Counts> {
  const live = from(one.shared.live);
  const [row] = await session.query(`
    select (select count(*) from ${one.rows} r where ${isMissing(one)})::text as missing,
      (select count(*) from ${one.rows} r join ${live} t on ${onKey(one)} where ${differ(one.shared.columns)})::text as changed,
      (select count(*) from ${live} t where ${isExtra(one)})::text as extra`);
  return COUNTS.parse(row);
}

/** Of row `r` of the copy and live row `t`. */
export function onKey({ shared }: Pick<WrittenTable, 'shared'>): string {
  return shared.key.map((name) => `r.${ident(name)} = t.${ident(name)}`).join(' and ');
}

export function differ(columns: readonly string[]): string {
  return `${rowText(columns, 'r')} is distinct from ${rowText(columns, 't')}`;
}

/** Of row `r` of the copy: it is not in the live database. */
export function isMissing(one: Pick<WrittenTable, 'shared'>): string {
  return `not exists (select from ${from(one.shared.live)} t where ${onKey(one)})`;
}

/** Of live row `t`: it is only in the live database. */
export function isExtra(one: Pick<WrittenTable, 'rows' | 'scope' | 'shared'>): string {
  return `${one.scope} and not ${comesBack(one)}`;
}

/** Of live row `t`: it is in the copy, and what it is there is looked at after everything was written. */
export function comesBack(one: Pick<WrittenTable, 'rows' | 'shared'>): string {
  return `exists (select from ${one.rows} r where ${onKey(one)})`;
}

/** Columns that an INSERT fills. */
export function writable({ columns, live }: SharedTable): readonly string[] {
  const generated = live.columns.filter(({ isGenerated }) => isGenerated).map(({ name }) => name);
  return columns.filter((name) => !generated.includes(name));
}

/** Columns that an UPDATE sets: where there is nothing beside the key, equal keys still differ in how they are written. */
export function setColumns(shared: SharedTable): readonly string[] {
  const all = writable(shared);
  const beside = all.filter((name) => !shared.key.includes(name));
  return beside.length > 0 ? beside : all;
}
