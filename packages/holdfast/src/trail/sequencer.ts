/**
 * Gives entries their place. One append is in flight at a time, and what comes meanwhile goes with
 * the next (group commit). A second one in flight would wait for the first one's head row; measured
 * it gave 0.9 to 1.4 times the commits, not worth two batches in doubt after a failure.
 *
 * The order it keeps: an entry's promise resolves only after its batch is durable; entries keep the
 * order they came in. When an append fails it may have been written or not. That batch stays in doubt
 * until the head has moved past the place it wanted: then it either lies there or never will.
 *
 * What it will not do: queue without bound, hold a lock over a round trip, go on from a trail that
 * became shorter than what it has seen.
 */
import type { Clock } from '../model/clock.ts';
import { HoldfastError, messageOf } from '../model/errors.ts';
import {
  READ_BATCH_MS_MAX,
  TRAIL_BATCH_ENTRIES_MAX,
  TRAIL_BEHIND_MS_MAX,
  TRAIL_KEPT_NOTES_MAX,
  TRAIL_QUEUE_BYTES_MAX,
  TRAIL_QUEUE_ENTRIES_MAX,
  TRAIL_RETRY_MS_MAX,
  TRAIL_RETRY_MS_MIN,
  TRAIL_TAKE_OVER_MS,
} from '../model/limits.ts';
import type { Draft } from './entry.ts';
import type { AppendResult, NewEntry, TrailHead, TrailStore } from './trail-store.ts';
import { grow } from './verify/tree.ts';

interface Waiter {
  resolve(index: bigint): void;
  reject(error: HoldfastError): void;
}

interface Item {
  readonly draft: Draft;
  /** Somebody waits for a decision; null for what rides along. */
  readonly waiter: Waiter | null;
  /** Wants to know its place, and is never given up: it lies in the journal and was acted on. */
  readonly placed: ((index: bigint) => void) | null;
  /** When it was taken over from the journal; by the monotonic clock, in ms. */
  readonly sinceMs?: number;
}

interface Doubt {
  readonly expected: TrailHead;
  readonly items: readonly Item[];
}

export interface SequencerParts {
  readonly store: TrailStore;
  readonly clock: Clock;
  readonly instanceId: string;
  readonly head: TrailHead;
  /** The entry that says that the trail was away; the first one written when it is back. */
  resumed(awayMs: number, notesLost: number): Draft;
  /** The trail can be written again. */
  onResumed(): void;
  /** A decision whose waiter was told no turned out to be in the trail. */
  onLateDecision(index: bigint): void;
  /** An outcome was not written: its decision has one already. */
  onOutcomeExists(decisionIndex: bigint): void;
  /** For the operator's log. */
  onFault(error: HoldfastError): void;
}

type State =
  | { readonly kind: 'available' }
  | { readonly kind: 'away'; readonly sinceMs: number; readonly error: HoldfastError }
  | { readonly kind: 'broken'; readonly error: HoldfastError };

export class Sequencer {
  readonly #parts: SequencerParts;
  #head: TrailHead;
  #state: State = { kind: 'available' };
  #queue: Item[] = [];
  #queueBytes = 0;
  #enqueued = 0;
  #inFlight = 0;
  #waiting = 0;
  #writing = false;
  #flushWanted = false;
  #scheduled = false;
  #timer: NodeJS.Timeout | null = null;
  #timerMs = 0;
  #behindSinceMs: number | null = null;
  #doubts: Doubt[] = [];
  #notesLost = 0;
  #closed = false;
  #idle: (() => void)[] = [];

  constructor(parts: SequencerParts) {
    this.#parts = parts;
    this.#head = parts.head;
  }

  /** The newest head known to be durable. */
  get head(): TrailHead {
    return this.#head;
  }

  get available(): boolean {
    return this.#state.kind === 'available';
  }

  /** Why it cannot be written now. */
  fault(): HoldfastError {
    return this.#state.kind === 'available' ? unavailable('nothing') : this.#state.error;
  }

