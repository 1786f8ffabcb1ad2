/** A clock that stands until it is told to go, with random bytes that repeat from run to run. */
import { createHash } from 'node:crypto';
import type { Clock } from '../model/clock.ts';

export class ManualClock implements Clock {
  #ms: number;
  #jumpedMs = 0;
  #drawn = 0;
  readonly #seed: string;

  constructor(start = '2026-11-21T09:00:00Z', seed = 'holdfast') {
    this.#ms = Date.parse(start);
    this.#seed = seed;
  }

  now(): Date {
    return new Date(this.#ms + this.#jumpedMs);
  }

  monotonicMs(): number {
    return this.#ms;
  }

  random(byteCount: number): Buffer {
    const blocks: Buffer[] = [];
    for (let have = 0; have < byteCount; have += 32) {
      this.#drawn += 1;
      blocks.push(createHash('sha256').update(`${this.#seed}|${this.#drawn}`).digest());
    }
    return Buffer.concat(blocks).subarray(0, byteCount);
  }

  pass(ms: number): void {
    this.#ms += ms;
  }

  /** The wall clock is set forward or back, as by an operator or NTP; no time passes. */
  jump(ms: number): void {
    this.#jumpedMs += ms;
  }
}
