/** What the restored database says of the table that is rebuilt, and whether the mapping fits it. */
import { z } from 'zod';
import { HoldfastError } from '../../model/errors.ts';
import type { Row } from '../../protection/target-database.ts';
import type { Mapping } from './mapping/mapping.ts';

/** A pooled session or one in a transaction. */
export interface Asked {
  query(sql: string, values?: readonly unknown[]): Promise<readonly Row[]>;
}

export interface TableFacts {
  readonly oid: string;
  readonly columns: ReadonlyMap<string, ColumnFacts>;
}

export interface ColumnFacts {
  readonly name: string;
  /** As PostgreSQL writes it, without its length: what a text is cast to. */
  readonly type: string;
  readonly isNotNull: boolean;
  readonly hasDefault: boolean;
  readonly isGenerated: boolean;
  /** Has a unique index by itself that covers all rows. */
  readonly isUnique: boolean;
  /** Sequence that it is numbered by. */
  readonly sequence: string | null;
}

const TABLE = z.object({ oid: z.string(), kind: z.string() });
const COLUMN = z.object({
  name: z.string(),
  type: z.string(),
  isNotNull: z.boolean(),
  hasDefault: z.boolean(),
  isGenerated: z.boolean(),
  isUnique: z.boolean(),
  sequence: z.string().nullable(),
});

const FIND_TABLE = `
  select c.oid::text as oid, c.relkind::text as kind
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
   where n.nspname = $1 and c.relname = $2 and c.relkind in ('r', 'p')`;

const FIND_COLUMNS = `
  select a.attname::text as name, format_type(a.atttypid, null) as type,
    a.attnotnull as "isNotNull", a.atthasdef or a.attidentity <> '' as "hasDefault",
    a.attgenerated <> '' as "isGenerated",
    exists (select from pg_index i where i.indrelid = a.attrelid and i.indisunique and i.indisvalid
      and i.indpred is null and i.indnkeyatts = 1 and i.indkey[0] = a.attnum) as "isUnique",
    pg_get_serial_sequence(format('%I.%I', $2::text, $3::text), a.attname) as sequence
    from pg_attribute a where a.attrelid = $1::oid and a.attnum > 0 and not a.attisdropped
   order by a.attnum`;

export async function tableFacts(asked: Asked, schema: string, table: string): Promise<TableFacts> {
  const [found] = await asked.query(FIND_TABLE, [schema, table]);
  if (found === undefined) {
    throw misfit(`a table ${schema}.${table} in the restored database`, 'none', 'Correct `table`.');
  }
  const { oid } = TABLE.parse(found);
  const columns = z.array(COLUMN).parse(await asked.query(FIND_COLUMNS, [oid, schema, table]));
  return { oid, columns: new Map(columns.map((column) => [column.name, column])) };
}

/** Throws HF_REBUILD_MAPPING where rows of this mapping could not be put into the table. */
export function fit(mapping: Mapping, { columns }: TableFacts): void {
  const { key } = mapping;
  const plain = mapping.columns.map(({ name }) => name);
  const filled = [key.column, ...(key.generate === null ? [] : [key.generate]), ...plain];
  for (const name of filled) {
    const column = columns.get(name);
    if (column === undefined) {
      throw misfit(
        `a column ${JSON.stringify(name)}`,
        'none',
        `It has ${[...columns.keys()].join(', ')}.`,
      );
    }
    if (column.isGenerated) {
      throw misfit('columns that are written', `${name}, which the table computes`, 'Remove it.');
    }
  }
  const keyFacts = columns.get(key.column);
  if (keyFacts?.isUnique !== true) {
    const found = `${key.column}, which may stand there twice`;
    throw misfit(
      'a key that is unique in the table',
      found,
      'Choose another, or add a unique index.',
    );
  }
  if (key.generate !== null && columns.get(key.generate)?.type !== 'uuid') {
    throw misfit(
      '`generate` to be a uuid',
      `${key.generate}, which is none`,
      'Leave it to its default.',
    );
  }
  for (const column of columns.values()) {
    if (!column.isNotNull || column.hasDefault || column.isGenerated) continue;
    const mapped = mapping.columns.find(({ name }) => name === column.name);
    const isSure =
      mapped === undefined
        ? filled.includes(column.name)
        : mapped.isRequired || mapped.constant !== null;
    if (isSure) continue;
    const found = `${column.name}, which is NOT NULL and without a default`;
    throw misfit(
      'every column that has to be filled to be `required`',
      found,
      'Add it, or `required: true`.',
    );
  }
}

function misfit(expected: string, found: string, hint: string): HoldfastError {
  return new HoldfastError('HF_REBUILD_MAPPING', { expected, found, hint });
}