  /** Durable at the index it resolves to; rejects with HF_TRAIL_UNAVAILABLE or HF_TRAIL_BROKEN. */
  append(draft: Draft): Promise<bigint> {
    return new Promise((resolve, reject) => {
      this.check();
      this.#waiting += 1;
      this.#enqueue({ draft, waiter: { resolve, reject }, placed: null });
      this.#schedule();
    });
  }

  /** Durable with the next batch, begun at most READ_BATCH_MS_MAX from now. */
  add(draft: Draft): void {
    // Outcomes are bounded by the decisions that were let through; only notes can pile up.
    if (draft.kind !== 'outcome' && this.#noteRoom() <= 0) this.#notesLost += 1;
    else this.#enqueue({ draft, waiter: null, placed: null });
    this.#soon(READ_BATCH_MS_MAX);
  }

  /** Throws what `append` would reject with now. */
  check(): void {
    if (this.#state.kind !== 'available') throw this.#state.error;
    if (this.#isFull()) throw queueFull(this.#queue.length);
    const behindMs = this.#behindMs();
    if (behindMs > TRAIL_BEHIND_MS_MAX) throw behind(behindMs);
  }

  /** How long the oldest record of the journal waits for its place; a store that hangs shows here. */
  #behindMs(): number {
    if (this.#behindSinceMs === null) return 0;
    return this.#parts.clock.monotonicMs() - this.#behindSinceMs;
  }

  /** Takes over what the journal holds. */
  takeOver(draft: Draft, placed: (index: bigint) => void): void {
    const sinceMs = this.#parts.clock.monotonicMs();
    this.#behindSinceMs ??= sinceMs;
    this.#enqueue({ draft, waiter: null, placed, sinceMs });
    this.#soon(TRAIL_TAKE_OVER_MS);
  }

  /** The store is gone although nothing was being written: known now, not at the next append. */
  storeLost(cause: unknown): void {
    if (this.#state.kind === 'available' && !this.#writing && !this.#closed) this.#lose([], cause);
  }

  #soon(ms: number): void {
    if (this.#timer !== null && this.#timerMs <= ms) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timerMs = ms;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#flushWanted = true;
      this.#run();
    }, ms).unref();
  }

  /** True when all that was added before is durable; false when the trail cannot be written. */
  async flush(): Promise<boolean> {
    this.#flushWanted = true;
    this.#run();
    const target = this.#enqueued;
    while (this.available && this.#enqueued - this.#queue.length - this.#inFlight < target) {
      await new Promise<void>((done) => this.#idle.push(done));
    }
    return this.available;
  }

  /** No more tries to reach a lost store; what waits is dropped. */
  close(): void {
    this.#closed = true;
    if (this.#timer) clearTimeout(this.#timer);
  }

  #isFull(): boolean {
    return (
      this.#queue.length >= TRAIL_QUEUE_ENTRIES_MAX || this.#queueBytes >= TRAIL_QUEUE_BYTES_MAX
    );
  }

  #noteRoom(): number {
    if (this.#isFull()) return 0;
    return this.#state.kind === 'available' ? 1 : TRAIL_KEPT_NOTES_MAX - this.#queue.length;
  }

  #enqueue(item: Item): void {
    this.#queue.push(item);
    this.#enqueued += 1;
    this.#queueBytes += item.draft.bytes.length;
  }

  /** After the sockets of this turn were read, so that their decisions share one batch. */
  #schedule(): void {
    if (this.#scheduled || this.#writing) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#run();
    });
  }

