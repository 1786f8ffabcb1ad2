/**
 * Changes that have come and are not durable yet, and what of them to store next: whole transactions, or
 * the first part of one that is too large to be held. Pure.
 */

import { readChange, tagOf } from './pgoutput.ts';
import { type ChangeMessage, PieceWriter } from './pieces.ts';

export interface ChangeJob {
  readonly from: bigint;
  /** Null: it ends inside a transaction. */
  readonly to: bigint | null;
  readonly part: number;
  readonly bytes: Buffer;
}

export class ChangeBuffer {
  readonly #writer = new PieceWriter();
  readonly #partBytesMax: number;
  #messages: ChangeMessage[] = [];
  /** How many of them make whole transactions, and where the last one ends. */
  #whole = 0;
  #wholeEnd: bigint;
  #bytes = 0;
  #from: bigint;
  #part = 0;
  #isInside = false;
  #sentMicros = 0n;

  constructor(from: bigint, partBytesMax: number) {
    this.#from = from;
    this.#wholeEnd = from;
    this.#partBytesMax = partBytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Everything before it is stored. */
  get durable(): bigint {
    return this.#from;
  }

  /** Nothing waits, and nothing is under way. */
  get isEmpty(): boolean {
    return this.#messages.length === 0 && !this.#isInside && this.#part === 0;
  }

  /** Keeps a copy. */
  append(lsn: bigint, bytes: Buffer, sentMicros: bigint): void {
    const tag = tagOf(bytes);
    this.#messages.push({ lsn, bytes: Buffer.from(bytes) });
    this.#bytes += bytes.length;
    this.#sentMicros = sentMicros;
    if (tag === 'B') this.#isInside = true;
    if (tag !== 'C') return;
    const change = readChange(bytes);
    if (change.kind !== 'commit') return;
    this.#isInside = false;
    this.#whole = this.#messages.length;
    this.#wholeEnd = change.end;
  }

  /** Takes what is stored next; null: nothing is. Call `done` before the next. */
  next(): ChangeJob | null {
    if (this.#whole > 0) return this.#take(this.#whole, this.#wholeEnd);
    if (this.#bytes > this.#partBytesMax) return this.#take(this.#messages.length, null);
    return null;
  }

  /** That the server has come so far and had nothing for us, as a piece of its own. */
  nothingUntil(end: bigint, sentMicros: bigint): ChangeJob | null {
    if (!this.isEmpty || end <= this.#from) return null;
    this.#sentMicros = sentMicros;
    return this.#take(0, end);
  }

  done(job: ChangeJob): void {
    if (job.to === null) this.#part = job.part + 1;
    else {
      this.#from = job.to;
      this.#part = 0;
    }
  }

  #take(count: number, to: bigint | null): ChangeJob {
    const messages = this.#messages.slice(0, count);
    this.#messages = this.#messages.slice(count);
    this.#whole = 0;
    this.#bytes = this.#messages.reduce((sum, { bytes }) => sum + bytes.length, 0);
    const head = { from: this.#from, to: to ?? this.#from, sentMicros: this.#sentMicros };
    return { from: this.#from, to, part: this.#part, bytes: this.#writer.write(messages, head) };
  }
}
