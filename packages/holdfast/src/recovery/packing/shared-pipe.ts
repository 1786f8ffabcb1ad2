/**
 * Bytes from one thread to others through memory that all see: nothing is copied twice, no message wakes
 * anybody for each block, and memory stays flat. One thread gives; each of the takers sees all of it, and
 * what the slowest has not taken is not written over. All block while there is nothing to do, so none may
 * be the main one. Who ends a thread that waits here ends its waiting.
 *
 * A slot goes on its way when it is full: to wake a thread costs more than to copy what it is woken for.
 */
const SLOTS = 8;
const SLOT_BYTES = 512 * 1024;
/** Of the words all see: how many slots were given; how many each taker has taken; their lengths. */
const GIVEN = 0;
const TAKEN = 1;
/** In place of a length. */
const END = -1;

/** Posted to all of the threads. */
export interface PipeMemory {
  readonly takers: number;
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly bytes: Uint8Array<SharedArrayBuffer>;
}

export function newPipe(takers = 1): PipeMemory {
  const words = new SharedArrayBuffer((TAKEN + takers + SLOTS) * Int32Array.BYTES_PER_ELEMENT);
  return {
    takers,
    words: new Int32Array(words),
    bytes: new Uint8Array(new SharedArrayBuffer(SLOTS * SLOT_BYTES)),
  };
}

export class PipeGiver {
  readonly #pipe: PipeMemory;
  #given = 0;
  /** In the slot at hand. */
  #bytes = 0;

  constructor(pipe: PipeMemory) {
    this.#pipe = pipe;
  }

  /** Copies what it is given; returns when there is room for more. */
  give(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; ) {
      if (this.#bytes === 0) this.#waitForRoom();
      const part = chunk.subarray(at, at + SLOT_BYTES - this.#bytes);
      this.#pipe.bytes.set(part, (this.#given % SLOTS) * SLOT_BYTES + this.#bytes);
      this.#bytes += part.length;
      at += part.length;
      if (this.#bytes === SLOT_BYTES) this.#send(SLOT_BYTES);
    }
  }

  /** Nothing more comes. */
  end(): void {
    if (this.#bytes > 0) this.#send(this.#bytes);
    this.#waitForRoom();
    this.#send(END);
  }

  #waitForRoom(): void {
    const { words, takers } = this.#pipe;
    for (let taker = 0; taker < takers; taker += 1) {
      waitWhile(words, TAKEN + taker, (taken) => this.#given - taken >= SLOTS);
    }
  }

  #send(length: number): void {
    const { words, takers } = this.#pipe;
    Atomics.store(words, TAKEN + takers + (this.#given % SLOTS), length);
    this.#given += 1;
    this.#bytes = 0;
    Atomics.store(words, GIVEN, this.#given);
    Atomics.notify(words, GIVEN);
  }
}

/** `taker`: from 0, each its own. Each piece is valid until the next one is asked for. */
export function* taken(pipe: PipeMemory, taker = 0): Generator<Uint8Array> {
  const { words, bytes, takers } = pipe;
  for (let at = 0; ; at += 1) {
    waitWhile(words, GIVEN, (given) => given <= at);
    const slot = at % SLOTS;
    const length = Atomics.load(words, TAKEN + takers + slot);
    if (length === END) return;
    yield bytes.subarray(slot * SLOT_BYTES, slot * SLOT_BYTES + length);
    Atomics.store(words, TAKEN + taker, at + 1);
    Atomics.notify(words, TAKEN + taker);
  }
}

function waitWhile(
  words: PipeMemory['words'],
  index: number,
  isSo: (value: number) => boolean,
): void {
  for (;;) {
    const value = Atomics.load(words, index);
    if (!isSo(value)) return;
    Atomics.wait(words, index, value);
  }
}
