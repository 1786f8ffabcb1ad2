/** Undo items by the hundred thousand, as the drain hands them to the vault: batches of whole transactions. */

import type { TableShape, UndoEntry } from '#holdfast/protection/undo-item.js';
import type { DrainedItem, RowChunk, UndoStore } from '#holdfast/protection/undo-store.js';

export const HOUR_MS = 3_600_000;
/** They are spread over two days from then. */
export const FIRST_AT = Date.now() - 48 * HOUR_MS;
export const AGENTS = ['booking-desk', 'cursor-backend', 'support', 'nightly', 'claude-web', 'etl'];
const TARGETS_BESIDE = ['billing-db', 'crm-db'];
const TABLES = ['bookings', 'payments', 'customers', 'reviews', 'vehicles'];
/** DRAIN_STATEMENTS_MAX statements are about so many transactions. */
const BATCH = 2_000;
const GRACE_MS = 48 * HOUR_MS;

export async function fillVault(
  store: UndoStore,
  target: string,
  items: number,
  say: (text: string) => void,
): Promise<void> {
  const targets = [target, ...TARGETS_BESIDE];
  for (let from = 0, batch = 0; from < items; from += BATCH, batch += 1) {
    const numbers = Array.from({ length: Math.min(BATCH, items - from) }, (_, at) => from + at);
    const made = numbers.map((number) => itemOf(number, items));
    await store.keep({
      target: targets[batch % targets.length] ?? target,
      install: `bench-${batch % targets.length}`,
      shapes: SHAPES,
      items: made,
      chunks: chunksOf(made),
      graceMs: GRACE_MS,
    });
    if (batch % 10 === 9) say(`list: ${from + numbers.length} of ${items} items`);
  }
}

/** Nothing random: the same every time. */
function itemOf(number: number, all: number): DrainedItem {
  const agent = AGENTS[(number * 7) % AGENTS.length] ?? '';
  const isAgents = number % 5 !== 0;
  const parts = 1 + (number % 3);
  return {
    txid: String(1_000_000 + number),
    fingerprint: `of ${number}`,
    at: new Date(FIRST_AT + Math.floor((48 * HOUR_MS * number) / all)),
    role: isAgents ? `hf_${agent.replaceAll('-', '_')}` : 'clerk',
    agentId: isAgents ? `agent_${agent}` : null,
    agentName: isAgents ? agent : null,
    application: isAgents ? 'node-postgres' : 'psql',
    undoOf: null,
    entries: Array.from({ length: parts }, (_, part) => entryOf(number, part)),
  };
}

function entryOf(number: number, part: number): UndoEntry {
  const shape = SHAPES[(number + part) % SHAPES.length] ?? null;
  const op = (['D', 'U', 'I'] as const)[(number + part) % 3] ?? 'D';
  return { seq: BigInt(number * 4 + part), op, rows: op === 'U' ? 1 : 2, shape, act: null };
}

async function* chunksOf(items: readonly DrainedItem[]): AsyncIterable<RowChunk> {
  for (const { txid, entries } of items) {
    for (const { seq, shape } of entries) {
      if (shape === null) continue;
      const lines = [1, 2].map((id) => `${seq}\t0\t-\t${id}\tguest ${txid}\t${id}.50\n`);
      yield { txid, shapeId: shape.shapeId, part: 0, data: Buffer.from(lines.join('')), rows: 2 };
    }
  }
}

const COLUMNS = [
  ['id', 'integer'],
  ['guest', 'text'],
  ['price', 'numeric'],
] as const;

const SHAPES: readonly TableShape[] = TABLES.map((table, at) => ({
  shapeId: BigInt(at + 1),
  tableOid: 20_000 + at,
  schema: 'public',
  table,
  columns: COLUMNS.map(([name, type], place) => ({
    attnum: place + 1,
    name,
    type,
    kept: type,
    generated: '',
    identity: '',
    notNull: place === 0,
  })),
  key: [1],
  isWhole: false,
}));
