/** Against the LZ4 of others: the native library here, the plain tool in pack.test.ts. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import lz4 from 'lz4-napi';
import { describe, expect, it } from 'vitest';
import { BlockPacker, blockBytesMax, openBlock } from './lz4-block.ts';

const packer = new BlockPacker();

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
        const out = Buffer.alloc(plain.length);
        expect(openBlock(block, out)).toBe(plain.length);
        expect(out.equals(plain)).toBe(true);
        expect(lz4.uncompressSync(withLength(block, plain.length)).equals(plain)).toBe(true);
        if (plain.length === 0) return;
        const theirs = lz4.compressSync(plain).subarray(4);
        out.fill(0);
        expect(openBlock(theirs, out)).toBe(plain.length);
        expect(out.equals(plain)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('never reaches outside when its bytes are anything', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat(2_000), (bytes, room) => {
        const around = Buffer.alloc(room + 64, 0xee);
        const bytesOut = openBlock(bytes, around.subarray(32, 32 + room));
        expect(bytesOut).toBeLessThanOrEqual(room);
        expect(around.subarray(0, 32).every((byte) => byte === 0xee)).toBe(true);
        expect(around.subarray(32 + room).every((byte) => byte === 0xee)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  it('opens to no more than there is room for', () => {
    const plain = Buffer.alloc(100_000, 7);
    expect(openBlock(packed(plain), Buffer.alloc(99_999))).toBe(-1);
  });

  it('makes noise hardly longer than it was', () => {
    const noise = Buffer.concat(
      Array.from({ length: 3_000 }, (_, index) => createHash('sha256').update(`${index}`).digest()),
    );
    expect(packed(noise).length).toBeLessThan(noise.length * 1.005);
  });
});
