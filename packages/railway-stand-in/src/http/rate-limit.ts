/** Requests per hour and per second of one token, in fixed windows, with the headers Railway sends. */
export interface RateLimit {
  readonly requestsPerHour: number;
  readonly requestsPerSecond: number;
}

export interface RateVerdict {
  readonly isOver: boolean;
  readonly headers: Readonly<Record<string, string>>;
}

const HOUR_MS = 3_600_000;
const SECOND_MS = 1_000;

interface Window {
  startMs: number;
  count: number;
}

export class RateCounter {
  readonly #limit: RateLimit;
  readonly #now: () => number;
  readonly #windows = new Map<string, Window>();

  constructor(limit: RateLimit, now: () => number) {
    this.#limit = limit;
    this.#now = now;
  }

  count(key: string): RateVerdict {
    const hour = this.#add(`${key}/hour`, HOUR_MS);
    const second = this.#add(`${key}/second`, SECOND_MS);
    const { requestsPerHour, requestsPerSecond } = this.#limit;
    const isHourOver = hour.count > requestsPerHour;
    const isOver = isHourOver || second.count > requestsPerSecond;
    const resetMs = isHourOver || !isOver ? hour.startMs + HOUR_MS : second.startMs + SECOND_MS;
    const headers: Record<string, string> = {
      'X-RateLimit-Limit': String(requestsPerHour),
      'X-RateLimit-Remaining': String(Math.max(0, requestsPerHour - hour.count)),
      'X-RateLimit-Reset': new Date(resetMs).toISOString(),
    };
    if (isOver) {
      const waitSeconds = Math.ceil((resetMs - this.#now()) / SECOND_MS);
      headers['Retry-After'] = String(Math.max(1, waitSeconds));
    }
    return { isOver, headers };
  }

  #add(key: string, lengthMs: number): Window {
    const now = this.#now();
    const there = this.#windows.get(key);
    const isCurrent = there !== undefined && now - there.startMs < lengthMs;
    const window = isCurrent ? there : { startMs: now, count: 0 };
    window.count += 1;
    this.#windows.set(key, window);
    return window;
  }
}
