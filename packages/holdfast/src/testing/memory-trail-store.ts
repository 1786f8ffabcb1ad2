/** A trail store in memory that can be taken away, for tests of what the trail does then. */
import type { InstanceBook } from '../trail/instance-book.ts';
import type {
  AppendResult,
  NewEntry,
  StoredCheckpoint,
  StoredEntry,
  TrailHead,
  TrailStore,
} from '../trail/trail-store.ts';
import { EMPTY_HEAD } from '../trail/verify/tree.ts';

/**
 * - `up`
 * - `down`         nothing gets through.
 * - `answer-lost`  appends are written, and the answer never comes; the rest is down.
 */
export type StoreHealth = 'up' | 'down' | 'answer-lost';

export class MemoryTrailStore implements TrailStore {
  readonly entries: NewEntry[] = [];
  readonly kept: StoredCheckpoint[] = [];
  health: StoreHealth = 'up';
  appends = 0;
  #head: TrailHead = EMPTY_HEAD;

  async head(): Promise<TrailHead> {
    this.#reach();
    return this.#head;
  }

  async append(
    expected: TrailHead,
    next: TrailHead,
    entries: readonly NewEntry[],
  ): Promise<AppendResult> {
    this.appends += 1;
    await Promise.resolve();
    if (this.health === 'down') this.#reach();
    if (expected.size !== this.#head.size) return 'head-moved';
    const outcomes = [...this.entries, ...entries].flatMap((entry) => entry.decisionIndex ?? []);
    if (new Set(outcomes).size < outcomes.length) return 'outcome-exists';
    this.entries.push(...entries);
    this.#head = next;
    this.#reach();
    return 'appended';
  }

  /** What a restored backup or a storage operator does. */
  cutTo(head: TrailHead): void {
    this.entries.splice(Number(head.size));
    this.#head = head;
  }

  async read(from: bigint, limit: number): Promise<readonly StoredEntry[]> {
    this.#reach();
    return this.entries.slice(Number(from), Number(from) + limit);
  }

  async outcomesOf(decisionIndexes: readonly bigint[]): Promise<readonly bigint[]> {
    this.#reach();
    const known = new Set(this.entries.map((entry) => entry.decisionIndex));
    return decisionIndexes.filter((index) => known.has(index));
  }

  async lastDecisionOf(instanceId: string): Promise<Buffer | null> {
    const own = (entry: NewEntry): boolean =>
      entry.kind === 'decision' && entry.instanceId === instanceId;
    return this.entries.findLast(own)?.bytes ?? null;
  }

  onLost(): void {}

  async orphans(instanceIds: readonly string[]): Promise<readonly bigint[]> {
    const closed = new Set(this.entries.map((entry) => entry.decisionIndex));
    return this.entries
      .filter(({ instanceId, kind }) => kind === 'decision' && instanceIds.includes(instanceId))
      .map(({ index }) => index)
      .filter((index) => !closed.has(index));
  }

  async saveCheckpoint(checkpoint: StoredCheckpoint): Promise<void> {
    this.#reach();
    this.kept.push(checkpoint);
  }

  async newestCheckpoints(limit: number): Promise<readonly StoredCheckpoint[]> {
    return this.kept.slice(-limit);
  }

  async checkpointsFrom(from: bigint, limit: number): Promise<readonly StoredCheckpoint[]> {
    return this.kept.filter(({ size }) => size >= from).slice(0, limit);
  }

  async checkpointBefore(at: bigint): Promise<StoredCheckpoint | null> {
    return this.kept.findLast(({ size }) => size <= at) ?? null;
  }

  async close(): Promise<void> {}

  #reach(): void {
    if (this.health !== 'up') throw new Error('the store is away');
  }
}

/** One process, always alive. */
export const LONELY_INSTANCE: InstanceBook = {
  announce: async () => {},
  gone: async () => [],
  settled: async () => {},
  close: async () => {},
};
