/**
 * Writes one batch of drained transactions: shapes, items with their summary and entries, then the rows,
 * as they come, in chunks. All inside the caller's one transaction.
 *
 * An item that is there already (a crash came between this write and the drain's delete) is skipped,
 * with all its rows: the unique key is what decides, so that two drains at once do no harm either.
 */
import { hash } from 'node:crypto';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { sql, type Transaction } from 'kysely';
import type { Clock } from '../model/clock.ts';
import { newId } from '../model/ids.ts';
import {
  LEDGER_CREDIT_MS_MAX,
  UNDO_GZIP_BYTES_MIN,
  UNDO_WRITE_BYTES_MAX,
  UNDO_WRITE_CHUNKS_MAX,
} from '../model/limits.ts';
import { isTrashName } from '../protection/act-record.ts';
import type { TableShape, UndoEntry, UndoPart } from '../protection/undo-item.ts';
import type { DrainedItem, RowChunk, UndoStore } from '../protection/undo-store.ts';
import { binaryArray, int8Array, OID, textArray } from './binary-array.ts';
import type { Tables } from './tables.ts';
import { partName, shapeText } from './undo-rows.ts';

export type KeepBatch = Parameters<UndoStore['keep']>[0];
type Trx = Transaction<Tables>;

/**
 * From when a time counts that begins now: the ledger's next step also credits what was watched before
 * now, since its last one. Without this an item could go that much early (a seeded run found it).
 */
export const TICK_FROM_NOW = sql`(
  select tick_ms + ${sql.lit(LEDGER_CREDIT_MS_MAX)}::bigint from holdfast.undo_ledger)`;

/** A wait of this transaction for the target's rows; longer, and the target is stuck. */
const TARGET_IDLE_MS_MAX = 10 * 60 * 1000;
const GZIP_LEVEL = 1;
/** Gzip that saves less than a tenth costs more at every preview than it wins. */
const GZIP_PAYS = 0.9;

const gzipped = promisify(gzip);

export async function keepBatch(
  trx: Trx,
  batch: KeepBatch,
  clock: Clock,
): Promise<{ readonly kept: number; readonly known: number }> {
  await sql`set local idle_in_transaction_session_timeout = ${sql.lit(TARGET_IDLE_MS_MAX)}`.execute(
    trx,
  );
  const ids = await keepItems(trx, batch, clock);
  const fresh = batch.items.filter(({ txid }) => ids.has(txid));
  const shapes = await keepShapes(trx, batch.install, batch.shapes);
  await keepParts(trx, fresh, ids);
  await keepEntries(trx, fresh, ids, shapes);
  await keepTrash(trx, batch.target, fresh, ids);
  await keepChunks(trx, batch.chunks, ids);
  return { kept: ids.size, known: batch.items.length - ids.size };
}

/** The ids of those that were not there yet, by txid. */
async function keepItems(
  trx: Trx,
  batch: KeepBatch,
  clock: Clock,
): Promise<ReadonlyMap<string, string>> {
  const { items } = batch;
  const text = (pick: (item: DrainedItem) => string | null): Buffer => textArray(items.map(pick));
  const kept = await sql<{ id: string; txid: string }>`
    insert into holdfast.undo_items (id, target, install, txid, fingerprint, at, role, agent_id,
      agent_name, application, undo_of, state, kept_until_tick_ms)
    select r.id, ${batch.target}, ${batch.install}, r.txid, r.fingerprint, r.at::timestamptz, r.role,
      r.agent_id, r.agent_name, r.application, r.undo_of, 'kept',
      ${TICK_FROM_NOW} + ${batch.graceMs}::bigint
    from unnest(${text(() => newId('undo', clock))}::text[], ${text(({ txid }) => txid)}::text[],
      ${text(({ fingerprint }) => fingerprint)}::text[], ${text(({ at }) => at.toISOString())}::text[],
      ${text(({ role }) => role)}::text[], ${text(({ agentId }) => agentId)}::text[],
      ${text(({ agentName }) => agentName)}::text[], ${text((one) => one.application)}::text[],
      ${text(({ undoOf }) => undoOf)}::text[])
      as r (id, txid, fingerprint, at, role, agent_id, agent_name, application, undo_of)
    on conflict (install, txid, fingerprint) do nothing
    returning id, txid`.execute(trx);
  return new Map(kept.rows.map(({ id, txid }) => [txid, id]));
}

