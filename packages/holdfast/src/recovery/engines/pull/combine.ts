/**
 * One increment on top of what was restored before it, in place: files that it has whole are moved over,
 * those that changed are brought up to date, and what it does not name is removed. Every byte of it was
 * checked against its own manifest before, as those below it were. The WAL beside it is not touched.
 *
 * A visibility map is taken only where it came whole. The server clears bits of it without saying so in
 * the WAL (pgsql-hackers, "Why clearing the VM doesn't require registering vm buffer in WAL record"), so an
 * increment lacks blocks of it that have changed, and rows that were deleted would be seen again by scans
 * of an index alone. Without a map the server looks at the rows, and VACUUM makes a new one.
 *
 * Disk: the whole, and the largest increment. It is not made for being broken off: what is half combined
 * is not started by anybody, and is restored anew.
 */
import type { Dirent } from 'node:fs';
import {
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { applyIncrement, INCREMENT_PREFIX } from './increment-file.ts';
import type { BackupManifest } from './manifest.ts';

/** Where a backup lies: its data folder, and beside it a folder of tablespaces by oid. */
export interface Place {
  readonly data: string;
  readonly spaces: string;
}

/** Belongs to whoever restores the WAL meanwhile. */
const NOT_OURS = 'pg_wal';
const VISIBILITY_MAP = /\/\d+_vm(\.\d+)?$/;
const SPACE = /^pg_tblspc\/(\d+)\/(.+)$/;
/** The server does not start with these in its label: it takes the folder for an increment. */
const LABEL_LINES = /^INCREMENTAL FROM (LSN|TLI): .*\n/gm;

/** `listed`: names in `whole`. Resolves to those that are in it now. */
export async function combine(
  increment: Place,
  manifest: BackupManifest,
  whole: Place,
  listed: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const files = manifest.files.map(({ path }) => ({ path, name: nameOf(path) }));
  const isStale = (one: { path: string; name: string }): boolean =>
    one.path !== one.name && VISIBILITY_MAP.test(one.name);
  const now = new Map(files.filter((one) => !isStale(one)).map(({ name, path }) => [name, path]));
  for (const name of listed) if (!now.has(name)) await rm(fileAt(whole, name));
  for (const [from, to] of foldersOf(increment, whole)) await sameFolders(from, to, true);
  for (const [name, path] of now) {
    signal.throwIfAborted();
    const from = fileAt(increment, path);
    const to = fileAt(whole, name);
    if (path === name) await rename(from, to);
    else await applyIncrement(from, to);
  }
  return new Set(now.keys());
}

/** The label of the last one, as of a backup that is whole. */
export async function endLabel(data: string): Promise<void> {
  const file = join(data, 'backup_label');
  const label = await readFile(file, 'utf8');
  await writeFile(file, label.replaceAll(LABEL_LINES, ''), { mode: 0o600 });
}

/** Of a file in a manifest, what it is called when it is whole. */
export function nameOf(path: string): string {
  const at = path.lastIndexOf('/') + 1;
  const isIncrement = path.startsWith(INCREMENT_PREFIX, at);
  return isIncrement ? path.slice(0, at) + path.slice(at + INCREMENT_PREFIX.length) : path;
}

function fileAt({ data, spaces }: Place, name: string): string {
  const [, oid, rest] = SPACE.exec(name) ?? [];
  return oid === undefined || rest === undefined ? join(data, name) : join(spaces, oid, rest);
}

function foldersOf(from: Place, to: Place): readonly (readonly [string, string])[] {
  return [
    [from.data, to.data],
    [from.spaces, to.spaces],
  ];
}

/** Folders and links of `from` are made in `to`, and those that are only there are removed. */
async function sameFolders(from: string, to: string, isTop: boolean): Promise<void> {
  await mkdir(to, { recursive: true, mode: 0o700 });
  const wanted = new Map((await entriesOf(from)).map((entry) => [entry.name, entry]));
  for (const entry of await entriesOf(to)) {
    if (wanted.has(entry.name) || entry.isFile() || (isTop && entry.name === NOT_OURS)) continue;
    await rm(join(to, entry.name), { recursive: true });
  }
  for (const [name, entry] of wanted) {
    if (isTop && name === NOT_OURS) continue;
    if (entry.isDirectory()) await sameFolders(join(from, name), join(to, name), false);
    else if (entry.isSymbolicLink() && !(await isThere(join(to, name)))) {
      await symlink(await readlink(join(from, name)), join(to, name));
    }
  }
}

async function entriesOf(folder: string): Promise<readonly Dirent[]> {
  return (await isThere(folder)) ? readdir(folder, { withFileTypes: true }) : [];
}

async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
