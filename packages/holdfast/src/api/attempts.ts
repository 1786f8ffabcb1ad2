/**
 * How often one source may try what could be guessed: ATTEMPTS_MAX in ATTEMPTS_WINDOW_MS, whatever comes of
 * it. A source is a person who is signed in, a browser that somebody has signed in from before, or an
 * address; and so often, ATTEMPTS_OF_NAME_MAX, may all strangers together try one name. Beside the pause of a person whose codes were wrong too often (identity/totp.ts), which no number of
 * sources gets round. Counted in memory, by each gateway for itself.
 */

import { isIPv6 } from 'node:net';
import type { Clock } from '../model/clock.ts';
import { HoldfastError } from '../model/errors.ts';
import { ATTEMPT_SOURCES_MAX, ATTEMPTS_MAX, ATTEMPTS_WINDOW_MS } from '../model/limits.ts';
import { minutesWords } from '../model/text.ts';

interface Count {
  readonly sinceMs: number;
  tried: number;
}

export class Attempts {
  readonly #clock: Clock;
  /** In the order of their first try. */
  readonly #counts = new Map<string, Count>();

  readonly #max: number;
  readonly #whose: string;

  constructor(clock: Clock, max = ATTEMPTS_MAX, whose = 'of one source') {
    this.#clock = clock;
    this.#max = max;
    this.#whose = whose;
  }

  /** Throws HF_TOO_MANY. */
  count(source: string): void {
    const now = this.#clock.monotonicMs();
    const key = networkOf(source);
    let count = this.#counts.get(key);
    if (count === undefined || now - count.sinceMs >= ATTEMPTS_WINDOW_MS) {
      this.#counts.delete(key);
      this.#forget(now);
      count = { sinceMs: now, tried: 0 };
      this.#counts.set(key, count);
    }
    count.tried += 1;
    if (count.tried <= this.#max) return;
    const leftMs = count.sinceMs + ATTEMPTS_WINDOW_MS - now;
    throw new HoldfastError('HF_TOO_MANY', {
      expected: `at most ${this.#max} attempts ${this.#whose} in ${minutesWords(ATTEMPTS_WINDOW_MS)}`,
      found: 'more',
      hint: `Try again in ${minutesWords(leftMs)}.`,
    });
  }

  #forget(now: number): void {
    for (const [key, { sinceMs }] of this.#counts) {
      if (this.#counts.size < ATTEMPT_SOURCES_MAX && now - sinceMs < ATTEMPTS_WINDOW_MS) return;
      this.#counts.delete(key);
    }
  }
}

/** Whoever has one address of IPv6 has the 2^64 beside it. */
function networkOf(source: string): string {
  if (!isIPv6(source) || source.includes('.')) return source;
  const [head = '', tail] = source.split('%', 1)[0]?.split('::') ?? [];
  const front = head === '' ? [] : head.split(':');
  const back = tail === undefined || tail === '' ? [] : tail.split(':');
  const gap = tail === undefined ? 0 : Math.max(0, 8 - front.length - back.length);
  const groups = [...front, ...Array.from({ length: gap }, () => '0'), ...back];
  return groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':');
}
