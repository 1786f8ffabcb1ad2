/** Which of the rows stand in the restored table already, and as what. Reads only, by the key's index. */
import { z } from 'zod';
import { REBUILD_BATCH_ROWS } from '../../model/limits.ts';
import { ident } from '../../protection/postgres/layout.ts';
import type { Mapping } from './mapping/mapping.ts';
import type { Asked } from './table-facts.ts';

/** Text of each mapped column, as the server writes it. */
export type StoredRow = ReadonlyMap<string, string | null>;

/** The literal arrays the key column is compared with: none of them can overflow on a stranger's number. */
export const KEY_ARRAYS = { text: 'text[]', integer: 'bigint[]', uuid: 'uuid[]' } as const;

const ROW = z.object({ key: z.string(), cells: z.array(z.string().nullable()) });

export async function existingRows(
  asked: Asked,
  mapping: Pick<Mapping, 'schema' | 'table' | 'key'>,
  columns: readonly string[],
  keys: readonly string[],
): Promise<ReadonlyMap<string, StoredRow>> {
  const { key, schema, table } = mapping;
  const found = new Map<string, StoredRow>();
  const cells = columns.map((name) => `t.${ident(name)}::text`).join(', ');
  const sql = `
    select t.${ident(key.column)}::text as key, array[${cells}]::text[] as cells
      from ${ident(schema)}.${ident(table)} t
     where t.${ident(key.column)} = any ($1::text[]::${KEY_ARRAYS[key.kind]})`;
  for (let at = 0; at < keys.length; at += REBUILD_BATCH_ROWS) {
    const rows = await asked.query(sql, [keys.slice(at, at + REBUILD_BATCH_ROWS)]);
    for (const row of z.array(ROW).parse(rows)) {
      found.set(row.key, new Map(columns.map((name, place) => [name, row.cells[place] ?? null])));
    }
  }
  return found;
}
