/**
 * The database's own last word on each row: of all that was captured under a key, the image that came
 * last by statement. A row that was deleted last is deleted, and a person says whether that shall stand.
 */
import { createHash } from 'node:crypto';
import { HoldfastError } from '../../model/errors.ts';
import type { CapturedRow } from './captured-rows.ts';
import type { Interpreted } from './interpret.ts';
import { keyText } from './link.ts';
import type { ColumnMapping, Mapping } from './mapping/mapping.ts';
import type { Provenance } from './source-record.ts';
import { snippetOf } from './sources/place.ts';
import type { Reading } from './values/reading.ts';
import { readStored } from './values/value.ts';

export interface CapturedState {
  readonly key: string;
  readonly record: Interpreted;
  readonly isDeleted: boolean;
}

/** Name of this source, in provenance and weights. */
export const CAPTURED = 'captured';

export async function capturedStates(
  rows: AsyncIterable<CapturedRow>,
  mapping: Mapping,
): Promise<readonly CapturedState[]> {
  const last = new Map<string, CapturedRow>();
  for await (const row of rows) {
    const text = row.values.get(mapping.key.column);
    if (text === undefined) throw withoutKey(mapping, row);
    const key = text === null ? null : keyText(text, mapping.key.kind);
    if (key === null) continue;
    const known = last.get(key);
    if (known === undefined || isLater(row, known)) last.set(key, row);
  }
  return [...last].map(([key, row]) => ({
    key,
    isDeleted: row.side === 'before',
    record: recordOf(key, row, mapping),
  }));
}

function withoutKey({ key, schema, table }: Mapping, { item }: CapturedRow): HoldfastError {
  return new HoldfastError('HF_REBUILD_SOURCE', {
    expected: `captured rows of ${schema}.${table} to have the column ${key.column}`,
    found: `none in ${item}: it was called otherwise then`,
    hint: 'Leave that item out, or rebuild without captured rows.',
  });
}

/** Of one statement, what it left counts, not what it found. */
function isLater(row: CapturedRow, known: CapturedRow): boolean {
  return row.seq === known.seq ? row.side === 'after' : row.seq > known.seq;
}

function recordOf(key: string, row: CapturedRow, mapping: Mapping): Interpreted {
  const cells = new Map<string, Reading>();
  const nulls = new Set<string>();
  for (const column of mapping.columns) {
    const text = row.values.get(column.name);
    if (text === null) nulls.add(column.name);
    else if (text !== undefined) {
      cells.set(column.name, readStored(text, column, currencyOf(column, row)));
    }
  }
  const by = provenanceOf(row);
  return {
    by,
    role: 'says',
    ids: new Map([[mapping.key.id, key]]),
    unreadIds: [],
    unreadText: '',
    identity: `id:${by.sha256}`,
    email: null,
    atMs: row.at.getTime(),
    cells,
    nulls,
    refunded: null,
  };
}

function currencyOf({ currency }: ColumnMapping, { values }: CapturedRow): string | null {
  if (currency === null) return null;
  if ('is' in currency) return currency.is;
  return values.get(currency.column)?.trim().toUpperCase() ?? null;
}

function provenanceOf(row: CapturedRow): Provenance {
  const content = JSON.stringify([...row.values]);
  const at = row.at.toISOString();
  return {
    source: CAPTURED,
    kind: 'captured',
    file: row.item,
    sha256: createHash('sha256').update(content).digest('hex'),
    record: Number(row.seq),
    offset: 0,
    snippet: snippetOf(`transaction ${row.txid} of ${row.role}, ${at}\n${content}`),
  };
}
