import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../model/clock.ts';
import { formatMark, isSame, markOf, parseMark } from '../programs/process-mark.ts';
import { FolderLock } from './folder-lock.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-lock-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A process that has been, with a number that may be given away again. */
function deadPid(): number {
  return spawnSync('true').pid;
}

/** Runs `count` holders at once and tells how many were inside at the same time, at most. */
async function crowd(count: number): Promise<number> {
  let inside = 0;
  let most = 0;
  const locks = Array.from({ length: count }, () => new FolderLock(folder, systemClock));
  await Promise.all(
    locks.map((lock) =>
      lock.hold(async () => {
        inside += 1;
        most = Math.max(most, inside);
        await new Promise((done) => setImmediate(done));
        inside -= 1;
      }),
    ),
  );
  return most;
}

describe('the lock of a folder', () => {
  it('lets one in at a time, and leaves nothing behind', async () => {
    expect(await crowd(8)).toBe(1);
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each([
    ['names a process that is gone', () => `${deadPid()} 12345\n`],
    ['names this process, as another that had its number', () => `${process.pid} 1\n`],
    ['is torn', () => ''],
    ['is something else', () => 'hello\n'],
  ])('is broken once when it %s', async (_, content) => {
    writeFileSync(join(folder, 'lock'), content());
    expect(await crowd(8)).toBe(1);
  });

  it('is broken although who was breaking it died', async () => {
    writeFileSync(join(folder, 'lock'), `${deadPid()} 12345\n`);
    writeFileSync(join(folder, 'lock.break'), `${deadPid()} 12345\n`);
    expect(await crowd(4)).toBe(1);
  });

  it('is let go when the work fails', async () => {
    const lock = new FolderLock(folder, systemClock);
    await expect(lock.hold(() => Promise.reject(new Error('boom')))).rejects.toThrow('boom');
    expect(await crowd(1)).toBe(1);
  });
});

describe('the users of a folder', () => {
  it('are counted while they live, one by one', () => {
    const [first, second] = [0, 1].map(() => new FolderLock(folder, systemClock));
    first?.enter();
    expect([first?.isShared(), second?.isShared()]).toEqual([false, true]);
    second?.enter();
    expect(first?.isShared()).toBe(true);
    second?.leave();
    expect(first?.isShared()).toBe(false);
  });

  it('do not count when dead', () => {
    const lock = new FolderLock(folder, systemClock);
    lock.enter();
    writeFileSync(join(folder, 'users', 'gone'), `${deadPid()} 12345\n`);
    expect(lock.isShared()).toBe(false);
    expect(readdirSync(join(folder, 'users'))).toHaveLength(1);
  });
});

describe('the mark of a process', () => {
  it('is the same for as long as it lives, and survives being written down', () => {
    const mark = markOf(process.pid);
    if (mark === null) throw new Error('expected to be alive');
    expect(isSame(mark)).toBe(true);
    expect(parseMark(formatMark(mark))).toEqual(mark);
    expect(isSame({ ...mark, born: 'another' })).toBe(false);
  });

  it('is none for a process that is gone', () => {
    expect(markOf(deadPid())).toBeNull();
  });
});
