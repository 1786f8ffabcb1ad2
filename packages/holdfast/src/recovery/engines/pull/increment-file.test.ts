/** Files of increments as a server writes them, and as it never does. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { scratchFolder } from '../../../testing/scratch-folder.ts';
import { nameOf } from './combine.ts';
import { applyIncrement, BLOCK_BYTES } from './increment-file.ts';

const folder = scratchFolder('increment');
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;

function pages(...fill: readonly number[]): Buffer {
  return Buffer.concat(fill.map((byte) => Buffer.alloc(BLOCK_BYTES, byte)));
}

function increment(cut: number, blocks: readonly (readonly [number, number])[]): Buffer {
  const head = Buffer.alloc(blocks.length === 0 ? 12 : BLOCK_BYTES);
  head.writeUInt32LE(0xd3ae1f0d, 0);
  head.writeUInt32LE(blocks.length, 4);
  head.writeUInt32LE(cut, 8);
  for (const [at, [block]] of blocks.entries()) head.writeUInt32LE(block, 12 + at * 4);
  return Buffer.concat([head, pages(...blocks.map(([, fill]) => fill))]);
}

async function applied(bytes: Buffer, before: Buffer): Promise<Buffer> {
  files += 1;
  const [from, to] = [join(folder, `INCREMENTAL.${files}`), join(folder, `${files}`)];
  writeFileSync(from, bytes);
  writeFileSync(to, before);
  await applyIncrement(from, to);
  return readFileSync(to);
}

const before = pages(1, 2, 3, 4);

describe('an increment of a file', () => {
  it.for([
    ['nothing changed', increment(4, []), pages(1, 2, 3, 4)],
    ['blocks in the middle', increment(4, [[1, 8], [2, 9]]), pages(1, 8, 9, 4)],
    ['in another order', increment(4, [[3, 9], [0, 8]]), pages(8, 2, 3, 9)],
    ['it was cut', increment(2, []), pages(1, 2)],
    ['it was cut to nothing', increment(0, []), Buffer.alloc(0)],
    // What lay behind the cut must not come back.
    ['it was cut, and has grown again', increment(1, [[1, 7], [4, 8]]), pages(1, 7, 0, 0, 8)],
    ['it has grown', increment(6, [[4, 7], [5, 8]]), pages(1, 2, 3, 4, 7, 8)],
    // Blocks that were never written to have no WAL.
    ['it has grown by blocks that nobody wrote', increment(6, []), pages(1, 2, 3, 4, 0, 0)],
    ['more blocks than are copied at once', increment(300, Array.from({ length: 300 }, (_, at) => [at, at % 251] as const)),
      pages(...Array.from({ length: 300 }, (_, at) => at % 251))],
  ] as const)('%s', async ([, bytes, wanted]) => {
    expect((await applied(bytes, before)).equals(wanted)).toBe(true);
  }); // biome-ignore format: rows

  it.for([
    ['nothing', Buffer.alloc(0)],
    ['another magic number', Buffer.concat([Buffer.alloc(4), increment(4, []).subarray(4)])],
    ['fewer blocks than it names', increment(4, [[1, 8], [2, 9]]).subarray(0, -1)],
    ['more than it names', Buffer.concat([increment(4, [[1, 8]]), pages(0)])],
    ['something behind an empty one', Buffer.concat([increment(4, []), Buffer.alloc(4)])],
    ['a block beyond a gigabyte', increment(4, [[131_072, 1]])],
    ['a length beyond a gigabyte', increment(131_073, [])],
    ['a block twice', increment(4, [[1, 8], [1, 9]])],
    ['a number of blocks that nothing can have', (() => {
      const bytes = increment(4, []);
      bytes.writeUInt32LE(0xffff_ffff, 4);
      return bytes;
    })()],
  ] as const)('is refused, and nothing is changed: %s', async ([, bytes]) => {
    await expect(applied(bytes, before)).rejects.toMatchObject({ code: 'HF_RECOVERY_DAMAGED' });
    expect(readFileSync(join(folder, `${files}`)).equals(before)).toBe(true);
  }); // biome-ignore format: rows

  it('is refused where there is no file that it is an increment of', async () => {
    const from = join(folder, 'INCREMENTAL.alone');
    writeFileSync(from, increment(4, []));
    await expect(applyIncrement(from, join(folder, 'alone'))).rejects.toMatchObject({
      code: 'HF_RECOVERY_DAMAGED',
      found: 'none',
    });
  });

  it('has the name of the file behind a word', () => {
    expect(nameOf('base/5/INCREMENTAL.1259')).toBe('base/5/1259');
    expect(nameOf('pg_tblspc/16384/PG_18_1/5/INCREMENTAL.1259.1')).toBe(
      'pg_tblspc/16384/PG_18_1/5/1259.1',
    );
    expect(nameOf('base/5/1259')).toBe('base/5/1259');
    expect(nameOf('INCREMENTAL.5/1259')).toBe('INCREMENTAL.5/1259');
  });
});
