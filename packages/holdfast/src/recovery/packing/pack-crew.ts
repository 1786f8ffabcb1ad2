/**
 * The main thread's side of a thread that packs, opens or writes: one file at a time, bytes in only as fast
 * as they are used up, so that memory stays flat whatever the size. A thread that fails is ended and its
 * error is whoever waits' error.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { HoldfastError } from '../../model/errors.ts';
import { FRAME_PLAIN_BYTES } from './lz4-frames.ts';
import type { Answer, FoundFile, Order, Work } from './thread-words.ts';

/** Bytes on their way to the thread. */
const INSIDE_BYTES_MAX = 4 * 1024 * 1024;

export interface DoneFile {
  readonly plainBytes: number;
  readonly files: readonly FoundFile[];
}

export class PackCrew {
  readonly #worker: Worker;
  readonly #results: Uint8Array[] = [];
  /** Used blocks that came back: new memory for each would cost more than what is done with it. */
  readonly #spare: Uint8Array<ArrayBuffer>[] = [];
  #insideBytes = 0;
  #plainBytes = 0;
  #block = new Uint8Array(FRAME_PLAIN_BYTES);
  #blockBytes = 0;
  #done: DoneFile | null = null;
  #failure: unknown = null;
  #wakes: (() => void)[] = [];

  constructor() {
    this.#worker = new Worker(threadFile());
    this.#worker.on('message', (answer: Answer) => this.#hear(answer));
    this.#worker.on('error', (error) => this.fail(error));
    this.#worker.on('exit', () => this.fail(new Error('the packing thread ended')));
  }

  /** How much of the file at hand has been packed, as it is when opened. */
  get plainBytes(): number {
    return this.#plainBytes;
  }

  /** The next file; the one before it is done. */
  begin(work: Work): void {
    this.#plainBytes = 0;
    this.#done = null;
    this.#worker.postMessage(work);
  }

  /** Copies what it is given; resolves when more may come. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const taken = Math.min(bytes.length - at, FRAME_PLAIN_BYTES - this.#blockBytes);
      this.#block.set(bytes.subarray(at, at + taken), this.#blockBytes);
      this.#blockBytes += taken;
      at += taken;
      if (this.#blockBytes === FRAME_PLAIN_BYTES) this.#send();
    }
    while (this.#insideBytes > INSIDE_BYTES_MAX) await this.#change();
    this.#throwFailure();
  }

  /** All bytes of the file have been written; resolves when the thread is through with it. */
  async end(): Promise<DoneFile> {
    if (this.#blockBytes > 0) this.#send();
    this.#worker.postMessage({ kind: 'end' } satisfies Order);
    while (this.#done === null) await this.#change();
    return this.#done;
  }

  /** What the thread gives back of the file at hand; it goes on as this is taken. */
  async *results(): AsyncIterable<Uint8Array> {
    for (;;) {
      const next = this.#results.shift();
      if (next) {
        const bytes = next.length;
        yield next;
        this.#worker.postMessage({ kind: 'taken', bytes } satisfies Order);
      } else if (this.#done) return;
      else await this.#change();
    }
  }

  /** Whoever waits is told so. */
  fail(error: unknown): void {
    this.#failure ??= error;
    this.#wakeAll();
  }

  async close(): Promise<void> {
    this.fail(new Error('the packing thread was closed'));
    await this.#worker.terminate();
  }

  #send(): void {
    const bytes =
      this.#blockBytes === FRAME_PLAIN_BYTES ? this.#block : this.#block.slice(0, this.#blockBytes);
    this.#insideBytes += bytes.length;
    this.#worker.postMessage({ kind: 'bytes', bytes } satisfies Order, [bytes.buffer]);
    if (bytes === this.#block) this.#block = this.#spare.pop() ?? new Uint8Array(FRAME_PLAIN_BYTES);
    this.#blockBytes = 0;
  }

  #hear(answer: Answer): void {
    switch (answer.kind) {
      case 'used':
        this.#insideBytes -= answer.bytes.length;
        this.#plainBytes = answer.plainBytes;
        if (answer.bytes.length === FRAME_PLAIN_BYTES) this.#spare.push(answer.bytes);
        break;
      case 'result':
        this.#results.push(answer.bytes);
        break;
      case 'done':
        this.#done = answer;
        break;
      case 'failed': {
        const { code, expected, found, hint } = answer;
        this.fail(code ? new HoldfastError(code, { expected, found, hint }) : new Error(found));
        break;
      }
    }
    this.#wakeAll();
  }

  async #change(): Promise<void> {
    this.#throwFailure();
    await new Promise<void>((done) => this.#wakes.push(done));
    this.#throwFailure();
  }

  #throwFailure(): void {
    if (this.#failure !== null) throw this.#failure;
  }

  #wakeAll(): void {
    for (const wake of this.#wakes.splice(0)) wake();
  }
}

/** The built file, also when the sources themselves are run (by the tests): Node 20 reads no types. */
function threadFile(): string {
  const here = fileURLToPath(new URL('./pack-thread.js', import.meta.url));
  return existsSync(here) ? here : here.replace(/([\\/])src([\\/])(?!.*[\\/]src[\\/])/, '$1dist$2');
}
