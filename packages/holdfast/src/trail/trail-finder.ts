/**
 * How people find entries. The index follows the trail: what has been appended is taken into it a batch
 * at a time, by whichever process comes first, so that no append waits for it. A question first takes in
 * what is new, within a bound, and says how much of the trail it could not take in.
 */
import type { Verdict } from '../model/verdict.ts';

export interface TrailQuestion {
  readonly kind: string | null;
  /** By name. */
  readonly agent: string | null;
  readonly target: string | null;
  readonly verdict: Verdict['kind'] | null;
  readonly hold: string | null;
  /** By the time in the entry. */
  readonly since: Date | null;
  readonly until: Date | null;
  /** Anywhere in the entry; upper and lower case of ASCII are the same. */
  readonly text: string | null;
  /** Entries before this one; null: from the newest on. */
  readonly before: bigint | null;
  readonly limit: number;
}

export interface FoundEntry {
  readonly index: bigint;
  readonly bytes: Buffer;
  /** Of a decision: the entry that says what came of it. */
  readonly outcome: { readonly index: bigint; readonly bytes: Buffer } | null;
}

export interface TrailPage {
  /** Newest first. */
  readonly entries: readonly FoundEntry[];
  /** The oldest entry that was looked at; there may be more to find before it. Null: nothing is left. */
  readonly lookedTo: bigint | null;
}

/** Entries of one kind; decisions are counted by verdict. */
export interface EntryCount {
  readonly kind: string;
  readonly verdict: Verdict['kind'] | null;
  readonly entries: number;
}

export interface TrailIndex {
  /** Takes in at most `limit` entries. How many it took; null: another process is at it. */
  advance(limit: number): Promise<number | null>;
  /** Entries that are taken in: all with a smaller index. */
  size(): Promise<bigint>;
  find(question: TrailQuestion): Promise<TrailPage>;
  /** Which kinds there are among entries from `from` on, of at most `limit`. */
  kinds(from: bigint, limit: number): Promise<readonly string[]>;
  /** The entry that says what came of this decision. */
  outcomeOf(decision: bigint): Promise<bigint | null>;
  counts(): Promise<readonly EntryCount[]>;
}

/** Of one transaction: about 30 ms. */
const BATCH = 1_000;
/** Before a question is answered: while it is followed, what came since the last step of that. */
const FRESH_MAX = 200;
/** By a command, which has nobody to follow for it. */
const FRESH_ALONE_MAX = 20_000;
const FOLLOW_MS = 500;

export class TrailFollower {
  readonly #index: TrailIndex;
  readonly #trouble: (error: unknown) => void;
  #timer: NodeJS.Timeout | null = null;
  #running: Promise<void> | null = null;
  #stopped = false;
  /** It was said that the index cannot follow. */
  #isStuck = false;

  constructor(index: TrailIndex, trouble: (error: unknown) => void) {
    this.#index = index;
    this.#trouble = trouble;
  }

  /** Follows from now on. */
  start(): void {
    this.#timer = setInterval(() => this.#follow(), FOLLOW_MS);
    this.#timer.unref();
    this.#follow();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#timer) clearInterval(this.#timer);
    await this.#running;
  }

  /** Takes in what is new, as far as that is soon done. */
  async freshen(): Promise<void> {
    const most = this.#timer === null ? FRESH_ALONE_MAX : FRESH_MAX;
    for (let left = most; left > 0; ) {
      const wanted = Math.min(BATCH, left);
      const taken = await this.#index.advance(wanted);
      if (taken === null || taken < wanted) return;
      left -= taken;
    }
  }

  #follow(): void {
    this.#running ??= this.#catchUp().finally(() => {
      this.#running = null;
    });
  }

  async #catchUp(): Promise<void> {
    try {
      while (!this.#stopped) {
        const taken = await this.#index.advance(BATCH);
        this.#isStuck = false;
        if (taken === null || taken < BATCH) return;
      }
    } catch (error) {
      // Twice a second the same words help nobody.
      if (!this.#isStuck) this.#trouble(error);
      this.#isStuck = true;
    }
  }
}
