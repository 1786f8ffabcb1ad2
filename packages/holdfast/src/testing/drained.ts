/** Items and chunks as the drain hands them to the vault. */

import type { ActRecord, TableShape } from '../protection/undo-item.ts';
import type { DrainedItem, RowChunk, UndoStore } from '../protection/undo-store.ts';

export const SHAPE: TableShape = {
  shapeId: 7n,
  tableOid: 16_384,
  schema: 'public',
  table: 'bookings',
  columns: [
    {
      attnum: 1,
      name: 'id',
      type: 'integer',
      kept: 'integer',
      generated: '',
      identity: '',
      notNull: true,
    },
  ],
  key: [1],
  isWhole: false,
};

export function drainedItem(txid: number, facts: Partial<DrainedItem> = {}): DrainedItem {
  return {
    txid: String(txid),
    fingerprint: `of ${txid}`,
    at: new Date(Date.UTC(2026, 10, 21, 9, 0, txid)),
    role: 'hf_cursor',
    agentId: 'agent_1',
    agentName: 'cursor',
    application: 'psql',
    undoOf: null,
    entries: [{ seq: BigInt(txid), op: 'D', rows: 2, shape: SHAPE, act: null }],
    ...facts,
  };
}

export function dropOf(name: string, trash: readonly string[]): ActRecord {
  return {
    verb: 'DROP TABLE',
    statement: `drop table ${name}`,
    objects: [{ type: 'table', name }],
    undo: [{ about: `table ${name}`, sql: 'alter table ...' }],
    redo: [],
    absent: [{ type: 'table', name }],
    trash,
    notRestored: [],
  };
}

export function chunkOf(txid: number, text: string, part = 0): RowChunk {
  const data = Buffer.from(text);
  return { txid: String(txid), shapeId: 7n, part, data, rows: text.split('\n').length - 1 };
}

export function keepThese(
  store: UndoStore,
  items: readonly DrainedItem[],
  chunks: readonly RowChunk[] = [],
  graceMs = 1_000,
): ReturnType<UndoStore['keep']> {
  return store.keep({
    target: 'main-db',
    install: 'one',
    shapes: [SHAPE],
    items,
    chunks: inOrder(chunks),
    graceMs,
  });
}

async function* inOrder(chunks: readonly RowChunk[]): AsyncIterable<RowChunk> {
  yield* chunks;
}
