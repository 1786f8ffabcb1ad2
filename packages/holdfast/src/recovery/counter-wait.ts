/**
 * How long somebody waits at the counter for what was left there: until it is answered, or until it is plain
 * that nobody will. It never waits for somebody who is not there.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Clock } from '../model/clock.ts';
import type { HoldfastError } from '../model/errors.ts';

/** The gateway looks every two seconds; one that is at other work takes longer. */
export const TAKEN_MS_MAX = 15_000;
/** How often it is asked whether the gateway is there at all. */
const GONE_LOOK_MS = 5_000;

export interface CounterWait<A> {
  readonly clock: Clock;
  /** Whether nobody keeps recovery any more. Rejects when the store is away. */
  readonly isGone: () => Promise<boolean>;
  /** Null: what is waited for is not broken off. */
  readonly signal: AbortSignal | null;
  readonly pollMs: number;
  readonly isLeft: () => boolean;
  /** Null: nothing that reads. */
  readonly answer: () => A | null;
  /** What is found then: `the gateway is gone`. */
  readonly gone: string;
  /** Of what nobody will answer. */
  readonly dropped: (found: string) => HoldfastError;
  /** At each look at which it is not over; throws when it shall not be waited for any longer. */
  readonly look: (seen: {
    readonly isLeft: boolean;
    readonly answer: A | null;
    readonly nowMs: number;
    readonly waitedMs: number;
  }) => void;
}

/** `over`: what an answer comes to; null: it is not over. Throws for one that failed. */
export async function waitAt<A, T>(
  { answer, clock, dropped, gone, isGone, isLeft, look, pollMs, signal }: CounterWait<A>,
  over: (answer: A) => { readonly value: T } | null,
): Promise<T> {
  const leftMs = clock.monotonicMs();
  let lookedMs = leftMs;
  const ended = (found: A | null) => (found === null ? null : over(found));
  for (;;) {
    signal?.throwIfAborted();
    // In this order: it is answered before it is taken away.
    const seen = { isLeft: isLeft(), answer: answer() };
    const end = ended(seen.answer);
    if (end !== null) return end.value;
    if (!seen.isLeft && seen.answer === null) {
      throw dropped('a gateway that started anew dropped it');
    }
    const nowMs = clock.monotonicMs();
    if (nowMs - lookedMs > GONE_LOOK_MS) {
      lookedMs = nowMs;
      if (await isGone()) {
        // It may have been its last word.
        const last = ended(answer());
        if (last !== null) return last.value;
        throw dropped(gone);
      }
    }
    look({ ...seen, nowMs, waitedMs: nowMs - leftMs });
    // Stopped, it must be taken back at once.
    await pause(pollMs, undefined, signal === null ? {} : { signal }).catch(() => {});
  }
}
