/**
 * Bytes from one thread to another through memory that both see: nothing is copied twice, no message wakes
 * anybody for each block, and memory stays flat. One thread gives, one takes, and both block while there
 * is nothing to do, so neither may be the main one. Who ends a thread that waits here ends its waiting.
 */
const SLOTS = 8;
const SLOT_BYTES = 512 * 1024;
/** Of the words both see; behind them the lengths of the slots. */
const GIVEN = 0;
const TAKEN = 1;
const LENGTHS = 2;
/** In place of a length. */
const END = -1;

/** Posted to both threads. */
export interface PipeMemory {
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly bytes: Uint8Array<SharedArrayBuffer>;
}

export function newPipe(): PipeMemory {
  const words = new SharedArrayBuffer((LENGTHS + SLOTS) * Int32Array.BYTES_PER_ELEMENT);
  return {
    words: new Int32Array(words),
    bytes: new Uint8Array(new SharedArrayBuffer(SLOTS * SLOT_BYTES)),
  };
}

/** Copies what it is given; returns when it is on its way. */
export function give(pipe: PipeMemory, chunk: Uint8Array): void {
  for (let at = 0; at < chunk.length; at += SLOT_BYTES) {
    const part = chunk.subarray(at, at + SLOT_BYTES);
    const slot = freeSlot(pipe);
    pipe.bytes.set(part, slot * SLOT_BYTES);
    send(pipe, slot, part.length);
  }
}

/** Nothing more comes. */
export function giveEnd(pipe: PipeMemory): void {
  send(pipe, freeSlot(pipe), END);
}

/** Each piece is valid until the next one is asked for. */
export function* taken({ words, bytes }: PipeMemory): Generator<Uint8Array> {
  for (let at = 0; ; at += 1) {
    waitWhile(words, GIVEN, (given) => given <= at);
    const slot = at % SLOTS;
    const length = Atomics.load(words, LENGTHS + slot);
    if (length === END) return;
    yield bytes.subarray(slot * SLOT_BYTES, slot * SLOT_BYTES + length);
    Atomics.store(words, TAKEN, at + 1);
    Atomics.notify(words, TAKEN);
  }
}

function freeSlot({ words }: PipeMemory): number {
  const given = Atomics.load(words, GIVEN);
  waitWhile(words, TAKEN, (takenSoFar) => given - takenSoFar >= SLOTS);
  return given % SLOTS;
}

function send({ words }: PipeMemory, slot: number, length: number): void {
  Atomics.store(words, LENGTHS + slot, length);
  Atomics.add(words, GIVEN, 1);
  Atomics.notify(words, GIVEN);
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