  #run(): void {
    if (this.#writing || !this.available) return;
    this.#writing = true;
    this.#writeAll().then(
      () => this.#rest(),
      (cause) => this.#break(cause),
    );
  }

  #rest(): void {
    this.#writing = false;
    this.#tellIdle();
    // What came after the last look at the queue found `#writing` set and did not begin.
    if (this.#hasWork()) this.#run();
  }

  #hasWork(): boolean {
    return this.#queue.length > 0 && (this.#waiting > 0 || this.#flushWanted);
  }

  #tellIdle(): void {
    for (const done of this.#idle.splice(0)) done();
  }

  async #writeAll(): Promise<void> {
    while (this.available && this.#hasWork()) {
      const items = this.#queue.splice(0, TRAIL_BATCH_ENTRIES_MAX);
      for (const { draft, waiter } of items) {
        this.#queueBytes -= draft.bytes.length;
        if (waiter !== null) this.#waiting -= 1;
      }
      if (this.#queue.length === 0) this.#flushWanted = false;
      this.#inFlight = items.length;
      await this.#write(items);
      this.#inFlight = 0;
      this.#tellIdle();
    }
  }

  async #write(batch: readonly Item[]): Promise<void> {
    let items = batch;
    while (items.length > 0) {
      const expected = this.#head;
      let result: AppendResult | null = null;
      try {
        result = await this.#append(expected, items);
        if (result === 'head-moved') this.#head = await this.#loadHead();
        if (result === 'outcome-exists') items = await this.#withoutDoubled(items);
      } catch (cause) {
        // No result: it may have been written, and the answer was lost.
        if (result === null) this.#doubts.push({ expected, items });
        this.#lose(items, cause);
        return;
      }
      if (result === 'appended') {
        let index = expected.size;
        for (const { waiter, placed } of items) {
          waiter?.resolve(index);
          placed?.(index);
          index += 1n;
        }
        this.#behindSinceMs = this.#queue.find((item) => item.placed !== null)?.sinceMs ?? null;
        return;
      }
    }
  }

  /** Moves the head when appended. */
  async #append(expected: TrailHead, items: readonly Item[]): Promise<AppendResult> {
    const next = grow(
      expected,
      items.map(({ draft }) => draft.leaf()),
    );
    const own = this.#parts.instanceId;
    const entries = items.map(
      ({ draft: { kind, bytes, decisionIndex, instanceId = own } }, at): NewEntry => ({
        index: expected.size + BigInt(at),
        bytes,
        kind,
        decisionIndex,
        instanceId,
      }),
    );
    const result = await this.#parts.store.append(expected, next, entries);
    if (result === 'appended') this.#head = next;
    return result;
  }

  async #loadHead(): Promise<TrailHead> {
    const head = await this.#parts.store.head();
    if (head.size < this.#head.size) throw shrunk(this.#head, head);
    return head;
  }

  async #withoutDoubled(items: readonly Item[]): Promise<readonly Item[]> {
    const indexes = items.flatMap(({ draft }) => draft.decisionIndex ?? []);
    const doubled = new Set(await this.#parts.store.outcomesOf(indexes));
    for (const index of doubled) this.#parts.onOutcomeExists(index);
    const seen = new Set(doubled);
    const single = items.filter(({ draft: { decisionIndex } }) => {
      if (decisionIndex === null) return true;
      if (seen.has(decisionIndex)) return false;
      seen.add(decisionIndex);
      return true;
    });
    // Else the same append would be tried for ever; as a failure it is tried with pauses.
    if (single.length === items.length)
      throw new Error('the store refused an outcome it cannot name');
    return single;
  }

  #lose(items: readonly Item[], cause: unknown): void {
    const broken = cause instanceof HoldfastError && cause.code === 'HF_TRAIL_BROKEN';
    const error = broken ? cause : unavailable(cause);
    const sinceMs = this.#parts.clock.monotonicMs();
    this.#state = broken ? { kind: 'broken', error } : { kind: 'away', sinceMs, error };
    const inDoubt = this.#doubts.some((doubt) => doubt.items === items);
    const queued = this.#queue;
    for (const { waiter } of [...items, ...queued]) waiter?.reject(error);
    this.#waiting = 0;
    this.#queue = (inDoubt ? queued : [...items, ...queued]).filter((item) => item.waiter === null);
    this.#queueBytes = this.#queue.reduce((sum, { draft }) => sum + draft.bytes.length, 0);
    this.#parts.onFault(error);
    if (!broken) this.#recover().catch((fault) => this.#break(fault));
  }

  #break(cause: unknown): void {
    const error = cause instanceof HoldfastError ? cause : unavailable(cause);
    this.#state = { kind: 'broken', error };
    for (const { waiter } of this.#queue.splice(0)) waiter?.reject(error);
    this.#waiting = 0;
    this.#parts.onFault(error);
    this.#rest();
  }

  async #recover(): Promise<void> {
    for (let pause = TRAIL_RETRY_MS_MIN; !this.#closed; pause *= 2) {
      const wait = Math.min(pause, TRAIL_RETRY_MS_MAX);
      await new Promise((done) => setTimeout(done, wait).unref());
      try {
        await this.#resume();
        break;
      } catch (cause) {
        if (cause instanceof HoldfastError && cause.code === 'HF_TRAIL_BROKEN') throw cause;
      }
    }
    if (this.#closed) return;
    this.#state = { kind: 'available' };
    this.#parts.onResumed();
    this.#flushWanted = true;
    this.#run();
  }

  /**
   * Writes the first entry after the gap; it also decides every doubt, as the head moves. Whether a
   * failed try of this entry was written does not matter: it is a note, and saying it twice is true.
   */
  async #resume(): Promise<void> {
    const notesLost = this.#notesLost;
    for (let result: AppendResult | null = null; result !== 'appended'; ) {
      this.#head = await this.#loadHead();
      const sinceMs = this.#state.kind === 'away' ? this.#state.sinceMs : 0;
      const awayMs = Math.round(this.#parts.clock.monotonicMs() - sinceMs);
      const draft = this.#parts.resumed(awayMs, notesLost);
      result = await this.#append(this.#head, [{ draft, waiter: null, placed: null }]);
    }
    this.#notesLost -= notesLost;
    while (this.#doubts[0] !== undefined) {
      await this.#decide(this.#doubts[0]);
      this.#doubts.shift();
    }
  }

  async #decide({ expected, items }: Doubt): Promise<void> {
    const [found] = await this.#parts.store.read(expected.size, 1);
    const first = items[0]?.draft;
    if (found !== undefined && first?.bytes.equals(found.bytes)) {
      let index = expected.size;
      for (const { waiter, placed } of items) {
        if (waiter !== null) this.#parts.onLateDecision(index);
        placed?.(index);
        index += 1n;
      }
      return;
    }
    const again = items.filter(({ waiter }) => waiter === null);
    this.#queue = [...again, ...this.#queue];
    this.#enqueued += again.length;
    this.#queueBytes += again.reduce((sum, { draft }) => sum + draft.bytes.length, 0);
  }
}

