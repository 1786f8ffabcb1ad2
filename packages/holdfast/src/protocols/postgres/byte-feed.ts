/**
 * Bytes that arrive when they like, read as if they lay in a file. The door and the upstream login
 * are written against this and never touch socket events, so the same code runs on 'data' events, on
 * a reusable `onread` buffer, and in a test that hands over one byte at a time.
 *
 * What it will not do: grow without bound (`bytesMax`), or be read by two readers at once.
 */
import { Buffer } from 'node:buffer';
import { HoldfastError } from '../../model/errors.ts';

/** The other side closed, or `end()` was called, before the bytes asked for had come. */
export class FeedEnded extends Error {
  constructor(cause?: unknown) {
    super('The connection ended.', cause === undefined ? undefined : { cause });
    this.name = 'FeedEnded';
  }
}

interface Waiter {
  readonly byteCount: number;
  readonly done: (bytes: Buffer) => void;
  readonly fail: (error: Error) => void;
}

export class ByteFeed {
  readonly #bytesMax: number;
  #held: Buffer = Buffer.alloc(0);
  #ended: Error | null = null;
  #waiter: Waiter | null = null;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Bytes here and not yet read. */
  get buffered(): number {
    return this.#held.length;
  }

  /** Copies the chunk: its memory may be reused as soon as this returns. */
  push(chunk: Uint8Array): void {
    if (this.#ended) return;
    if (this.#held.length + chunk.length > this.#bytesMax) {
      this.end(
        new HoldfastError('HF_LIMIT', {
          expected: `at most ${this.#bytesMax} bytes waiting during login`,
          found: `${this.#held.length + chunk.length} bytes`,
          hint: 'Wait for the answer to each login message before you send more.',
        }),
      );
      return;
    }
    this.#held = Buffer.concat([this.#held, chunk]);
    this.#serve();
  }

  /** No more bytes will come. What is already here can still be read. Idempotent. */
  end(error?: Error): void {
    this.#ended ??= error ?? new FeedEnded();
    this.#serve();
  }

  /** Exactly so many bytes, once they are here; rejects when the feed ended first. */
  read(byteCount: number): Promise<Buffer> {
    if (this.#waiter) throw new Error('A feed has one reader at a time.');
    return new Promise((done, fail) => {
      this.#waiter = { byteCount, done, fail };
      this.#serve();
    });
  }

  /** All bytes that were not read; the feed is empty afterwards. */
  takeRest(): Buffer {
    const rest = this.#held;
    this.#held = Buffer.alloc(0);
    return rest;
  }

  #serve(): void {
    const waiter = this.#waiter;
    if (!waiter) return;
    if (this.#held.length >= waiter.byteCount) {
      const bytes = this.#held.subarray(0, waiter.byteCount);
      this.#held = this.#held.subarray(waiter.byteCount);
      this.#waiter = null;
      waiter.done(bytes);
    } else if (this.#ended) {
      this.#waiter = null;
      waiter.fail(this.#ended);
    }
  }
}
