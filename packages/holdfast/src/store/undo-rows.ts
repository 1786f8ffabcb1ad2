/** Rows of the vault's tables as undo items, entries and shapes; what is read is checked, not believed. */
import { z } from 'zod';
import { parseActRecord } from '../protection/act-record.ts';
import type {
  JournalOp,
  TableShape,
  UndoEntry,
  UndoItem,
  UndoState,
} from '../protection/undo-item.ts';
import type { UndoItemsTable } from './tables.ts';

const STATES = ['kept', 'undone', 'purging', 'purged'] as const satisfies readonly UndoState[];
const OPS = ['D', 'U', 'I', 'T', 'X'] as const satisfies readonly JournalOp[];

const state = z.enum(STATES);
const op = z.enum(OPS);

const shape = z.object({
  // As text: a bigint does not fit a JSON number.
  shapeId: z.string().transform(BigInt),
  tableOid: z.number(),
  schema: z.string(),
  table: z.string(),
  columns: z.array(
    z.object({
      attnum: z.number(),
      name: z.string(),
      type: z.string(),
      kept: z.string(),
      generated: z.string(),
      identity: z.string(),
      notNull: z.boolean(),
    }),
  ),
  key: z.array(z.number()),
  isWhole: z.boolean(),
});

export const ALL_STATES: readonly UndoState[] = STATES;

export interface PartRow {
  readonly item_id: string;
  readonly op: string;
  readonly name: string;
  readonly rows: bigint;
}

export interface EntryRow {
  readonly seq: bigint;
  readonly op: string;
  readonly rows: bigint;
  readonly shape: unknown;
  readonly act: unknown;
}

export function undoItemOf(
  row: UndoItemsTable,
  parts: readonly PartRow[],
  inverse: UndoItem['inverse'] | null,
): UndoItem {
  return {
    ...(inverse ? { inverse } : {}),
    id: row.id,
    target: row.target,
    install: row.install,
    txid: row.txid,
    at: row.at,
    role: row.role,
    agentId: row.agent_id,
    agentName: row.agent_name,
    application: row.application,
    state: state.parse(row.state),
    parts: parts.map((part) => ({
      op: op.parse(part.op),
      name: part.name,
      rows: Number(part.rows),
    })),
    undoOf: row.undo_of,
    keptUntilTickMs: row.kept_until_tick_ms,
    purgeAtTickMs: row.purge_at_tick_ms,
  };
}

export function undoEntryOf(row: EntryRow): UndoEntry {
  return {
    seq: row.seq,
    op: op.parse(row.op),
    rows: Number(row.rows),
    shape: row.shape === null ? null : tableShapeOf(row.shape),
    act: row.act === null ? null : parseActRecord(row.act),
  };
}

export function tableShapeOf(stored: unknown): TableShape {
  return shape.parse(stored);
}

/** The order of keys is fixed, so that equal shapes are equal texts. */
export function shapeText(one: TableShape): string {
  return JSON.stringify({
    shapeId: one.shapeId.toString(),
    tableOid: one.tableOid,
    schema: one.schema,
    table: one.table,
    columns: one.columns.map((column) => ({
      attnum: column.attnum,
      name: column.name,
      type: column.type,
      kept: column.kept,
      generated: column.generated,
      identity: column.identity,
      notNull: column.notNull,
    })),
    key: one.key,
    isWhole: one.isWhole,
  });
}

/** What an entry touches, as the list names it. */
export function partName({ shape: table, act }: UndoEntry): string {
  if (table !== null) return `${quoted(table.schema)}.${quoted(table.table)}`;
  if (act === null) return 'unknown';
  const names = act.objects.map(({ name }) => name).join(', ');
  return names === '' ? act.verb : `${act.verb} ${names}`;
}

function quoted(name: string): string {
  return /^[a-z_][a-z0-9_$]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}
