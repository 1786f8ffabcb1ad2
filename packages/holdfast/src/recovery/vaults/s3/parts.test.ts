import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VAULT_PART_BYTES } from '../../../model/limits.ts';
import { EntityTag, PARTS_MAX, partBytes, partsOf } from './parts.ts';

async function* chunks(bytes: Buffer, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function sizes(bytes: Buffer, size: number): Promise<readonly number[]> {
  const all: number[] = [];
  for await (const part of partsOf(chunks(bytes, size))) all.push(part.length);
  return all;
}

describe('the parts of an upload', () => {
  it.each([
    [0, [0]],
    [1, [1]],
    [VAULT_PART_BYTES, [VAULT_PART_BYTES]],
    [VAULT_PART_BYTES + 1, [VAULT_PART_BYTES, 1]],
    [2 * VAULT_PART_BYTES, [VAULT_PART_BYTES, VAULT_PART_BYTES]],
  ])('of %d bytes are full but for the last', async (bytes, expected) => {
    expect(await sizes(Buffer.alloc(bytes), 1_000_003)).toEqual(expected);
    expect(await sizes(Buffer.alloc(bytes), 3 * VAULT_PART_BYTES)).toEqual(expected);
  });

  it('grow, so that 468 GiB fit into the parts there may be', () => {
    let bytes = 0;
    for (let number = 1; number <= PARTS_MAX; number += 1) bytes += partBytes(number);
    expect(Math.floor(bytes / 1024 ** 3)).toBe(468);
  });
});

describe('the entity tag', () => {
  it('of one part is its MD5, however it comes', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        fc.integer({ min: 1, max: 50 }),
        (bytes, cut) => {
          const tag = new EntityTag();
          for (let at = 0; at < bytes.length; at += cut) tag.add(bytes.subarray(at, at + cut));
          expect(tag.end()).toBe(createHash('md5').update(bytes).digest('hex'));
        },
      ),
    );
  });

  it('of several is the MD5 of their MD5s, with their number', () => {
    const bytes = Buffer.alloc(VAULT_PART_BYTES + 5, 'x');
    const md5 = (part: Buffer) => createHash('md5').update(part).digest();
    const parts = [bytes.subarray(0, VAULT_PART_BYTES), bytes.subarray(VAULT_PART_BYTES)];
    const tag = new EntityTag();
    for (let at = 0; at < bytes.length; at += 777_777) tag.add(bytes.subarray(at, at + 777_777));
    expect(tag.end()).toBe(`${md5(Buffer.concat(parts.map(md5))).toString('hex')}-2`);
  });
});
