/** How far something long is, said at most a few times a second. */
import type { Clock } from '../model/clock.ts';
import type { Progress, Tell } from './engines/engine.ts';

const SAID_MS = 250;

export class ProgressTeller {
  readonly #tell: Tell;
  readonly #clock: Clock;
  readonly #phase: Progress['phase'];
  readonly #totalBytes: number | null;
  readonly #startedMs: number;
  #saidMs = Number.NEGATIVE_INFINITY;
  #doneBytes = 0;

  constructor(tell: Tell, clock: Clock, phase: Progress['phase'], totalBytes: number | null) {
    this.#tell = tell;
    this.#clock = clock;
    this.#phase = phase;
    this.#totalBytes = totalBytes;
    this.#startedMs = clock.monotonicMs();
  }

  add(bytes: number): void {
    this.#doneBytes += bytes;
    if (this.#clock.monotonicMs() - this.#saidMs >= SAID_MS) this.say();
  }

  say(): void {
    const nowMs = this.#clock.monotonicMs();
    this.#saidMs = nowMs;
    const seconds = (nowMs - this.#startedMs) / 1000;
    this.#tell({
      phase: this.#phase,
      doneBytes: this.#doneBytes,
      totalBytes: this.#totalBytes,
      bytesPerSecond: seconds > 0 ? this.#doneBytes / seconds : 0,
    });
  }
}

/** Null: nobody knows. */
export function secondsLeft({ doneBytes, totalBytes, bytesPerSecond }: Progress): number | null {
  if (totalBytes === null || bytesPerSecond <= 0) return null;
  return Math.max(0, totalBytes - doneBytes) / bytesPerSecond;
}
