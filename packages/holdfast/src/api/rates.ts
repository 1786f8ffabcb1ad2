/** How many requests each person sends in so long, a minute as a rule: a window that begins with the first. */
import type { Clock } from '../model/clock.ts';
import { HoldfastError } from '../model/errors.ts';
import { API_REQUESTS_PER_MINUTE_MAX } from '../model/limits.ts';

export interface Rate {
  readonly limit: number;
  readonly remaining: number;
  /** Seconds until all of it is there again. */
  readonly resetSeconds: number;
}

interface Window {
  readonly untilMs: number;
  count: number;
}

export interface Allowance {
  readonly max: number;
  readonly windowMs: number;
}

const OF_REQUESTS: Allowance = { max: API_REQUESTS_PER_MINUTE_MAX, windowMs: 60_000 };
/** Windows that are over are taken away when there are so many. */
const KNOWN_MAX = 10_000;

export class Rates {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #allowance: Allowance;
  readonly #windows = new Map<string, Window>();

  constructor(clock: Pick<Clock, 'monotonicMs'>, allowance: Allowance = OF_REQUESTS) {
    this.#clock = clock;
    this.#allowance = allowance;
  }

  count(who: string): Rate {
    const { max, windowMs } = this.#allowance;
    const nowMs = this.#clock.monotonicMs();
    let window = this.#windows.get(who);
    if (window === undefined || window.untilMs <= nowMs) {
      if (this.#windows.size >= KNOWN_MAX) this.#forget(nowMs);
      window = { untilMs: nowMs + windowMs, count: 0 };
      this.#windows.set(who, window);
    }
    window.count += 1;
    return {
      limit: max,
      remaining: max - window.count,
      resetSeconds: Math.ceil((window.untilMs - nowMs) / 1000),
    };
  }

  #forget(nowMs: number): void {
    for (const [who, { untilMs }] of this.#windows) {
      if (untilMs <= nowMs) this.#windows.delete(who);
    }
  }
}

export function tooMany(whose: string): HoldfastError {
  return new HoldfastError('HF_RATE', {
    expected: `at most ${API_REQUESTS_PER_MINUTE_MAX} requests of ${whose} in a minute`,
    found: 'more',
    hint: 'Wait as long as Retry-After says; /v1/events tells of changes without asking.',
  });
}
