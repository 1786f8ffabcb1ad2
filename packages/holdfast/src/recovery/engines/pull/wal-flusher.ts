/**
 * Stores what the buffer of WAL has, one thing at a time: a full segment at once, else what is new, not
 * more often than four times a second. A store that fails ends it, and is its error.
 */
import type { Clock } from '../../../model/clock.ts';
import type { WalBuffer, WalJob } from './wal-buffer.ts';

/** Between the starts of two pieces: four a second keep the loss under a second with room to spare. */
const FLUSH_MS = 250;

export class WalFlusher {
  readonly #buffer: WalBuffer;
  readonly #clock: Clock;
  readonly #store: (job: WalJob) => Promise<void>;
  #isStopped = false;
  #isDraining = false;
  #wake: (() => void) | null = null;
  hasFailed = false;

  constructor(buffer: WalBuffer, clock: Clock, store: (job: WalJob) => Promise<void>) {
    this.#buffer = buffer;
    this.#clock = clock;
    this.#store = store;
  }

  async run(): Promise<void> {
    let startedMs = Number.NEGATIVE_INFINITY;
    while (!this.#isStopped) {
      const job = this.#buffer.nextJob();
      const waitMs = startedMs + FLUSH_MS - this.#clock.monotonicMs();
      if (job === null) await this.#pause(FLUSH_MS);
      else if (!job.isWhole && !this.#isDraining && waitMs > 0) await this.#pause(waitMs);
      else {
        startedMs = this.#clock.monotonicMs();
        try {
          await this.#store(job);
        } catch (error) {
          this.hasFailed = true;
          throw error;
        }
      }
    }
  }

  wake(): void {
    this.#wake?.();
  }

  /** Resolves when all of the buffer is durable. */
  async drain(): Promise<void> {
    this.#isDraining = true;
    this.wake();
    while (!this.#buffer.isDrained && !this.hasFailed && !this.#isStopped) {
      await new Promise((done) => setTimeout(done, 10));
    }
    this.#isDraining = false;
  }

  stop(): void {
    this.#isStopped = true;
    this.wake();
  }

  #pause(ms: number): Promise<void> {
    return new Promise((done) => {
      const timer = setTimeout(done, ms);
      this.#wake = () => {
        clearTimeout(timer);
        this.#wake = null;
        done();
      };
    });
  }
}
