/**
 * The only place in the house that reads the clock or randomness.
 *
 * Everything else is handed a `Clock`, so that 48 hours can pass in a test and a seeded run can be
 * repeated byte for byte. `house.test.ts` fails when another file calls Date.now or randomBytes.
 */
import { randomBytes } from 'node:crypto';

export interface Clock {
  /** Wall-clock time, for what is written down. May jump; never use it to measure. */
  now(): Date;
  /** Milliseconds from an arbitrary start, never going back. For durations and deadlines in memory. */
  monotonicMs(): number;
  /** Cryptographically strong random bytes. */
  random(byteCount: number): Buffer;
}

export const systemClock: Clock = {
  now: () => new Date(),
  monotonicMs: () => performance.now(),
  random: (byteCount) => randomBytes(byteCount),
};