/** Our own ids of the shapes, by the target's. */
async function keepShapes(
  trx: Trx,
  install: string,
  shapes: readonly TableShape[],
): Promise<ReadonlyMap<bigint, bigint>> {
  const texts = shapes.map(shapeText);
  const prints = texts.map((text) => hash('sha256', text));
  const ids = int8Array(shapes.map(({ shapeId }) => shapeId));
  const given = sql`unnest(${ids}::bigint[], ${textArray(prints)}::text[], ${textArray(texts)}::text[])
    as r (shape_id, fingerprint, shape)`;
  await sql`insert into holdfast.undo_shapes (install, shape_id, fingerprint, shape)
            select ${install}, r.shape_id, r.fingerprint, r.shape::jsonb from ${given}
            where not exists (
              select from holdfast.undo_shapes s where s.install = ${install}
                and s.shape_id = r.shape_id and s.fingerprint = r.fingerprint)
            on conflict do nothing`.execute(trx);
  const { rows } = await sql<{ id: bigint; shape_id: bigint }>`
    select s.id, s.shape_id from ${given} join holdfast.undo_shapes s
      on s.install = ${install} and s.shape_id = r.shape_id and s.fingerprint = r.fingerprint`.execute(
    trx,
  );
  return new Map(rows.map(({ id, shape_id: shapeId }) => [shapeId, id]));
}

async function keepParts(
  trx: Trx,
  items: readonly DrainedItem[],
  ids: ReadonlyMap<string, string>,
): Promise<void> {
  const rows = items.flatMap((item) => {
    const itemId = idOf(ids, item);
    return partsOf(item).map((part, place) => ({ ...part, itemId, place }));
  });
  if (rows.length === 0) return;
  await sql`insert into holdfast.undo_parts (item_id, place, op, name, rows)
            select item_id, place::integer, op, name, rows
            from unnest(${textArray(rows.map(({ itemId }) => itemId))}::text[],
              ${int8Array(rows.map(({ place }) => place))}::bigint[],
              ${textArray(rows.map(({ op }) => op))}::text[],
              ${textArray(rows.map(({ name }) => name))}::text[],
              ${int8Array(rows.map((row) => row.rows))}::bigint[])
              as r (item_id, place, op, name, rows)`.execute(trx);
}

function idOf(ids: ReadonlyMap<string, string>, { txid }: DrainedItem): string {
  const id = ids.get(txid);
  if (id === undefined) throw new Error(`transaction ${txid} has no item`);
  return id;
}

function partsOf(item: DrainedItem): readonly UndoPart[] {
  const [only] = item.entries;
  if (only !== undefined && item.entries.length === 1) {
    return [{ op: only.op, name: partName(only), rows: only.rows }];
  }
  const parts = new Map<string, UndoPart>();
  for (const entry of item.entries) {
    const name = partName(entry);
    const key = `${entry.op} ${name}`;
    const rows = (parts.get(key)?.rows ?? 0) + entry.rows;
    parts.set(key, { op: entry.op, name, rows });
  }
  return [...parts.values()];
}

/** In slices: a transaction may have a million statements. */
const ENTRIES_IN_ONE = 10_000;

interface EntryOfItem {
  readonly itemId: string;
  readonly entry: UndoEntry;
}

async function keepEntries(
  trx: Trx,
  items: readonly DrainedItem[],
  ids: ReadonlyMap<string, string>,
  shapes: ReadonlyMap<bigint, bigint>,
): Promise<void> {
  let waiting: EntryOfItem[] = [];
  for (const item of items) {
    const itemId = idOf(ids, item);
    for (const entry of item.entries) {
      waiting.push({ itemId, entry });
      if (waiting.length === ENTRIES_IN_ONE) {
        await writeEntries(trx, waiting, shapes);
        waiting = [];
      }
    }
  }
  if (waiting.length > 0) await writeEntries(trx, waiting, shapes);
}

