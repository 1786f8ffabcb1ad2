/**
 * The folder behind an instance of a volume. Its backups lie inside it, as Railway's docs of volume
 * backups say in other words (wiping a volume takes its backups along), and so the incident was made:
 *
 *     FOLDER/...        the data; what runs on it is somebody else's and is told to stop
 *     FOLDER/backups/ID a copy of all of that but `backups`
 *
 * Nothing is removed or copied while it may still be written to: stop first, then touch.
 */
import {
  chmodSync,
  constants,
  copyFileSync,
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
} from 'node:fs';
import { join } from 'node:path';
import { Refusal } from '../graphql/execute.ts';

export interface VolumeDisk {
  /** Holds the whole data: nothing of it lies elsewhere. */
  readonly folder: string;
  /** Ends what runs on the data. Idempotent; when it has resolved, nobody writes. */
  stop(): Promise<void>;
  /** Runs it again after a backup or a restore; without it neither can be asked for. */
  start?(): Promise<void>;
}

const BACKUPS = 'backups';

/** All of it, backups included. */
export async function destroyDisk(disk: VolumeDisk): Promise<void> {
  await disk.stop();
  rmSync(disk.folder, { recursive: true, force: true });
}

/** The data and not the backups. */
export async function wipeDisk(disk: VolumeDisk): Promise<void> {
  await disk.stop();
  for (const name of dataIn(disk)) rmSync(join(disk.folder, name), { recursive: true });
}

/** One stop for all of them; each is whole before the data runs again. Says its size in bytes. */
export async function backUpDisk(disk: VolumeDisk, ids: readonly string[]): Promise<number> {
  const start = startOf(disk);
  await disk.stop();
  try {
    for (const id of ids) {
      const half = join(disk.folder, BACKUPS, `${id}.half`);
      mkdirSync(half, { recursive: true });
      for (const name of dataIn(disk)) copyTree(join(disk.folder, name), join(half, name));
      renameSync(half, backupFolder(disk, id));
    }
    const [first] = ids;
    return first === undefined ? 0 : bytesIn(backupFolder(disk, first));
  } finally {
    await start();
  }
}

/** Puts a backup in the place of the data; the backup stays. */
export async function restoreDisk(disk: VolumeDisk, id: string): Promise<void> {
  const start = startOf(disk);
  const from = backupFolder(disk, id);
  if (!existsSync(from)) throw new Refusal('The backup has no data.');
  await wipeDisk(disk);
  for (const name of readdirSync(from)) copyTree(join(from, name), join(disk.folder, name));
  await start();
}

export function removeBackup(disk: VolumeDisk, id: string): void {
  rmSync(backupFolder(disk, id), { recursive: true, force: true });
}

export function backupFolder(disk: VolumeDisk, id: string): string {
  // Ids are ours; one that is no plain name would lead elsewhere.
  if (!/^[\w-]+$/.test(id)) throw new Refusal('No such backup.');
  return join(disk.folder, BACKUPS, id);
}

/** A folder that is gone holds nothing. */
export function bytesIn(path: string): number {
  if (!existsSync(path)) return 0;
  const stat = lstatSync(path);
  if (!stat.isDirectory()) return stat.size;
  return readdirSync(path).reduce((sum, name) => sum + bytesIn(join(path, name)), 0);
}

export function dataBytes(disk: VolumeDisk): number {
  return dataIn(disk).reduce((sum, name) => sum + bytesIn(join(disk.folder, name)), 0);
}

function dataIn(disk: VolumeDisk): readonly string[] {
  if (!existsSync(disk.folder)) return [];
  return readdirSync(disk.folder).filter((name) => name !== BACKUPS);
}

function startOf(disk: VolumeDisk): () => Promise<void> {
  const { start } = disk;
  if (start === undefined) throw new Refusal('This volume is of a kind that has no backups.');
  return () => start.call(disk);
}

/** With owners, modes and links: PostgreSQL refuses a data folder that is not its user's own. */
function copyTree(from: string, to: string): void {
  const stat = lstatSync(from);
  if (stat.isSymbolicLink()) symlinkSync(readlinkSync(from), to);
  else if (stat.isFile()) copyFileSync(from, to, constants.COPYFILE_FICLONE);
  else if (stat.isDirectory()) {
    mkdirSync(to);
    for (const name of readdirSync(from)) copyTree(join(from, name), join(to, name));
  } else return; // a socket: whoever listens makes it anew
  if (process.getuid?.() === 0) lchownSync(to, stat.uid, stat.gid);
  if (stat.isSymbolicLink()) return;
  chmodSync(to, stat.mode & 0o7777);
  utimesSync(to, stat.atime, stat.mtime);
}
