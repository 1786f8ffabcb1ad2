/** What both sides need to know of a table before its rows can be compared or written back. */
import { z } from 'zod';
import { ident, TRASH_PREFIX } from '../../protection/postgres/layout.ts';
import type { TargetSession } from '../../protection/target-database.ts';

export interface TableName {
  readonly schema: string;
  readonly name: string;
}

const COLUMN = z.object({
  name: z.string(),
  type: z.string(),
  isGenerated: z.boolean(),
  /** It can be left out of an INSERT. */
  isOptional: z.boolean(),
});

const TABLE = z.object({
  oid: z.string(),
  schema: z.string(),
  name: z.string(),
  isPartitioned: z.boolean(),
  columns: z.array(COLUMN),
  /** Names, in the order of the primary key; empty: there is none. */
  key: z.array(z.string()),
});
export type TableFacts = Readonly<z.output<typeof TABLE>>;

/** A column that both sides have, of one type: what rows are compared by. */
export interface SharedTable {
  readonly restored: TableFacts;
  readonly live: TableFacts;
  readonly columns: readonly string[];
  /** Empty where the sides do not have one and the same. */
  readonly key: readonly string[];
}

/** Plain tables and partitions: whatever holds rows of its own. `p`: the root of partitions, when asked by name. */
const SELECT = `
  select c.oid::text as oid, n.nspname::text as schema, c.relname::text as name, c.relkind = 'p' as "isPartitioned",
    coalesce((select jsonb_agg(jsonb_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
        'isGenerated', a.attgenerated <> '',
        'isOptional', not a.attnotnull or a.atthasdef or a.attidentity <> '') order by a.attnum)
      from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped), '[]') as columns,
    coalesce((select jsonb_agg(a.attname order by k.at) from pg_index i
      cross join unnest(i.indkey::int2[]) with ordinality as k(attnum, at)
      join pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum
      where i.indrelid = c.oid and i.indisprimary and k.at <= i.indnkeyatts), '[]') as key
  from pg_class c join pg_namespace n on n.oid = c.relnamespace`;

export async function allTables(session: TargetSession): Promise<readonly TableFacts[]> {
  const rows = await session.query(
    `${SELECT} where c.relkind = 'r' and c.relpersistence = 'p' and n.nspname <> 'information_schema'
       and n.nspname !~ '^pg_' and n.nspname not in ('holdfast', 'holdfast_rebuild')
       and not starts_with(n.nspname, '${TRASH_PREFIX}') order by 2, 3`,
  );
  return z.array(TABLE).parse(rows);
}

/** Null: there is none of that name. */
export async function tableNamed(
  session: TargetSession,
  { name, schema }: TableName,
): Promise<TableFacts | null> {
  const rows = await session.query(
    `${SELECT} where c.relkind in ('r', 'p') and c.relpersistence = 'p' and n.nspname = $1 and c.relname = $2`,
    [schema, name],
  );
  return z.array(TABLE).parse(rows)[0] ?? null;
}

export function sharedTable(restored: TableFacts, live: TableFacts): SharedTable {
  const types = new Map(live.columns.map(({ name, type }) => [name, type]));
  const columns = restored.columns
    .filter(({ name, type }) => types.get(name) === type)
    .map(({ name }) => name);
  const isSameKey =
    JSON.stringify(restored.key) === JSON.stringify(live.key) &&
    restored.key.every((name) => columns.includes(name));
  return { restored, live, columns, key: isSameKey ? restored.key : [] };
}

export function shown({ name, schema }: TableName): string {
  return `${schema}.${name}`;
}

/** For FROM: without children that inherit, with all partitions. */
export function from(table: TableFacts): string {
  return `${table.isPartitioned ? '' : 'only '}${ident(table.schema)}.${ident(table.name)}`;
}
