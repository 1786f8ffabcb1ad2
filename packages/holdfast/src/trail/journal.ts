/**
 * Where a decision is written down first, on this machine; implemented by `store/file-journal.ts`.
 * Appending to the trail takes a round trip and a commit of another server; a decision must not wait
 * that long. So it is durable here, and taken over into the trail a moment later, in order.
 */

export interface JournalRecord {
  readonly instanceId: string;
  /** From 1, without gaps, per instance. */
  readonly sequence: number;
  /** The canonical bytes of the entry. */
  readonly bytes: Buffer;
}

export interface Journal {
  /** Of processes that ended before all was taken over; per instance oldest first. */
  readonly leftover: readonly JournalRecord[];
  /** All of the leftover lies in the trail now. */
  forgetLeftover(): void;
  /** The sequence of the next record. */
  readonly next: number;
  /**
   * With the operating system when it returns: survives the end of this process, kill -9 included.
   * Throws when it cannot be written; then it counts as not written.
   */
  write(bytes: Buffer): void;
  /** Resolves when all up to `sequence` survive the end of the machine; null when they do already. */
  durable(sequence: number): Promise<void> | null;
  /** Somebody will ask for `durable(sequence)` soon: begins, and nobody waits. Never throws. */
  hasten(sequence: number): void;
  /** All up to `sequence` lie in the trail: their room may be used again. */
  release(sequence: number): void;
  /** Keeps what was not released for the next start. */
  close(): void;
}
