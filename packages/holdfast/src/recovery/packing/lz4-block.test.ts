/** Against the LZ4 of others: the native library here, the plain tool in pack.test.ts. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import lz4 from 'lz4-napi';
import { describe, expect, it } from 'vitest';
import wabt from 'wabt';
import { BlockPacker, blockBytesMax } from './lz4-block.ts';
import { BlockOpener, LZ4_OPEN } from './lz4-open.ts';

const packer = new BlockPacker();
const OPENER_BYTES = 4 * 1024 * 1024;
const START = OPENER_BYTES / 2;
const opener = new BlockOpener(OPENER_BYTES);

/** Null: it is no block. */
function opened(block: Uint8Array, room: number, floor = START): Buffer | null {
  opener.memory.set(block);
  const bytes = opener.open(0, block.length, START, START + room, floor);
  return bytes < 0 ? null : Buffer.from(opener.memory.subarray(START, START + bytes));
}

function packed(plain: Uint8Array): Buffer {
  const out = Buffer.alloc(blockBytesMax(plain.length));
  return Buffer.from(out.subarray(0, packer.pack(plain, out)));
}

/** The library puts the length before the block. */
function withLength(block: Uint8Array, plainBytes: number): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(plainBytes);
  return Buffer.concat([length, block]);
}

const LAST = Buffer.from('ENDED');

/** A block by hand: `begin` as literals, one match, and the literals every block ends with. */
function oneMatch(begin: Uint8Array, distance: number, bytes: number): Buffer {
  const longer = (count: number): readonly number[] =>
    count < 15
      ? []
      : [...Array<number>(Math.floor((count - 15) / 255)).fill(255), (count - 15) % 255];
  const match = bytes - 4;
  const token = (Math.min(begin.length, 15) << 4) | Math.min(match, 15);
  const head = [token, ...longer(begin.length), ...begin];
  const repeat = [distance & 0xff, distance >> 8, ...longer(match)];
  return Buffer.from([...head, ...repeat, LAST.length << 4, ...LAST]);
}

/** Runs, repeats at all distances, and noise. */
const texts = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc
        .tuple(fc.nat(255), fc.nat(70_000))
        .map(([byte, count]) => new Uint8Array(count).fill(byte)),
      fc
        .tuple(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.nat(400))
        .map(([bytes, times]) => Buffer.concat(Array.from({ length: times }, () => bytes))),
    ),
    { maxLength: 12 },
  )
  .map((parts) => Buffer.concat(parts));

describe('an LZ4 block', () => {
  it('is opened to what it was by us and by others, and theirs by us', () => {
    fc.assert(
      fc.property(texts, (plain) => {
        const block = packed(plain);
        expect(opened(block, plain.length)?.equals(plain)).toBe(true);
        expect(lz4.uncompressSync(withLength(block, plain.length)).equals(plain)).toBe(true);
        if (plain.length === 0) return;
        const theirs = lz4.compressSync(plain).subarray(4);
        expect(opened(theirs, plain.length)?.equals(plain)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('never reaches outside when its bytes are anything', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 400 }),
        fc.nat(2_000),
        fc.nat(100),
        (bytes, room, back) => {
          const before = opener.memory.subarray(START - 200, START);
          const behind = opener.memory.subarray(START + room, START + room + 200);
          before.fill(0xee);
          behind.fill(0xee);
          opener.memory.set(bytes);
          const count = opener.open(0, bytes.length, START, START + room, START - back);
          expect(count).toBeLessThanOrEqual(room);
          for (const around of [before, behind])
            expect(around.every((byte) => byte === 0xee)).toBe(true);
          expect(opener.memory.subarray(0, bytes.length).equals(bytes)).toBe(true);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('opens to no more than there is room for', () => {
    const plain = Buffer.alloc(100_000, 7);
    expect(opened(packed(plain), 100_000)?.equals(plain)).toBe(true);
    expect(opened(packed(plain), 99_999)).toBeNull();
  });

  it('repeats at every distance what it should, and nothing from before its floor', () => {
    for (let distance = 1; distance <= 40; distance += 1) {
      for (const bytes of [4, 15, 16, 17, 31, 32, 33, 64, 65, 300]) {
        const begin = Buffer.from(Array.from({ length: distance }, (_, at) => at + 1));
        const block = oneMatch(begin, distance, bytes);
        const plain = Buffer.alloc(distance + bytes + LAST.length);
        for (let at = 0; at < plain.length; at += 1) plain[at] = (at % distance) + 1;
        plain.set(LAST, distance + bytes);
        expect(opened(block, plain.length)).toEqual(plain);
        expect(opened(block, plain.length + 500)).toEqual(plain);
        expect(opened(oneMatch(begin, distance + 1, bytes), plain.length)).toBeNull();
        expect(
          opened(oneMatch(begin, distance + 1, bytes), plain.length, START - 1),
        ).not.toBeNull();
      }
    }
  });

  it('is refused when it is cut anywhere, or repeats at no distance', () => {
    const plain = Buffer.from(`${'abcdefgh'.repeat(500)}the end`);
    const block = packed(plain);
    for (let bytes = 0; bytes < block.length; bytes += 1) {
      const start = opened(block.subarray(0, bytes), plain.length);
      if (start !== null) expect(start.length).toBeLessThan(plain.length);
    }
    expect(opened(oneMatch(Buffer.from('abcd'), 0, 8), 100)).toBeNull();
  });

  it('makes noise hardly longer than it was', () => {
    const noise = Buffer.concat(
      Array.from({ length: 3_000 }, (_, index) => createHash('sha256').update(`${index}`).digest()),
    );
    expect(packed(noise).length).toBeLessThan(noise.length * 1.005);
  });
});

describe('the opener', () => {
  it('is what lz4-open.wat makes', async () => {
    const text = readFileSync(new URL('./lz4-open.wat', import.meta.url));
    const { parseWat } = await wabt();
    const { buffer } = parseWat('lz4-open.wat', text).toBinary({});
    expect(LZ4_OPEN).toBe(Buffer.from(buffer).toString('base64'));
  });
});
