/**
 * What takes recovery points of a target and brings them back. An engine reads a server and a vault; it
 * knows no policy, no people and no schedule, and it never holds a credential of the vault's storage.
 */
import type { EngineKind, RecoveryPoint } from '../recovery-point.ts';

/** Said at most a few times a second while something long runs. */
export interface Progress {
  readonly phase: 'start' | 'backup' | 'wal' | 'fetch' | 'restore' | 'replay' | 'verify';
  readonly doneBytes: number;
  /** Null: nobody knows. */
  readonly totalBytes: number | null;
  readonly bytesPerSecond: number;
}
export type Tell = (progress: Progress) => void;

export interface Restored {
  readonly point: RecoveryPoint;
  /** The data folder, ready to be started; nothing listens yet. */
  readonly folder: string;
  readonly phases: { readonly fetchMs: number; readonly restoreMs: number };
}

/** Where a restore ends: all that committed at or before the time, or before the position; both null: all the WAL there is. */
export interface RestoreGoal {
  readonly at: Date | null;
  readonly lsn: string | null;
}

export interface Engine {
  readonly kind: EngineKind;
  /** Resolves when its point.json is durable in the vault. */
  backup(tell: Tell, signal: AbortSignal): Promise<RecoveryPoint>;
  /** Into an empty folder. Every file is checked before it counts. */
  restore(
    point: RecoveryPoint,
    goal: RestoreGoal,
    folder: string,
    tell: Tell,
    signal: AbortSignal,
  ): Promise<Restored>;
}

/** The newest that is durable in the vault; what is lost when the target dies now is what came after. */
export interface StreamState {
  readonly isStreaming: boolean;
  readonly timeline: number;
  readonly durableLsn: string | null;
  /** When the server was last heard of. */
  readonly heardAt: Date | null;
  readonly durableAt: Date | null;
  readonly trouble: string | null;
  /** WAL is lost for good: only a new base backup helps. */
  readonly hasGap: boolean;
}

/** Continuous WAL into the vault, until it is closed. Reconnects by itself, and says so. */
export interface WalStream {
  state(): StreamState;
  close(): Promise<void>;
}
