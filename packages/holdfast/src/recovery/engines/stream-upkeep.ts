/**
 * What keeps a stream from a server into a vault going, whatever flows in it: one session after the other,
 * with a growing pause; a server that falls silent is taken for gone; what is durable never goes back; and
 * what is wrong is told in one sentence, the most urgent first. Nothing here knows what is streamed.
 */
import type { Clock } from '../../model/clock.ts';
import { HoldfastError, messageOf } from '../../model/errors.ts';
import type { ReplicationConnection } from './pull/replication-connection.ts';
import { type SlotLook, slotTrouble } from './pull/slot.ts';

/** A server without a sign of life for so long is taken for gone. */
export const SILENT_MS_MAX = 10_000;
export const SLOT_LOOK_MS = 10_000;
const BACKOFF_MS_MIN = 250;
const BACKOFF_MS_MAX = 8_000;

export interface Beat {
  readonly everyMs: number;
  /** At the first tick, or when so long has gone by. */
  readonly first: 'at once' | 'later';
  readonly does: () => void;
}

export class StreamUpkeep {
  readonly #clock: Clock;
  /** `WAL stream`, `stream of changes`: as in sentences. */
  readonly #what: string;
  readonly #tickMs: number;
  #isClosed = false;
  #isStreaming = false;
  #durable: bigint | null = null;
  #heardAt: Date | null = null;
  #heardMs = 0;
  /** Since when the vault has been at something; null: it is not. */
  #storingMs: number | null = null;
  #trouble: string | null = null;
  #slot: SlotLook | null = null;
  #connection: ReplicationConnection | null = null;
  readonly #changes = new Set<() => void>();

  constructor(clock: Clock, what: string, tickMs: number) {
    this.#clock = clock;
    this.#what = what;
    this.#tickMs = tickMs;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** The server was heard of lately. */
  get isStreaming(): boolean {
    return this.#isStreaming && !this.#isSilent;
  }

  /** Everything before it is in the vault; null: nobody knows yet. */
  get durable(): bigint | null {
    return this.#durable;
  }

  get heardAt(): Date | null {
    return this.#heardAt;
  }

  /** As the server last said it; null before that. */
  get slot(): SlotLook | null {
    return this.#slot;
  }

  /** As the last session left it, or since one goes well; null: nothing. */
  get trouble(): string | null {
    return this.#trouble;
  }

  get #isSilent(): boolean {
    return this.#clock.monotonicMs() - this.#heardMs > SILENT_MS_MAX;
  }

  /** One session after the other, until it is closed. */
  async keep(session: () => Promise<void>): Promise<void> {
    for (let backoffMs = BACKOFF_MS_MIN; !this.#isClosed; ) {
      const heardBefore = this.#heardMs;
      try {
        await session();
      } catch (error) {
        this.#trouble = sentenceOf(error);
      }
      this.#isStreaming = false;
      this.#connection?.close();
      this.#connection = null;
      backoffMs =
        this.#heardMs > heardBefore ? BACKOFF_MS_MIN : Math.min(backoffMs * 2, BACKOFF_MS_MAX);
      this.change();
      const until = this.#clock.monotonicMs() + backoffMs;
      while (!this.#isClosed && this.#clock.monotonicMs() < until) await this.changed();
    }
  }

  /** Closed with the stream, and when its session ends. Throws when the stream was closed meanwhile. */
  holds(connection: ReplicationConnection): void {
    this.#connection = connection;
    if (this.#isClosed) throw this.#closed();
  }

  /** For as long as one connection streams; ends with what is returned. */
  beat(
    connection: ReplicationConnection,
    isPaused: () => boolean,
    beats: readonly Beat[],
  ): () => void {
    const began = this.#clock.monotonicMs();
    const last = beats.map(({ first }) => (first === 'later' ? began : Number.NEGATIVE_INFINITY));
    const timer = setInterval(() => {
      const nowMs = this.#clock.monotonicMs();
      if (!isPaused() && this.#isSilent) connection.close();
      for (const [at, { does, everyMs }] of beats.entries()) {
        if (nowMs - (last[at] ?? 0) <= everyMs) continue;
        last[at] = nowMs;
        does();
      }
    }, this.#tickMs);
    return () => clearInterval(timer);
  }

  heard(): void {
    this.#heardAt = this.#clock.now();
    this.#heardMs = this.#clock.monotonicMs();
  }

  /** It was we who did not listen. */
  listensAgain(): void {
    this.#heardMs = this.#clock.monotonicMs();
  }

  goesWell(): void {
    this.#isStreaming = true;
    this.#trouble = null;
  }

  waitsFor(sentence: string): void {
    this.#trouble = sentence;
  }

  slotIs(look: SlotLook): void {
    this.#slot = look;
  }

  /** It does not go back. */
  durableIs(lsn: bigint): void {
    if (this.#durable === null || lsn > this.#durable) this.#durable = lsn;
  }

  /** Resolves when everything before `lsn` is durable in the vault. */
  async durableUpTo(lsn: bigint, signal: AbortSignal): Promise<void> {
    await this.until(() => this.#durable !== null && this.#durable >= lsn, signal);
  }

  /** Rejects when it is closed before that. */
  async until(isSo: () => boolean, signal: AbortSignal): Promise<void> {
    while (!isSo()) {
      signal.throwIfAborted();
      if (this.#isClosed) throw this.#closed();
      await this.changed();
    }
  }

  async storing(store: () => Promise<unknown>): Promise<void> {
    this.#storingMs = this.#clock.monotonicMs();
    try {
      await store();
    } finally {
      this.#storingMs = null;
    }
  }

  /** Null: nothing is wrong. */
  troubleNow(): string | null {
    const storingMs = this.#storingMs === null ? 0 : this.#clock.monotonicMs() - this.#storingMs;
    if (storingMs > SILENT_MS_MAX) {
      return `The vault has taken nothing for ${Math.round(storingMs / 1000)} seconds; the server keeps the WAL.`;
    }
    const slot = this.#slot === null ? null : slotTrouble(this.#slot);
    if (this.isStreaming) return slot ?? this.#trouble;
    return this.#trouble ?? slot ?? `The ${this.#what} is not connected.`;
  }

  change(): void {
    for (const wake of this.#changes) wake();
    this.#changes.clear();
  }

  /** Resolves with the next change, or tick. */
  changed(): Promise<void> {
    return new Promise((done) => {
      const timer = setTimeout(done, this.#tickMs);
      this.#changes.add(() => {
        clearTimeout(timer);
        done();
      });
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#connection?.close();
    this.change();
  }

  /** The server ended it, and nobody asked it to. */
  serverStops(): HoldfastError {
    return new HoldfastError('HF_UPSTREAM_LOST', {
      expected: `the ${this.#what} to last`,
      found: 'that the server ended it',
      hint: 'It is connected again by itself; check that the server runs.',
    });
  }

  #closed(): HoldfastError {
    return new HoldfastError('HF_UPSTREAM_LOST', {
      expected: `the ${this.#what} to be open`,
      found: 'that it was closed',
      hint: 'Start it again.',
    });
  }
}

/** Throws unless the server is the one whose points lie in the vault. */
export function mustBeSameSystem(expected: string, found: string): void {
  if (found === expected) return;
  throw new HoldfastError('HF_RECOVERY_SERVER', {
    expected: `the cluster ${expected}`,
    found: `${found} at the same address`,
    hint: 'The cluster was made anew. Start Holdfast again; it takes new recovery points beside the old ones.',
  });
}

function sentenceOf(error: unknown): string {
  if (error instanceof HoldfastError) return `${error.message} ${error.hint}`;
  return messageOf(error);
}
