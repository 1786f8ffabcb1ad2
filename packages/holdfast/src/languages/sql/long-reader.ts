/**
 * Long texts are read in a worker thread, so that nobody else waits for them: one worker, one text at
 * a time, in order. A text that takes too long costs the worker its life and gets `timeout`; the next
 * text gets a new one. Every question is answered, and none by an exception.
 */
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { unread } from './parse.ts';
import type { SqlReading } from './sql-reading.ts';
import type { WorkerAnswer } from './worker.ts';

interface Job {
  readonly bytes: Uint8Array;
  readonly answer: (reading: SqlReading) => void;
}

export class LongReader {
  readonly #timeoutMs: number;
  readonly #waiting: Job[] = [];
  #running: Job | null = null;
  #worker: Worker | null = null;
  #timer: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /** `bytes` must be the reader's own copy: the caller's buffer may be used again at once. */
  read(bytes: Uint8Array): Promise<SqlReading> {
    if (this.#closed) {
      return Promise.resolve(unread('reader-failed', 'Expected an open reader, found it closed.'));
    }
    return new Promise((answer) => {
      this.#waiting.push({ bytes, answer });
      this.#next();
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    const left = this.#waiting.splice(0);
    this.#finish(unread('reader-failed', 'Expected an open reader, found it closed.'));
    for (const job of left) {
      job.answer(unread('reader-failed', 'Expected an open reader, found it closed.'));
    }
    const worker = this.#worker;
    this.#worker = null;
    await worker?.terminate();
  }

  #next(): void {
    if (this.#running !== null) return;
    const job = this.#waiting.shift();
    if (job === undefined) {
      this.#worker?.unref();
      return;
    }
    this.#running = job;
    const worker = this.#worker ?? this.#start();
    worker.ref();
    this.#timer = setTimeout(() => this.#giveUp(), this.#timeoutMs);
    worker.postMessage(job.bytes);
  }

  #start(): Worker {
    const worker = new Worker(workerFile());
    this.#worker = worker;
    worker.on('message', ({ reading, broken }: WorkerAnswer) => {
      if (worker !== this.#worker) return;
      if (broken) this.#drop();
      this.#finish(reading);
    });
    const lost = (failure: unknown): void => {
      if (worker !== this.#worker) return;
      this.#worker = null;
      const found = failure instanceof Error ? failure.message : `exit ${String(failure)}`;
      this.#finish(
        unread('reader-failed', `Expected the reading worker to answer, found: ${found}.`),
      );
    };
    worker.on('error', lost);
    worker.on('exit', lost);
    return worker;
  }

  #giveUp(): void {
    this.#drop();
    this.#finish(unread('timeout', `Expected a reading within ${this.#timeoutMs} ms, found none.`));
  }

  /** The next text gets a new worker. */
  #drop(): void {
    const worker = this.#worker;
    this.#worker = null;
    void worker?.terminate();
  }

  #finish(reading: SqlReading): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const job = this.#running;
    this.#running = null;
    job?.answer(reading);
    if (!this.#closed) this.#next();
  }
}

/** The built file, also when the sources themselves are run (by the tests): Node 20 reads no types. */
function workerFile(): string {
  const here = new URL('./worker.js', import.meta.url);
  if (import.meta.url.endsWith('.js')) return fileURLToPath(here);
  return fileURLToPath(here).replace(/([\\/])src([\\/]languages[\\/]sql[\\/])/, '$1dist$2');
}
