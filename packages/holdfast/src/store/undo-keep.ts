/**
 * Writes one batch of drained transactions: shapes, items with their summary and entries, then the rows,
 * as they come, in chunks. All inside the caller's one transaction.
 *
 * An item that is there already (a crash came between this write and the drain's delete) is skipped,
 * with all its rows: the unique key is what decides, so that two drains at once do no harm either.
 */
import { createHash } from 'node:crypto';
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
import type { TableShape, UndoPart } from '../protection/undo-item.ts';
import type { DrainedItem, RowChunk, UndoStore } from '../protection/undo-store.ts';
import { binaryArray, int8, OID } from './binary-array.ts';
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
  const rows = batch.items.map((item) => ({
    id: newId('undo', clock),
    txid: item.txid,
    fingerprint: item.fingerprint,
    at: item.at.toISOString(),
    role: item.role,
    agent_id: item.agentId,
    agent_name: item.agentName,
    application: item.application,
    undo_of: item.undoOf,
  }));
  const kept = await sql<{ id: string; txid: string }>`
    insert into holdfast.undo_items (id, target, install, txid, fingerprint, at, role, agent_id,
      agent_name, application, undo_of, state, kept_until_tick_ms)
    select r.id, ${batch.target}, ${batch.install}, r.txid, r.fingerprint, r.at, r.role, r.agent_id,
      r.agent_name, r.application, r.undo_of, 'kept', ${TICK_FROM_NOW} + ${batch.graceMs}::bigint
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r (id text,
      txid text, fingerprint text, at timestamptz, role text, agent_id text, agent_name text,
      application text, undo_of text)
    on conflict (install, txid, fingerprint) do nothing
    returning id, txid`.execute(trx);
  return new Map(kept.rows.map(({ id, txid }) => [txid, id]));
}

/** Our own ids of the shapes, by the target's. */
async function keepShapes(
  trx: Trx,
  install: string,
  shapes: readonly TableShape[],
): Promise<ReadonlyMap<bigint, string>> {
  const found = new Map<bigint, string>();
  for (const one of shapes) {
    const text = shapeText(one);
    const fingerprint = createHash('sha256').update(text).digest('hex');
    const key = [install, one.shapeId.toString(), fingerprint] as const;
    await sql`insert into holdfast.undo_shapes (install, shape_id, fingerprint, shape)
              values (${key[0]}, ${key[1]}, ${key[2]}, ${text}::jsonb)
              on conflict do nothing`.execute(trx);
    const { rows } = await sql<{ id: bigint }>`
      select id from holdfast.undo_shapes
      where install = ${key[0]} and shape_id = ${key[1]} and fingerprint = ${key[2]}`.execute(trx);
    for (const { id } of rows) found.set(one.shapeId, id.toString());
  }
  return found;
}

async function keepParts(
  trx: Trx,
  items: readonly DrainedItem[],
  ids: ReadonlyMap<string, string>,
): Promise<void> {
  const rows = items.flatMap((item) =>
    partsOf(item).map((part, place) => ({ ...part, item_id: ids.get(item.txid), place })),
  );
  if (rows.length === 0) return;
  await sql`insert into holdfast.undo_parts (item_id, place, op, name, rows)
            select item_id, place, op, name, rows
            from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
              as r (item_id text, place integer, op text, name text, rows bigint)`.execute(trx);
}

function partsOf(item: DrainedItem): readonly UndoPart[] {
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

async function keepEntries(
  trx: Trx,
  items: readonly DrainedItem[],
  ids: ReadonlyMap<string, string>,
  shapes: ReadonlyMap<bigint, string>,
): Promise<void> {
  let waiting: object[] = [];
  const write = async (): Promise<void> => {
    const rows = JSON.stringify(waiting);
    waiting = [];
    await sql`insert into holdfast.undo_entries (item_id, seq, op, rows, shape, act)
              select item_id, seq, op, rows, shape, nullif(act, 'null'::jsonb)
              from jsonb_to_recordset(${rows}::jsonb) as r (item_id text, seq bigint, op text,
                rows bigint, shape bigint, act jsonb)`.execute(trx);
  };
  for (const item of items) {
    for (const { seq, op, rows, shape, act } of item.entries) {
      waiting.push({
        item_id: ids.get(item.txid),
        seq: seq.toString(),
        op,
        rows,
        shape: shape === null ? null : (shapes.get(shape.shapeId) ?? null),
        act,
      });
      if (waiting.length === ENTRIES_IN_ONE) await write();
    }
  }
  if (waiting.length > 0) await write();
}

async function keepTrash(
  trx: Trx,
  target: string,
  items: readonly DrainedItem[],
  ids: ReadonlyMap<string, string>,
): Promise<void> {
  const rows = items.flatMap((item) => {
    const named = item.entries.flatMap(({ act }) => act?.trash ?? []).filter(isTrashName);
    return [...new Set(named)].map((name) => ({ name, item_id: ids.get(item.txid) }));
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
    const packed = await pack(chunk, itemId);
    waiting.push(packed);
    bytes += packed.data.length;
    if (waiting.length >= UNDO_WRITE_CHUNKS_MAX || bytes >= UNDO_WRITE_BYTES_MAX) await write();
  }
  if (waiting.length > 0) await write();
}

async function pack(chunk: RowChunk, itemId: string): Promise<PackedChunk> {
  const { shapeId, part, rows } = chunk;
  // The drain uses its buffer again once we ask for the next chunk.
  const plain = Buffer.from(chunk.data);
  const sha256 = createHash('sha256').update(plain).digest();
  const facts = { itemId, shapeId, part, rows, sha256 };
  if (plain.length < UNDO_GZIP_BYTES_MIN) return { ...facts, isGzip: false, data: plain };
  const small = await gzipped(plain, { level: GZIP_LEVEL });
  const isGzip = small.length < plain.length * GZIP_PAYS;
  return { ...facts, isGzip, data: isGzip ? small : plain };
}

async function writeChunks(trx: Trx, packed: readonly PackedChunk[]): Promise<void> {
  const numbers = (pick: (chunk: PackedChunk) => bigint): Buffer =>
    binaryArray(
      OID.int8,
      packed.map((chunk) => int8(pick(chunk))),
    );
  const ids = binaryArray(
    OID.text,
    packed.map(({ itemId }) => Buffer.from(itemId)),
  );
  const shapes = numbers(({ shapeId }) => shapeId);
  const parts = numbers(({ part }) => BigInt(part));
  const rows = numbers((chunk) => BigInt(chunk.rows));
  const gzips = numbers(({ isGzip }) => (isGzip ? 1n : 0n));
  const hashes = binaryArray(
    OID.bytea,
    packed.map(({ sha256 }) => sha256),
  );
  const data = binaryArray(
    OID.bytea,
    packed.map((chunk) => chunk.data),
  );
  await sql`insert into holdfast.undo_chunks (item_id, shape_id, part, rows, is_gzip, sha256, data)
            select id, shape, part::integer, rows::integer, gzip = 1, hash, data
            from unnest(${ids}::text[], ${shapes}::bigint[], ${parts}::bigint[], ${rows}::bigint[],
              ${gzips}::bigint[], ${hashes}::bytea[], ${data}::bytea[])
              as c (id, shape, part, rows, gzip, hash, data)`.execute(trx);
}
