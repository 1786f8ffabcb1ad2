import { describe, expect, it } from 'vitest';
import { objectBytes, oneChunk } from './object-bytes.ts';

const OBJECT = { key: 'shop/1/points/p/point.json', version: '1' };

/** Sends on and on, whatever it said of its size; counts what was taken. */
function flood() {
  const taken = { chunks: 0, isEnded: false };
  async function* get() {
    try {
      for (;;) {
        taken.chunks += 1;
        yield Buffer.alloc(10);
      }
    } finally {
      taken.isEnded = true;
    }
  }
  return { taken, vault: { get } };
}

describe('the bytes of a small object', () => {
  it('are whole up to the limit, and none beyond it', async () => {
    const vault = { get: () => oneChunk(Buffer.from('1234')) };
    expect((await objectBytes(vault, OBJECT, 4))?.toString()).toBe('1234');
    expect(await objectBytes(vault, OBJECT, 3)).toBeNull();
  });

  it('are given up on, not gathered, when a vault sends without end', async () => {
    const { taken, vault } = flood();
    expect(await objectBytes(vault, OBJECT, 25)).toBeNull();
    expect(taken).toEqual({ chunks: 3, isEnded: true });
  });
});
