/**
 * The clock of P4: 48 hours count only time in which a Holdfast watched. It advances a ledger in the
 * store by what a monotonic clock says has passed since its last step, on the connection that holds the
 * ledger's lock, so that only one process ever credits a moment.
 *
 * It will not: look at the wall clock (a jump of it, forward or back, purges nothing early), credit the
 * first step after it got the lock, or credit a step that came late: a suspended machine, a stopped
 * process or a hung store had nobody watching. Time that is not credited only keeps things longer.
 */
import type { Clock } from '../model/clock.ts';
import { LEDGER_CREDIT_MS_MAX, LEDGER_STEP_MS } from '../model/limits.ts';

/** The ledger in the store; implemented by `store/ledger-store.ts`. */
export interface LedgerStore {
  /** Whether this process holds it now. Rejects when the store is away. */
  tryHold(): Promise<boolean>;
  /** Adds, over the connection that holds the lock; rejects once that is lost. */
  credit(ms: number): Promise<void>;
  release(): Promise<void>;
  /** What has been watched in total, in ms. */
  tickMs(): Promise<bigint>;
}

export interface WatchedClockOptions {
  readonly ledger: LedgerStore;
  readonly clock: Clock;
}

export class WatchedClock {
  readonly #ledger: LedgerStore;
  readonly #clock: Clock;
  /** Monotonic time up to which was credited; null before the first step with the lock in hand. */
  #creditedToMs: number | null = null;
  #timer: NodeJS.Timeout | null = null;
  #stepping: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor({ ledger, clock }: WatchedClockOptions) {
    this.#ledger = ledger;
    this.#clock = clock;
  }

  /** Steps until `stop`; a store that is away is tried again at each step. */
  start(): void {
    this.#timer = setInterval(() => void this.step().catch(() => {}), LEDGER_STEP_MS).unref();
    void this.step().catch(() => {});
  }

  /** One step: takes the lock when it is free, credits what was watched when it is ours. */
  step(): Promise<void> {
    this.#stepping = this.#stepping.catch(() => {}).then(() => this.#step());
    return this.#stepping;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    if (this.#timer) clearInterval(this.#timer);
    await this.#stepping.catch(() => {});
    await this.#ledger.release();
  }

  tickMs(): Promise<bigint> {
    return this.#ledger.tickMs();
  }

  /** When this tick will be reached if somebody watches all the time: for display, never for acting. */
  expiresAt(untilTickMs: bigint, tickMs: bigint): Date {
    const leftMs = untilTickMs > tickMs ? Number(untilTickMs - tickMs) : 0;
    return new Date(this.#clock.now().getTime() + leftMs);
  }

  async #step(): Promise<void> {
    if (this.#isStopped) return;
    try {
      if (!(await this.#ledger.tryHold())) {
        this.#creditedToMs = null;
        return;
      }
      const nowMs = Math.floor(this.#clock.monotonicMs());
      const passedMs = nowMs - (this.#creditedToMs ?? nowMs);
      // Before the write: what it does not say is lost, never credited twice.
      this.#creditedToMs = nowMs;
      if (passedMs > 0 && passedMs <= LEDGER_CREDIT_MS_MAX) await this.#ledger.credit(passedMs);
    } catch (error) {
      this.#creditedToMs = null;
      throw error;
    }
  }
}
