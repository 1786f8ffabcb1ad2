/**
 * Whether a copy that `holdfast restore --into` left is still as we left it: beside its data folder stand the sums
 * of what every start of a server changes (`pg_control`) and of its settings. A copy that somebody started
 * since may be the one that counts by now, and stays somebody's, whatever we do in it afterwards.
 *
 * It will not: say of a copy without sums, or with others, that it is as it was left.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Beside what the server's user may write in. */
const STATE = 'holdfast-left';
const SOMEBODYS = "somebody's";

/** After a server of ours has ended in it, where it was as we left it before. */
export function noteLeft(folder: string): void {
  write(folder, sumsOf(folder) ?? SOMEBODYS);
}

/** From now on it is never again as we left it. */
export function noteSomebodys(folder: string): void {
  write(folder, SOMEBODYS);
}

export function isAsLeft(folder: string): boolean {
  const sums = sumsOf(folder);
  return sums !== null && said(folder) === sums;
}

/** A server of ours ran in it last, and it was as we left it when that was started. */
export function mayBeNoted(folder: string): boolean {
  return ![null, SOMEBODYS].includes(said(folder));
}

/** A copy stood here once. */
export function hadCopy(folder: string): boolean {
  return existsSync(join(folder, STATE));
}

export function forgetLeft(folder: string): void {
  rmSync(join(folder, STATE), { force: true });
}

function write(folder: string, words: string): void {
  forgetLeft(folder);
  writeFileSync(join(folder, STATE), `${words}\n`, { flag: 'wx', mode: 0o600 });
}

function said(folder: string): string | null {
  return bytesOf(join(folder, STATE))?.toString().trim() ?? null;
}

/** Null: one of them is not there, or not for us. */
function sumsOf(folder: string): string | null {
  const data = join(folder, 'root', 'data');
  const files = ['global/pg_control', 'postgresql.auto.conf'].map((name) =>
    bytesOf(join(data, name)),
  );
  const sums = files.flatMap((bytes) =>
    bytes === null ? [] : [createHash('sha256').update(bytes).digest('hex')],
  );
  return sums.length === files.length ? sums.join(' ') : null;
}

function bytesOf(path: string): Buffer | null {
  try {
    return readFileSync(path);
  } catch {
    return null;
  }
}
