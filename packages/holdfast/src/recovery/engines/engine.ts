/**
 * What takes recovery points of a target and brings them back. An engine reads a server and a vault; it
 * knows no policy, no people and no schedule, and it never holds a credential of the vault's storage.
 */
import type { Witness } from '../drills/witness.ts';
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
  readonly phases: {
    readonly fetchMs: number;
    readonly restoreMs: number;
    /** Of changes that the engine itself brought in; left out: the server replays as it starts. */
    readonly replayMs?: number;
  };
  /** Who may do everything in it; null: whoever might in the source. */
  readonly superuser?: string | null;
}

/** What a server says of itself once; all keys of its vault hang on it. */
export interface ServerFacts {
  /** As `server_version_num`: 150020. */
  readonly version: number;
  readonly systemIdentifier: string;
  readonly walSegmentBytes: number;
  readonly hasChecksums: boolean;
}

/** Where a restore ends: all that committed at or before the time, or before the position; both null: all the WAL there is. */
export interface RestoreGoal {
  readonly at: Date | null;
  readonly lsn: string | null;
}

export interface Engine {
  readonly kind: EngineKind;
  /** A point is whole only with what is streamed after it: while nothing reaches the vault, none can be. */
  readonly needsStream: boolean;
  /** Rejects with HF_RECOVERY_SERVER for a server that it cannot work with; asked again when it did. */
  facts(): Promise<ServerFacts>;
  /** Starts what goes on between points, once. Null: nothing does, and a point holds its own moment only. */
  stream(): Promise<EngineStream | null>;
  /**
   * Resolves when its point.json is durable in the vault. `distrusted`: ids of points that nothing may be
   * built on, since their drills did not pass.
   */
  backup(tell: Tell, signal: AbortSignal, distrusted: ReadonlySet<string>): Promise<RecoveryPoint>;
  /** To compare the point just taken with, at a place that it can be brought back to. Null: none could be had. */
  witness(point: RecoveryPoint, signal: AbortSignal): Promise<Witness | null>;
  /** Into an empty folder. Every file is checked before it counts. */
  restore(
    point: RecoveryPoint,
    goal: RestoreGoal,
    folder: string,
    tell: Tell,
    signal: AbortSignal,
  ): Promise<Restored>;
  /** Sentences: why it does less here than it might. As far as it has looked. */
  lacks?(): readonly string[];
  /** Of points whose files lie elsewhere than in the vault: the ids of those that are gone there. */
  lost?(points: readonly RecoveryPoint[], signal: AbortSignal): Promise<ReadonlySet<string>>;
  /** Ends the stream. Repeated: nothing. */
  close(): Promise<void>;
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
  /** What the newest point cannot be brought past: only a new point helps. */
  readonly hasGap: boolean;
  /**
   * What it does not carry by its nature, in sentences. Not empty: what is lost when the target dies is
   * counted from the newest point, however fresh the stream is. Left out: it carries everything.
   */
  readonly notCarried?: readonly string[];
}

/** What changes, continuously into the vault, until it is closed. Reconnects by itself, and says so. */
export interface EngineStream {
  state(): StreamState;
  close(): Promise<void>;
}
