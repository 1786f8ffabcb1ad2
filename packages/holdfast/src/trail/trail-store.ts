/**
 * Where entries lie; implemented by `store/`. Appending is optimistic on the head row, so that several
 * processes may append to one trail: whoever lost the race loads the new head and tries again.
 */
import type { TreeHead } from './verify/tree.ts';

/** Size and frontier of the Merkle tree: the roots of its perfect subtrees, largest first. */
export type TrailHead = TreeHead;

export interface StoredEntry {
  readonly index: bigint;
  /** The canonical bytes that were hashed into the tree. */
  readonly bytes: Buffer;
}

export interface NewEntry extends StoredEntry {
  /** Entry kind, for look-ups: `decision`, `outcome`, `reads`, or an event kind. */
  readonly kind: string;
  /** For an outcome: the index of its decision. */
  readonly decisionIndex: bigint | null;
  readonly instanceId: string;
}

export interface StoredCheckpoint {
  readonly size: bigint;
  /** Frontier of the tree of that size, so that an export may begin there. */
  readonly frontier: readonly Buffer[];
  /** The whole signed note. */
  readonly note: string;
}

/**
 * - `appended`        durable.
 * - `head-moved`      nothing written: the head is not `expected` any more.
 * - `outcome-exists`  nothing written: a decision in it has its outcome already.
 */
export type AppendResult = 'appended' | 'head-moved' | 'outcome-exists';

export interface TrailStore {
  head(): Promise<TrailHead>;
  /**
   * One durable transaction of consecutive entries. Rejects within TRAIL_APPEND_MS_MAX; then it may
   * or may not have been written, which is certain only once the head has moved past `expected`.
   */
  append(expected: TrailHead, next: TrailHead, entries: readonly NewEntry[]): Promise<AppendResult>;
  /** Ascending from `from`, at most `limit`. */
  read(from: bigint, limit: number): Promise<readonly StoredEntry[]>;
  /** Which of these decisions have an outcome. */
  outcomesOf(decisionIndexes: readonly bigint[]): Promise<readonly bigint[]>;
  /** The newest decision of this instance, as its bytes; null when there is none. */
  lastDecisionOf(instanceId: string): Promise<Buffer | null>;
  /** Calls back when the connection that appends is lost while nothing is being appended. */
  onLost(handler: (cause: unknown) => void): void;
  /** Decisions without an outcome written by these instances; ascending. */
  orphans(instanceIds: readonly string[]): Promise<readonly bigint[]>;
  saveCheckpoint(checkpoint: StoredCheckpoint): Promise<void>;
  /** The newest `limit` ones, ascending. */
  newestCheckpoints(limit: number): Promise<readonly StoredCheckpoint[]>;
  /** Those with `size >= from`, ascending, at most `limit`. */
  checkpointsFrom(from: bigint, limit: number): Promise<readonly StoredCheckpoint[]>;
  /** The newest one with `size <= at`. */
  checkpointBefore(at: bigint): Promise<StoredCheckpoint | null>;
  close(): Promise<void>;
}
