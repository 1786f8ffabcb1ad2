/**
 * Reading the vault for an undo of thousands of items: entries in one query, chunks listed in one and
 * read in pages of a few megabytes, however many items they are of.
 *
 * It will not hand out a chunk whose hash is not the one it was written with, nor let a purge in the midst
 * of it look like the end.
 */
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { type Kysely, sql } from 'kysely';
import { HoldfastError } from '../model/errors.ts';
import { UNDO_WRITE_BYTES_MAX, UNDO_WRITE_CHUNKS_MAX } from '../model/limits.ts';
import type { UndoEntry } from '../protection/undo-item.ts';
import type { RowChunk } from '../protection/undo-store.ts';
import type { Database } from './database.ts';
import type { Tables } from './tables.ts';
import { type EntryRow, tableShapeOf, undoEntryOf } from './undo-rows.ts';

const gunzipped = promisify(gunzip);

export interface StoredChunk {
  readonly part: number;
  readonly rows: number;
  readonly is_gzip: boolean;
  readonly sha256: Buffer;
  readonly data: Buffer;
}

interface Place {
  readonly item_id: string;
  readonly part: number;
  readonly bytes: number;
}

export async function entriesOf(
  db: Kysely<Tables>,
  ids: readonly string[],
): Promise<ReadonlyMap<string, readonly UndoEntry[]>> {
  await refuseBegun(db, ids);
  const { rows } = await sql<EntryRow & { readonly item_id: string; readonly shape_row: unknown }>`
    select item_id, seq, op, rows, shape as shape_row, null as shape, act from holdfast.undo_entries
    where item_id = any(${[...ids]}::text[]) order by item_id, seq`.execute(db);
  const stored = await sql<{ readonly id: unknown; readonly shape: unknown }>`
    select id, shape from holdfast.undo_shapes where id in (
      select shape from holdfast.undo_entries where item_id = any(${[...ids]}::text[]))`.execute(
    db,
  );
  // A shape is parsed once, however many entries are of it.
  const shapes = new Map(stored.rows.map(({ id, shape }) => [String(id), tableShapeOf(shape)]));
  const of = new Map<string, UndoEntry[]>();
  for (const row of rows) {
    const entry = { ...undoEntryOf(row), shape: shapes.get(String(row.shape_row)) ?? null };
    const list = of.get(row.item_id);
    if (list === undefined) of.set(row.item_id, [entry]);
    else list.push(entry);
  }
  return of;
}

export async function* chunksOf(
  database: Database,
  ids: readonly string[],
  shapeId: bigint,
): AsyncIterable<RowChunk> {
  const shape = shapeId.toString();
  const { places, txids } = await database.run(async (db) => {
    const txidOf = await refuseBegun(db, ids);
    const { rows } = await sql<Place>`
      select item_id, part, length(data) as bytes from holdfast.undo_chunks
      where item_id = any(${[...ids]}::text[]) and shape_id = ${shape}::bigint
      order by item_id, part`.execute(db);
    return { places: rows, txids: txidOf };
  });
  for (const page of pagesOf(places)) {
    const rows = await database.run(async (db) => {
      const read = await sql<StoredChunk & { readonly item_id: string }>`
        select c.item_id, c.part, c.rows, c.is_gzip, c.sha256, c.data
        from unnest(${page.map((one) => one.item_id)}::text[], ${page.map((one) => one.part)}::int[])
          as p (item_id, part)
        join holdfast.undo_chunks c on c.item_id = p.item_id and c.part = p.part
          and c.shape_id = ${shape}::bigint
        order by c.item_id, c.part`.execute(db);
      return read.rows;
    });
    if (rows.length !== page.length) break;
    for (const row of rows) {
      const data = await unpacked(row, row.item_id, shapeId);
      const txid = txids.get(row.item_id) ?? '';
      yield { txid, shapeId, part: row.part, data, rows: row.rows };
    }
  }
  await database.run((db) => refuseBegun(db, ids));
}

export async function unpacked(row: StoredChunk, id: string, shapeId: bigint): Promise<Uint8Array> {
  const data = row.is_gzip ? await gunzipped(row.data) : row.data;
  if (createHash('sha256').update(data).digest().equals(row.sha256)) return data;
  throw new HoldfastError('HF_UNDO_STATE', {
    expected: `chunk ${row.part} of ${id}, shape ${shapeId}, as it was written`,
    found: 'other bytes: its SHA-256 does not match',
    hint: "Somebody or a disk changed the vault. Keep it as it is; use a recovery point's copy.",
  });
}

function* pagesOf(places: readonly Place[]): Iterable<readonly Place[]> {
  let page: Place[] = [];
  let bytes = 0;
  for (const place of places) {
    const isFull = bytes + place.bytes > UNDO_WRITE_BYTES_MAX;
    if (page.length > 0 && (isFull || page.length >= UNDO_WRITE_CHUNKS_MAX)) {
      yield page;
      page = [];
      bytes = 0;
    }
    page.push(place);
    bytes += place.bytes;
  }
  if (page.length > 0) yield page;
}

/** The transaction of each; refuses when one is not there, or its purge has begun. */
async function refuseBegun(
  db: Kysely<Tables>,
  ids: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const { rows } = await sql<{ id: string; txid: string; begun: boolean }>`
    select id, txid, purge_begun_tick_ms is not null as begun from holdfast.undo_items
    where id = any(${[...ids]}::text[])`.execute(db);
  const there = new Map(rows.map(({ id, txid }) => [id, txid]));
  const lost = ids.find((id) => !there.has(id)) ?? rows.find(({ begun }) => begun)?.id;
  if (lost === undefined) return there;
  throw new HoldfastError('HF_UNDO_STATE', {
    expected: `the data of ${lost}`,
    found: there.has(lost) ? 'its purge has begun' : 'no such item',
    hint: 'A recovery point from before it may still hold the rows.',
  });
}
