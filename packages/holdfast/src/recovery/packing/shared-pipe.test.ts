/** The pipe between two threads, with a real thread at its other end. */
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { newPipe, type PipeMemory, taken } from './shared-pipe.ts';

let giver: Worker | null = null;
afterEach(async () => {
  await giver?.terminate();
});

/** What gives, spelled out by its words: Node 20 reads no types in a thread. */
const GIVER = `
const { workerData: { words, bytes, lengths } } = require('node:worker_threads');
const SLOT = bytes.length / 8;
let given = 0;
const send = (length, fill) => {
  for (let taken; given - (taken = Atomics.load(words, 1)) >= 8; ) Atomics.wait(words, 1, taken);
  if (length > 0) bytes.fill(fill, (given % 8) * SLOT, (given % 8) * SLOT + length);
  Atomics.store(words, 2 + (given % 8), length);
  given += 1;
  Atomics.store(words, 0, given);
  Atomics.notify(words, 0);
};
lengths.forEach((length, at) => send(length, at % 251));
send(-1, 0);
`;

function given(pipe: PipeMemory, lengths: readonly number[]): void {
  giver = new Worker(GIVER, { eval: true, workerData: { ...pipe, lengths } });
}

describe('a pipe between threads', () => {
  it('brings everything, in order, and ends, however full it gets', async () => {
    for (const lengths of [[], [1], Array.from({ length: 5_000 }, (_, at) => (at * 37) % 3_000)]) {
      const pipe = newPipe();
      given(pipe, lengths);
      const found: (readonly (number | undefined)[])[] = [];
      // Each piece is looked at before the next one is asked for.
      for (const piece of taken(pipe)) found.push([piece.length, piece.at(0), piece.at(-1)]);
      const wanted = lengths.map((length, at) =>
        length === 0 ? [0, undefined, undefined] : [length, at % 251, at % 251],
      );
      expect(found).toEqual(wanted);
      await giver?.terminate();
    }
  });
});
