/** How many requests each person sends in a minute: a window that begins with the first of them. */
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

const MINUTE_MS = 60_000;
/** Windows that are over are taken away when there are so many. */
const KNOWN_MAX = 10_000;

export class Rates {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #windows = new Map<string, Window>();

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  count(who: string): Rate {
    const nowMs = this.#clock.monotonicMs();
    let window = this.#windows.get(who);
    if (window === undefined || window.untilMs <= nowMs) {
      if (this.#windows.size >= KNOWN_MAX) this.#forget(nowMs);
      window = { untilMs: nowMs + MINUTE_MS, count: 0 };
      this.#windows.set(who, window);
    }
    window.count += 1;
    return {
      limit: API_REQUESTS_PER_MINUTE_MAX,
      remaining: API_REQUESTS_PER_MINUTE_MAX - window.count,
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
