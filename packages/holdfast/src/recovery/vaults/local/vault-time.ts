/**
 * The vault's own clock. Retention is counted in time that the vault itself watched go by, on the
 * monotonic clock, summed up over all its starts in the manifest: whatever the wall clock is set to,
 * and however often the process is started anew, nothing is let go earlier. Time in which it did not
 * run does not count, so that things are kept longer, never shorter.
 *
 * The wall clock has a second word: it must have passed `retainUntil` too, and after a jump of it
 * nothing is let go until the vault is started anew.
 */
import type { Clock } from '../../../model/clock.ts';
import { VAULT_CLOCK_JUMP_MS_MAX } from '../../../model/limits.ts';

export class VaultTime {
  readonly #clock: Clock;
  readonly #startedMs: number;
  readonly #watchedBefore: number;
  #wallMs: number;
  #seenMs: number;
  #jump: string | null = null;

  /** `watchedBefore`, `lastAt`: of the last line of the manifest. */
  constructor(clock: Clock, watchedBefore: number, lastAt: string | null) {
    this.#clock = clock;
    this.#startedMs = clock.monotonicMs();
    this.#watchedBefore = watchedBefore;
    this.#wallMs = clock.now().getTime();
    this.#seenMs = this.#startedMs;
    const backMs = lastAt === null ? 0 : Date.parse(lastAt) - this.#wallMs;
    if (backMs > VAULT_CLOCK_JUMP_MS_MAX) this.#jump = wordsOf(-backMs);
  }

  watchedMs(): number {
    return this.#watchedBefore + (this.#clock.monotonicMs() - this.#startedMs);
  }

  /** Looks at both clocks; what it says once, it says for as long as the process lives. */
  jump(): string | null {
    const wallMs = this.#clock.now().getTime();
    const seenMs = this.#clock.monotonicMs();
    const jumpMs = wallMs - this.#wallMs - (seenMs - this.#seenMs);
    this.#wallMs = wallMs;
    this.#seenMs = seenMs;
    if (Math.abs(jumpMs) > VAULT_CLOCK_JUMP_MS_MAX) this.#jump ??= wordsOf(jumpMs);
    return this.#jump;
  }
}

function wordsOf(jumpMs: number): string {
  const minutes = Math.round(Math.abs(jumpMs) / 60_000);
  const way = jumpMs < 0 ? 'back' : 'forward';
  return `The wall clock was set ${way} by ${minutes} min: nothing is let go until the vault starts again.`;
}
