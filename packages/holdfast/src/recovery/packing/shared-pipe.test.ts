/** The pipe between two threads, with a real thread at its other end. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { newPipe, type PipeMemory, taken } from './shared-pipe.ts';

let giver: Worker | null = null;
afterEach(async () => {
  await giver?.terminate();
});

/** Node 20 reads no types in a thread, so the built file is what gives. */
const GIVER = `
const { parentPort, workerData: { pipe, lengths, module } } = require('node:worker_threads');
import(module).then(({ PipeGiver }) => {
  parentPort.postMessage('loaded');
  const giver = new PipeGiver(pipe);
  lengths.forEach((length, at) => giver.give(new Uint8Array(length).fill(at % 251)));
  giver.end();
});
`;
const MODULE = new URL('../../../dist/recovery/packing/shared-pipe.js', import.meta.url).href;

/** Resolves once it gives: until then it wants the thread that is about to block. */
async function given(pipe: PipeMemory, lengths: readonly number[]): Promise<void> {
  giver = new Worker(GIVER, { eval: true, workerData: { pipe, lengths, module: MODULE } });
  await once(giver, 'message');
}

function digest(pieces: Iterable<Uint8Array>): string {
  const hash = createHash('sha256');
  // Each piece is looked at before the next one is asked for.
  for (const piece of pieces) hash.update(piece);
  return hash.digest('hex');
}

describe('a pipe between threads', () => {
  const many = Array.from({ length: 5_000 }, (_, at) => (at * 37) % 9_000);
  it.each([
    ['nothing', []],
    ['a byte', [1]],
    ['what fills no piece', [700, 0, 300]],
    ['one that is larger than all its memory', [20_000_000]],
    ['more than fits, in small parts', many],
  ])('brings %s, in order, and ends', async (_name, lengths) => {
    const pipe = newPipe();
    await given(pipe, lengths);
    const wanted = digest(lengths.map((length, at) => new Uint8Array(length).fill(at % 251)));
    expect(digest(taken(pipe))).toBe(wanted);
  });

  it('shows each taker all of it, and waits for the slowest', async () => {
    const pipe = newPipe(2);
    await given(pipe, [20_000_000]);
    const [quick, slow] = [taken(pipe, 0), taken(pipe, 1)];
    let [quickBytes, slowBytes] = [0, 0];
    // Both are asked from one thread here, so the quick one may not wait for what the slow one holds up.
    for (let ahead = 0; ahead < 2; ahead += 1) quickBytes += quick.next().value?.length ?? 0;
    for (const piece of slow) {
      slowBytes += piece.length;
      quickBytes += quick.next().value?.length ?? 0;
    }
    for (const piece of quick) quickBytes += piece.length;
    expect([quickBytes, slowBytes]).toEqual([20_000_000, 20_000_000]);
  });
});
