import { createHash } from 'node:crypto';
import { chmodSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { scratchFolder } from '../../../testing/scratch-folder.ts';
import { keepBytes, keepCopy } from './kept-copy.ts';

const folder = scratchFolder('kept');
const copies = join(folder, 'copies');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the kept copy of a source', () => {
  it('has the bytes that were read, by the name of their digest, whatever becomes of the original', async () => {
    const path = join(folder, 'export.csv');
    writeFileSync(path, 'id,n\n1,2\n');
    const { bytes, sha256 } = await keepCopy(path, copies);
    writeFileSync(path, 'something else');
    expect(sha256).toBe(createHash('sha256').update('id,n\n1,2\n').digest('hex'));
    expect(readFileSync(join(copies, sha256))).toEqual(bytes);
    expect(statSync(join(copies, sha256)).mode & 0o777).toBe(0o400);
    expect(readdirSync(copies)).toEqual([sha256]);
  });

  it('is made once, and noticed when somebody changed it', async () => {
    const { sha256 } = await keepBytes(Buffer.from('a'), copies);
    await expect(keepBytes(Buffer.from('a'), copies)).resolves.toMatchObject({ sha256 });
    chmodSync(join(copies, sha256), 0o600);
    writeFileSync(join(copies, sha256), 'b');
    await expect(keepBytes(Buffer.from('a'), copies)).rejects.toThrow(/other bytes/);
  });

  it.each([
    ['a folder', () => folder, /folder/],
    ['a device without end', () => '/dev/zero', /device/],
    ['nothing', () => join(folder, 'nowhere'), /can be read/],
  ])('is not made of %s', async (_story, path, says) => {
    await expect(keepCopy(path(), copies)).rejects.toThrow(says);
  });

  it('is not made of more than is read', async () => {
    await expect(keepBytes(Buffer.alloc(64 * 1024 * 1024 + 1), copies)).rejects.toThrow(/at most/);
  });
});
