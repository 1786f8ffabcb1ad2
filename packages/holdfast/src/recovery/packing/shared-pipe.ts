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
const IS_ENDED = 2;
const LENGTHS = 3;

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
export function give({ words, bytes }: PipeMemory, chunk: Uint8Array): void {
  for (let at = 0; at < chunk.length; at += SLOT_BYTES) {
    const given = Atomics.load(words, GIVEN);
    waitWhile(words, TAKEN, (taken) => given - taken >= SLOTS);
    const slot = given % SLOTS;
    const part = chunk.subarray(at, at + SLOT_BYTES);
    bytes.set(part, slot * SLOT_BYTES);
    Atomics.store(words, LENGTHS + slot, part.length);
    Atomics.store(words, GIVEN, given + 1);
    Atomics.notify(words, GIVEN);
  }
}

/** Nothing more comes. */
export function giveEnd({ words }: PipeMemory): void {
  Atomics.store(words, IS_ENDED, 1);
  // Whoever waits, waits for this to change.
  Atomics.add(words, GIVEN, 1);
  Atomics.notify(words, GIVEN);
}

/** Each piece is valid until the next one is asked for. */
export function* taken({ words, bytes }: PipeMemory): Generator<Uint8Array> {
  for (let at = 0; ; at += 1) {
    waitWhile(words, GIVEN, (given) => given <= at);
    // The last one that was given is the end.
    if (Atomics.load(words, IS_ENDED) === 1 && Atomics.load(words, GIVEN) === at + 1) return;
    const slot = at % SLOTS;
    const begin = slot * SLOT_BYTES;
    yield bytes.subarray(begin, begin + Atomics.load(words, LENGTHS + slot));
    Atomics.store(words, TAKEN, at + 1);
    Atomics.notify(words, TAKEN);
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
