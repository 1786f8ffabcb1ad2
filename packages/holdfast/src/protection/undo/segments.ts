/**
 * From chosen items to the order of work. Journal entries are taken in reverse order of `seq`, cut where
 * an act on structure stands: rows captured after a DROP COLUMN go back before the column does.
 * Inside a segment the order of statements no longer matters: rows go back by their net effect.
 */
import type { ActRecord, TableShape, UndoEntry, UndoItem } from '../undo-item.ts';

export interface ChosenItem {
  readonly item: UndoItem;
  readonly entries: readonly UndoEntry[];
}

export type Segment = RowsSegment | ActSegment;

export interface ActSegment {
  readonly kind: 'act';
  readonly itemId: string;
  readonly seq: bigint;
  readonly act: ActRecord;
}

export interface RowsSegment {
  readonly kind: 'rows';
  readonly shapes: readonly ShapeRows[];
}

/** What of one shape belongs to a segment. */
export interface ShapeRows {
  readonly shape: TableShape;
  /** `seq` of each entry, and the transaction it belongs to (0, 1, ... in order of the items). */
  readonly entries: readonly ShapeEntry[];
  readonly itemIds: readonly string[];
  readonly rows: number;
  readonly byOp: (op: UndoEntry['op']) => number;
}

export interface ShapeEntry {
  readonly seq: bigint;
  readonly tx: number;
  readonly op: UndoEntry['op'];
}

export interface Narrowing {
  /** `public.bookings`; null: all tables, and acts too. */
  readonly tables: readonly string[] | null;
}

interface Numbered {
  readonly entry: UndoEntry;
  readonly tx: number;
  readonly itemId: string;
}

export function segmentsOf(chosen: readonly ChosenItem[], narrowing: Narrowing): Segment[] {
  const all: Numbered[] = chosen.flatMap(({ item, entries }, tx) =>
    entries.map((entry) => ({ entry, tx, itemId: item.id })),
  );
  all.sort((one, other) =>
    one.entry.seq === other.entry.seq ? 0 : one.entry.seq < other.entry.seq ? 1 : -1,
  );
  const segments: Segment[] = [];
  let rows: Numbered[] = [];
  const close = (): void => {
    if (rows.length > 0) segments.push(rowsSegment(rows));
    rows = [];
  };
  for (const one of all) {
    const { entry } = one;
    if (entry.shape !== null && isWanted(entry.shape, narrowing)) rows.push(one);
    if (entry.act === null || narrowing.tables !== null) continue;
    close();
    segments.push({ kind: 'act', itemId: one.itemId, seq: entry.seq, act: entry.act });
  }
  close();
  return segments;
}

export function tableName(shape: Pick<TableShape, 'schema' | 'table'>): string {
  return `${shape.schema}.${shape.table}`;
}

function isWanted(shape: TableShape, { tables }: Narrowing): boolean {
  return tables?.includes(tableName(shape)) ?? true;
}

function rowsSegment(numbered: readonly Numbered[]): RowsSegment {
  const byShape = new Map<bigint, { shape: TableShape; of: Numbered[] }>();
  for (const one of numbered) {
    const { shape } = one.entry;
    if (shape === null || one.entry.rows === 0) continue;
    const there = byShape.get(shape.shapeId);
    if (there === undefined) byShape.set(shape.shapeId, { shape, of: [one] });
    else there.of.push(one);
  }
  const shapes = [...byShape.values()].map(({ shape, of }) => ({
    shape,
    entries: of.map(({ entry, tx }) => ({ seq: entry.seq, tx, op: entry.op })),
    itemIds: [...new Set(of.map(({ itemId }) => itemId))],
    rows: of.reduce((sum, { entry }) => sum + entry.rows, 0),
    byOp: (op: UndoEntry['op']) =>
      of.reduce((sum, { entry }) => sum + (entry.op === op ? entry.rows : 0), 0),
  }));
  return { kind: 'rows', shapes };
}