async function writeEntries(
  trx: Trx,
  all: readonly EntryOfItem[],
  shapes: ReadonlyMap<bigint, bigint>,
): Promise<void> {
  const shapeOf = ({ entry: { shape } }: EntryOfItem): bigint => {
    // Our ids begin at 1: 0 stands for an act, which has no shape.
    if (shape === null) return 0n;
    const id = shapes.get(shape.shapeId);
    // Without its shape nobody could read the rows again.
    if (id === undefined) throw new Error(`shape ${shape.shapeId} is not in the vault`);
    return id;
  };
  const actOf = ({ entry: { act } }: EntryOfItem): string | null =>
    act === null ? null : JSON.stringify(act);
  await sql`insert into holdfast.undo_entries (item_id, seq, op, rows, shape, act)
            select item_id, seq, op, rows, nullif(shape, 0), act::jsonb
            from unnest(${textArray(all.map(({ itemId }) => itemId))}::text[],
              ${int8Array(all.map(({ entry }) => entry.seq))}::bigint[],
              ${textArray(all.map(({ entry }) => entry.op))}::text[],
              ${int8Array(all.map(({ entry }) => entry.rows))}::bigint[],
              ${int8Array(all.map(shapeOf))}::bigint[], ${textArray(all.map(actOf))}::text[])
              as r (item_id, seq, op, rows, shape, act)`.execute(trx);
}

async function keepTrash(
  trx: Trx,
  target: string,
  items: readonly DrainedItem[],
  ids: ReadonlyMap<string, string>,
): Promise<void> {
  const rows = items.flatMap((item) => {
    const named = item.entries.flatMap(({ act }) => act?.trash ?? []).filter(isTrashName);
    return [...new Set(named)].map((name) => ({ name, item_id: idOf(ids, item) }));
  });
  if (rows.length === 0) return;
  await sql`insert into holdfast.undo_trash (target, name, item_id)
            select ${target}, name, item_id
            from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
              as r (name text, item_id text)`.execute(trx);
}

interface PackedChunk {
  readonly itemId: string;
  readonly shapeId: bigint;
  readonly part: number;
  readonly rows: number;
  readonly isGzip: boolean;
  readonly sha256: Buffer;
  readonly data: Buffer;
}

async function keepChunks(
  trx: Trx,
  chunks: AsyncIterable<RowChunk>,
  ids: ReadonlyMap<string, string>,
): Promise<void> {
  let waiting: PackedChunk[] = [];
  let bytes = 0;
  const write = async (): Promise<void> => {
    const packed = waiting;
    waiting = [];
    bytes = 0;
    await writeChunks(trx, packed);
  };
  for await (const chunk of chunks) {
    const itemId = ids.get(chunk.txid);
    if (itemId === undefined) continue;
    const packing = pack(chunk, itemId);
    const packed = packing instanceof Promise ? await packing : packing;
    waiting.push(packed);
    bytes += packed.data.length;
    if (waiting.length >= UNDO_WRITE_CHUNKS_MAX || bytes >= UNDO_WRITE_BYTES_MAX) await write();
  }
  if (waiting.length > 0) await write();
}

/** Not waited for where nothing is: thousands of small chunks are thousands of turns. */
function pack(chunk: RowChunk, itemId: string): PackedChunk | Promise<PackedChunk> {
  const { shapeId, part, rows } = chunk;
  const { buffer, byteOffset, byteLength } = chunk.data;
  const plain = Buffer.from(buffer, byteOffset, byteLength);
  const sha256 = hash('sha256', plain, 'buffer');
  const facts = { itemId, shapeId, part, rows, sha256 };
  if (plain.length < UNDO_GZIP_BYTES_MIN) return { ...facts, isGzip: false, data: plain };
  return gzipped(plain, { level: GZIP_LEVEL }).then((small) => {
    const isGzip = small.length < plain.length * GZIP_PAYS;
    return { ...facts, isGzip, data: isGzip ? small : plain };
  });
}

async function writeChunks(trx: Trx, packed: readonly PackedChunk[]): Promise<void> {
  const hashes = packed.map(({ sha256 }) => sha256);
  const data = packed.map((chunk) => chunk.data);
  await sql`insert into holdfast.undo_chunks (item_id, shape_id, part, rows, is_gzip, sha256, data)
            select id, shape, part::integer, rows::integer, gzip = 1, hash, data
            from unnest(${textArray(packed.map(({ itemId }) => itemId))}::text[],
              ${int8Array(packed.map(({ shapeId }) => shapeId))}::bigint[],
              ${int8Array(packed.map(({ part }) => part))}::bigint[],
              ${int8Array(packed.map(({ rows }) => rows))}::bigint[],
              ${int8Array(packed.map(({ isGzip }) => (isGzip ? 1 : 0)))}::bigint[],
              ${binaryArray(OID.bytea, hashes)}::bytea[], ${binaryArray(OID.bytea, data)}::bytea[])
              as c (id, shape, part, rows, gzip, hash, data)`.execute(trx);
}
