import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RowChunk } from '../undo-store.ts';
import { splitRows } from './row-splitter.ts';

const TXIDS = new Map([
  [1, 'a'],
  [2, 'b'],
  [3, 'a'],
]);

async function chunksOf(
  pieces: readonly Buffer[],
  limits = { chunkBytesMax: 40, waitingBytesMax: 100 },
): Promise<RowChunk[]> {
  const chunks: RowChunk[] = [];
  const rows = splitRows(5n, TXIDS, inOrder(pieces), limits);
  for await (const chunk of rows) chunks.push({ ...chunk, data: Buffer.from(chunk.data) });
  return chunks;
}

async function* inOrder(pieces: readonly Buffer[]): AsyncIterable<Buffer> {
  for (const piece of pieces) {
    const lent = Buffer.from(piece);
    yield lent;
    // Valid until the next one: what still needs it then has copied it.
    lent.fill(0x21);
  }
}

function cut(text: string, at: readonly number[]): Buffer[] {
  const bytes = Buffer.from(text);
  const places = [0, ...at.map((n) => n % (bytes.length + 1)).toSorted((a, b) => a - b)];
  return places.map((from, n) => bytes.subarray(from, places[n + 1] ?? bytes.length));
}

describe('captured rows', () => {
  it('come out whole, of one transaction each, in parts without a gap, however they arrive', async () => {
    const line = fc.record({
      seq: fc.constantFrom(1, 2, 3),
      value: fc
        .string({ unit: 'grapheme', maxLength: 60 })
        .map((text) => text.replaceAll(/[\n\r\t\\]/g, '\\n')),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { maxLength: 30 }),
        fc.array(fc.nat(5_000), { maxLength: 12 }),
        async (lines, at) => {
          const texts = lines.map(({ seq, value }) => `${seq}\t0\t-\t${value}\n`);
          const chunks = await chunksOf(cut(texts.join(''), at));
          for (const txid of ['a', 'b']) {
            const mine = chunks.filter((chunk) => chunk.txid === txid);
            const wanted = texts.filter((_, n) => TXIDS.get(lines[n]?.seq ?? 0) === txid);
            expect(mine.map(({ part }) => part)).toEqual(mine.map((_, n) => n));
            expect(Buffer.concat(mine.map(({ data }) => data)).toString()).toBe(wanted.join(''));
            expect(mine.reduce((sum, { rows }) => sum + rows, 0)).toBe(wanted.length);
            for (const { data, rows } of mine) {
              expect(data.length <= 40 || rows === 1).toBe(true);
              expect(String(data).endsWith('\n')).toBe(true);
            }
          }
        },
      ),
    );
  });

  it('that belong to no statement that was read are not guessed at', async () => {
    await expect(chunksOf([Buffer.from('9\t0\t-\tx\n')])).rejects.toThrow('statement 9');
  });

  it('are not taken as whole when the stream ends in the midst of one', async () => {
    await expect(chunksOf([Buffer.from('1\t0\t-\tx\n1\t0')])).rejects.toThrow('midst of a row');
  });

  it('do not wait without end when many transactions interleave', async () => {
    const lines = Array.from({ length: 40 }, (_, n) => Buffer.from(`${1 + (n % 2)}\t0\t-\tx\n`));
    const chunks = await chunksOf(lines, { chunkBytesMax: 10_000, waitingBytesMax: 50 });
    expect(chunks.length).toBeGreaterThan(4);
  });
});
