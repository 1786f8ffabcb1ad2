/**
 * Where entries lie; implemented by `store/`. Appending is optimistic on the head row, so that several
 * processes may append to one trail: whoever lost the race loads the new head and tries again.
 */

/** Size and frontier of the Merkle tree: the roots of its perfect subtrees, largest first. */
export interface TrailHead {
  readonly size: bigint;
  readonly frontier: readonly Buffer[];
}

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
  /** The whole signed note. */
  readonly note: string;
}

export interface TrailStore {
  head(): Promise<TrailHead>;
  /** One durable transaction; false, and nothing written, when the head is not `expected` any more. */
  append(expected: TrailHead, next: TrailHead, entries: readonly NewEntry[]): Promise<boolean>;
  /** Ascending from `from`, at most `limit`. */
  read(from: bigint, limit: number): Promise<readonly StoredEntry[]>;
  /** Decisions without an outcome written by instances that are gone; ascending. */
  orphans(liveInstanceIds: readonly string[]): Promise<readonly bigint[]>;
  saveCheckpoint(checkpoint: StoredCheckpoint): Promise<void>;
  lastCheckpoint(): Promise<StoredCheckpoint | null>;
}
