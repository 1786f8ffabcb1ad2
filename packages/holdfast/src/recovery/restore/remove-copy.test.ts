/** Copies that are removed: what goes, what stays, and what is no copy. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../testing/manual-clock.ts';
import { scratchFolder } from '../../testing/scratch-folder.ts';
import { removeCopy } from './remove-copy.ts';

const root = scratchFolder('remove-copy');
const clock = new ManualClock();
let folder: string;

beforeEach(() => {
  folder = join(mkdtempSync(join(root, 'case-')), 'copy');
  const data = join(folder, 'root', 'data');
  mkdirSync(join(data, 'base'), { recursive: true });
  writeFileSync(join(data, 'postgresql.auto.conf'), '# Restored by Holdfast from point_1\n');
  writeFileSync(join(data, 'base', '1'), Buffer.alloc(1_000_000, 1));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('a copy', () => {
  it('goes with its folder, and it is said how much that was; once', async () => {
    const { bytes, ...said } = await removeCopy(folder, clock);
    expect(said).toEqual({ wasThere: true, left: [] });
    expect(bytes).toBeGreaterThan(900_000);
    expect(existsSync(folder)).toBe(false);
    expect(await removeCopy(folder, clock)).toEqual({ wasThere: false, bytes: 0, left: [] });
  });

  it('leaves what others put beside it, and what links in it lead to', async () => {
    const other = join(folder, '..', 'other');
    mkdirSync(other);
    writeFileSync(join(other, 'kept'), 'x');
    symlinkSync(other, join(folder, 'root', 'data', 'pg_tblspc'));
    writeFileSync(join(folder, 'notes.txt'), 'mine');
    expect(await removeCopy(folder, clock)).toMatchObject({ wasThere: true, left: ['notes.txt'] });
    expect(readdirSync(folder)).toEqual(['notes.txt']);
    expect(readdirSync(other)).toEqual(['kept']);
  });

  it('that was half removed is removed the next time, also beside a new one', async () => {
    renameSync(join(folder, 'root'), join(folder, 'root-forgotten'));
    const again = join(folder, 'root', 'data');
    mkdirSync(again, { recursive: true });
    writeFileSync(join(again, 'postgresql.auto.conf'), '# Restored by Holdfast from point_2\n');
    const { bytes } = await removeCopy(folder, clock);
    expect(bytes).toBeGreaterThan(900_000);
    expect(existsSync(folder)).toBe(false);
    mkdirSync(join(folder, 'root-forgotten', 'data'), { recursive: true });
    expect(await removeCopy(folder, clock)).toMatchObject({ wasThere: true, left: [] });
    expect(existsSync(folder)).toBe(false);
  });

  it('is none where no restore of ours made it, and nothing goes', async () => {
    writeFileSync(join(folder, 'root', 'data', 'postgresql.auto.conf'), 'fsync = on\n');
    await expect(removeCopy(folder, clock)).rejects.toThrow('a copy that');
    expect(existsSync(join(folder, 'root', 'data', 'base', '1'))).toBe(true);
  });

  it('is not followed to where a link in its place leads', async () => {
    const link = join(folder, '..', 'link');
    symlinkSync(folder, link);
    await expect(removeCopy(link, clock)).rejects.toThrow('a link to somewhere else');
    expect(existsSync(join(folder, 'root', 'data', 'base', '1'))).toBe(true);
  });
});