function unavailable(cause: unknown): HoldfastError {
  return new HoldfastError('HF_TRAIL_UNAVAILABLE', {
    expected: 'an append that is durable',
    found: messageOf(cause),
    hint: 'Look at the database that keeps the trail (disk full, stopped, unreachable); Holdfast tries again by itself.',
    cause,
  });
}

function behind(ms: number): HoldfastError {
  return new HoldfastError('HF_TRAIL_UNAVAILABLE', {
    expected: `a store that takes entries over within ${TRAIL_BEHIND_MS_MAX} ms`,
    found: `one that has not for ${Math.round(ms)} ms`,
    hint: 'Look at the database that keeps the trail: it hangs, or its disk is too slow for this load.',
  });
}

function queueFull(count: number): HoldfastError {
  return new HoldfastError('HF_TRAIL_UNAVAILABLE', {
    expected: `at most ${TRAIL_QUEUE_ENTRIES_MAX} waiting entries of ${TRAIL_QUEUE_BYTES_MAX} bytes`,
    found: `${count} waiting entries`,
    hint: 'The database that keeps the trail is too slow for this load; slow down or give it a faster disk.',
  });
}

function shrunk(known: TrailHead, found: TrailHead): HoldfastError {
  return new HoldfastError('HF_TRAIL_BROKEN', {
    expected: `a trail of at least ${known.size} entries, which this process has seen`,
    found: `${found.size} entries`,
    hint: 'The trail was cut or restored from a backup under a running Holdfast: keep what is there and run holdfast trail verify.',
  });
}
