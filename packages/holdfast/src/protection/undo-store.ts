/**
 * Where undo data lies, outside the target's blast radius. Implemented by `store/undo-store.ts`.
 *
 * Duties: `keep` is one durable transaction and idempotent by (install, txid); data has no delete but
 * `purge`, which refuses (HF_UNDO_STATE) what is not due by the ledger; lists are pages, newest first.
 */
import type { JournalOp, TableShape, UndoEntry, UndoItem, UndoState } from './undo-item.ts';

/** A committed transaction as the drain found it. */
export interface DrainedItem {
  readonly txid: string;
  readonly at: Date;
  readonly role: string;
  readonly application: string;
  readonly undoOf: string | null;
  readonly entries: readonly UndoEntry[];
}

/**
 * Rows of one captured table in COPY text format, whole lines, at most UNDO_CHUNK_BYTES_MAX: the columns
 * `seq, n, side, c<attnum>...` (or `whole`). All rows of a chunk are of one transaction.
 */
export interface RowChunk {
  readonly txid: string;
  readonly shapeId: bigint;
  /** 0, 1, ... within (txid, shapeId). */
  readonly part: number;
  readonly data: Uint8Array;
  readonly rows: number;
}

export interface UndoQuery {
  readonly target?: string;
  readonly agentId?: string;
  readonly role?: string;
  readonly since?: Date;
  readonly until?: Date;
  readonly states?: readonly UndoState[];
  readonly limit: number;
  /** Id of the last item of the page before. */
  readonly after?: string;
}

export interface UndoStore {
  /** Shapes first, then items with their rows; durable when it resolves. */
  keep(batch: {
    readonly target: string;
    readonly install: string;
    readonly shapes: readonly TableShape[];
    readonly items: readonly DrainedItem[];
    readonly chunks: AsyncIterable<RowChunk>;
    /** How long each is kept, in ms of watched time. */
    readonly graceMs: number;
  }): Promise<{ readonly kept: number; readonly known: number }>;
  list(query: UndoQuery): Promise<readonly UndoItem[]>;
  find(id: string): Promise<UndoItem | null>;
  entries(id: string): Promise<readonly UndoEntry[]>;
  /** Rows of an item and shape, in order of `part`. */
  chunks(id: string, shapeId: bigint): AsyncIterable<RowChunk>;
  setState(ids: readonly string[], from: readonly UndoState[], to: UndoState): Promise<number>;
  extend(ids: readonly string[], byMs: number): Promise<number>;
}

export type { JournalOp };
