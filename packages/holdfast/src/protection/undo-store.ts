/**
 * Where undo data lies, outside the target's blast radius. Implemented by `store/undo-store.ts`.
 *
 * Duties: `keep` is one durable transaction and idempotent by (install, txid, fingerprint); data has no
 * delete but `finishPurge` of a purge that `beginPurge` began, and that begins nothing that is not due by
 * the ledger; lists are pages, newest first.
 */
import type { TableShape, UndoEntry, UndoItem, UndoState } from './undo-item.ts';

/** A committed transaction as the drain found it. */
export interface DrainedItem {
  readonly txid: string;
  /**
   * Digest of its journal rows. A target that was set back to an older state gives its txids out again:
   * the same txid with another fingerprint is another transaction, and nothing of it may be skipped.
   */
  readonly fingerprint: string;
  readonly at: Date;
  readonly role: string;
  readonly agentId: string | null;
  readonly agentName: string | null;
  readonly application: string;
  readonly undoOf: string | null;
  readonly entries: readonly UndoEntry[];
}

/**
 * Rows of one captured table in COPY text format, whole lines, at most UNDO_CHUNK_BYTES_MAX (a longer
 * row is a chunk by itself): the columns `seq, n, side, c<attnum>...` (or `whole`). All rows of a chunk
 * are of one transaction; they come in the order they lie in, not sorted. Whoever takes one may keep `data`.
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
  /** As it was called when it acted. */
  readonly agentName?: string;
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
  /** Of many items, in one query; an item without entries is not in it. */
  entriesOf(ids: readonly string[]): Promise<ReadonlyMap<string, readonly UndoEntry[]>>;
  /** Rows of an item and shape, in order of `part`. */
  chunks(id: string, shapeId: bigint): AsyncIterable<RowChunk>;
  /** Rows of many items and one shape, read ahead in pages of a few megabytes; parts of an item in order. */
  chunksOf(ids: readonly string[], shapeId: bigint): AsyncIterable<RowChunk>;
  /** Written before an undo begins on the target: `items` is what it is to take back. */
  beginRun(run: UndoRun): Promise<void>;
  /** Written before its transaction commits: whether it takes its items back wholly. */
  endRun(id: string, isWhole: boolean): Promise<void>;
  /** The items an undo took back; empty when there is no such run. */
  itemsOfRun(id: string): Promise<readonly string[]>;
  /**
   * Runs over any of these items that took them back wholly and whose own transaction is in the vault,
   * though nobody wrote down the states after it: a crash in between.
   */
  unsettledRuns(ids: readonly string[]): Promise<readonly UndoRun[]>;
  settleRun(id: string): Promise<void>;
  /** Between `kept` and `undone`; not while a purge has begun. How many changed. */
  setState(
    ids: readonly string[],
    from: readonly ('kept' | 'undone')[],
    to: 'kept' | 'undone',
  ): Promise<number>;
  /** Only ever longer. How many changed. */
  extend(ids: readonly string[], byMs: number): Promise<number>;
  /** Due `afterMs` of watched time from now, if that is sooner than its own time. */
  requestPurge(ids: readonly string[], afterMs: number): Promise<number>;
  /** Back to what they were, for as long as their purge has not begun. */
  cancelPurge(ids: readonly string[]): Promise<number>;
  /**
   * Takes what is due by the ledger, at most `limit`, and what was begun and not finished: from then on
   * neither cancelled, extended nor undone.
   */
  beginPurge(limit: number): Promise<readonly DuePurge[]>;
  /** Its data is gone when it resolves; the item stays in the list as `purged`. */
  finishPurge(id: string): Promise<void>;
}

/** One undo as it was ordered; its id is in the name of its session on the target. */
export interface UndoRun {
  /** `run_...`. */
  readonly id: string;
  readonly target: string;
  readonly items: readonly string[];
}

export interface DuePurge {
  readonly id: string;
  readonly target: string;
  /** Trash schemas of the item that no other item of this target still needs. */
  readonly trash: readonly string[];
}
