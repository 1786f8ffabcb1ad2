/** Which of the rows stand in the restored table already, and as what. Reads only, by the key's index. */
import { z } from 'zod';
import { REBUILD_BATCH_ROWS } from '../../model/limits.ts';
import { ident } from '../../protection/postgres/layout.ts';
import type { Row } from '../../protection/target-database.ts';
import { anyHeld } from './batch-keys.ts';
import type { Mapping } from './mapping/mapping.ts';
import type { Asked } from './table-facts.ts';

/** Text of each mapped column, as the server writes it. */
export type StoredRow = ReadonlyMap<string, string | null>;

/** The literal arrays the key column is compared with: none of them can overflow on a stranger's number. */
export const KEY_ARRAYS = { text: 'text[]', integer: 'bigint[]', uuid: 'uuid[]' } as const;

const ROW = z.object({ key: z.string(), cells: z.array(z.string().nullable()) });

type Where = Pick<Mapping, 'schema' | 'table' | 'key'>;

export async function existingRows(
  asked: Asked,
  where: Where,
  columns: readonly string[],
  keys: readonly string[],
): Promise<ReadonlyMap<string, StoredRow>> {
  const found = new Map<string, StoredRow>();
  const sql = rowsSql(where, columns, `any ($1::text[]::${KEY_ARRAYS[where.key.kind]})`);
  for (let at = 0; at < keys.length; at += REBUILD_BATCH_ROWS) {
    const rows = await asked.query(sql, [keys.slice(at, at + REBUILD_BATCH_ROWS)]);
    for (const [key, row] of storedRows(rows, columns)) found.set(key, row);
  }
  return found;
}

/** Of the keys that are held (`holdKeys`), by whoever asks: what makes a text of a type may be anybody's code. */
export async function heldRows(
  asked: Asked,
  where: Where,
  columns: readonly string[],
): Promise<ReadonlyMap<string, StoredRow>> {
  const rows = await asked.query(rowsSql(where, columns, anyHeld(where.key.kind)));
  return storedRows(rows, columns);
}

function rowsSql({ key, schema, table }: Where, columns: readonly string[], any: string): string {
  const cells = columns.map((name) => `t.${ident(name)}::text`).join(', ');
  return `
    select t.${ident(key.column)}::text as key, array[${cells}]::text[] as cells
      from ${ident(schema)}.${ident(table)} t where t.${ident(key.column)} = ${any}`;
}

function storedRows(rows: readonly Row[], columns: readonly string[]): Map<string, StoredRow> {
  const of = (cells: readonly (string | null)[]): StoredRow =>
    new Map(columns.map((name, place) => [name, cells[place] ?? null]));
  return new Map(
    z
      .array(ROW)
      .parse(rows)
      .map(({ cells, key }) => [key, of(cells)]),
  );
}
