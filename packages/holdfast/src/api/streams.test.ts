import { describe, expect, it } from 'vitest';
import { heldPieces } from './streams.ts';

const BEAT_MS = 5;

async function* slowly(count: number): AsyncGenerator<string> {
  for (let at = 0; at < count; at += 1) {
    await new Promise((done) => setTimeout(done, BEAT_MS));
    yield `line ${at}`;
  }
}

describe('a file of lines', () => {
  it('comes whole to who may still have it, who is asked again on the way', async () => {
    let asked = 0;
    const maySay = async (): Promise<boolean> => {
      asked += 1;
      return true;
    };
    const gone = new AbortController().signal;
    const lines: unknown[] = [];
    for await (const line of heldPieces(slowly(20), { beatMs: BEAT_MS, gone, maySay })) {
      lines.push(line);
    }
    expect(lines).toHaveLength(20);
    expect(asked).toBeGreaterThan(0);
  });

  it('breaks off, as no whole file does, once the session has ended', async () => {
    const gone = new AbortController().signal;
    const lines: unknown[] = [];
    let ended = false;
    async function* source(): AsyncGenerator<string> {
      try {
        yield* slowly(1_000);
      } finally {
        ended = true;
      }
    }
    const reading = async (): Promise<void> => {
      const options = { beatMs: BEAT_MS, gone, maySay: async () => false };
      for await (const line of heldPieces(source(), options)) lines.push(line);
    };
    await expect(reading()).rejects.toThrow('session of whoever asked has ended');
    expect(lines.length).toBeLessThan(1_000);
    expect(ended).toBe(true);
  });

  it('ends for who is gone', async () => {
    const gone = new AbortController();
    const lines: unknown[] = [];
    const options = { beatMs: 60_000, gone: gone.signal, maySay: async () => true };
    for await (const line of heldPieces(slowly(10), options)) {
      lines.push(line);
      if (lines.length === 3) gone.abort();
    }
    expect(lines).toHaveLength(3);
  });
});
