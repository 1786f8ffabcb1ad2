/**
 * A copy that `holdfast restore --into` left, removed: moved out of the way first, so that what is cut off halfway is
 * no copy any more and is found the next time; then deleted. In the folder that was named, only what a restore
 * made goes; the folder itself when nothing else is in it.
 *
 * It will not: remove what no restore of ours made, a copy that somebody works in, or that somebody started since
 * (it may be the one that counts by now), or follow a link.
 */
import { lstatSync, readdirSync, realpathSync, renameSync, rmdirSync } from 'node:fs';
import { lstat, readdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Clock } from '../../model/clock.ts';
import { HoldfastError } from '../../model/errors.ts';
import { forgetLeft, hadCopy, isAsLeft, noteSomebodys } from './left-state.ts';
import { claimCopy, releaseCopy } from './standing-copy.ts';

const COPY = 'root';
const GOING = 'root-forgotten';

export interface RemovedCopy {
  /** False: nothing of it was there. */
  readonly wasThere: boolean;
  /** As the file system counts what its files take. */
  readonly bytes: number;
  /** Names of what others put into the folder, which was left. */
  readonly left: readonly string[];
}

export interface RemoveOptions {
  /** It was removed before, as is known otherwise. Left out: no. */
  readonly mayBeMissing?: boolean;
  /** While nobody else can work in it, before anything of it goes; what it rejects with, nothing goes after. */
  readonly before?: () => Promise<void>;
}

/** HF_REBUILD_STATE for a folder that is no copy, one that is in use, or one that is not here. */
export async function removeCopy(
  said: string,
  clock: Clock,
  { before = async () => {}, mayBeMissing = false }: RemoveOptions = {},
): Promise<RemovedCopy> {
  const folder = resolve(said);
  const there = namesIn(folder);
  if (there?.includes(COPY) !== true) {
    const isPlace = there?.includes(GOING) === true || hadCopy(folder);
    if (!isPlace && !mayBeMissing) throw notHere(folder);
    await before();
    if (!isPlace) return { wasThere: false, bytes: 0, left: [] };
    return { ...(await gone(folder, 0)), wasThere: there?.includes(GOING) === true };
  }
  await claimAsLeft(folder, clock);
  const leftover = join(folder, GOING);
  let bytes = 0;
  try {
    await before();
    // One that was begun to be removed before goes with it.
    bytes = await sizeOf(leftover);
    await rm(leftover, { recursive: true, force: true });
    renameSync(join(folder, COPY), leftover);
  } finally {
    releaseCopy(folder);
  }
  return { ...(await gone(folder, bytes)), wasThere: true };
}

/** However they are spelled, and by which links they are reached. */
export function isSamePlace(one: string, other: string): boolean {
  return placeOf(one) === placeOf(other);
}

function placeOf(path: string): string {
  try {
    return realpathSync(resolve(path));
  } catch {
    return resolve(path);
  }
}

/** Another machine may have the same store. */
function notHere(folder: string): HoldfastError {
  return new HoldfastError('HF_REBUILD_STATE', {
    expected: `a copy in ${folder}`,
    found: 'nothing of one: it is not on this machine, or its folder is gone',
    hint: 'Nothing was changed. Say forget on the machine where it lies. Where somebody removed it whole by hand, make that folder with an empty file holdfast-left in it, and say forget once more.',
  });
}

async function claimAsLeft(folder: string, clock: Clock): Promise<void> {
  await claimCopy(folder, clock);
  if (isAsLeft(folder)) return;
  noteSomebodys(folder);
  releaseCopy(folder);
  throw new HoldfastError('HF_REBUILD_STATE', {
    expected: `${folder} as Holdfast left it`,
    found: 'that somebody may have started it since, or changed its settings',
    hint: `Nothing was removed. If nobody needs it, rm -r ${join(folder, COPY)} by hand, and say forget once more.`,
  });
}

async function gone(folder: string, before: number): Promise<Omit<RemovedCopy, 'wasThere'>> {
  const going = join(folder, GOING);
  const bytes = before + (await sizeOf(going));
  await rm(going, { recursive: true, force: true });
  forgetLeft(folder);
  const left = readdirSync(folder);
  if (left.length === 0) rmdirSync(folder);
  return { bytes, left };
}

/** Null: there is no such folder. */
function namesIn(folder: string): readonly string[] | null {
  const stat = lstatSync(folder, { throwIfNoEntry: false });
  if (stat === undefined) return null;
  if (stat.isDirectory()) return readdirSync(folder);
  throw new HoldfastError('HF_REBUILD_STATE', {
    expected: `${folder} to be the folder of a copy`,
    found: stat.isSymbolicLink() ? 'a link to somewhere else' : 'something else',
    hint: 'Nothing was removed. Look who put it there.',
  });
}

async function sizeOf(path: string): Promise<number> {
  const stat = await lstat(path).catch(() => null);
  if (stat === null) return 0;
  let bytes = stat.blocks * 512;
  if (!stat.isDirectory()) return bytes;
  for (const name of await readdir(path)) bytes += await sizeOf(join(path, name));
  return bytes;
}
