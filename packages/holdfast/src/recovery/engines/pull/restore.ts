/**
 * A pulled point back into an empty folder. In this order: the folder is looked at, the manifest fetched
 * and checked, then the files (unpacked, hashed and written in a thread) and the WAL beside it, the files
 * compared with the manifest, the settings of the recovery written, everything flushed to disk. The data
 * folder is `data`, the tablespaces lie in `tablespaces/<oid>` beside it. Of a point that is an increment,
 * what it builds on comes first, each compared with its own manifest before it is combined.
 *
 * Whatever is not exactly what was backed up rejects; what was written until then stays for whoever wants
 * to look, and is never started by us. Nothing of the restored cluster reaches out: archiving is off and it
 * fetches no WAL.
 */

import { execFile } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { getChecked } from '../../checked-objects.ts';
import { unpackBytes } from '../../packing/pack.ts';
import { PackCrew } from '../../packing/pack-crew.ts';
import { newPipe } from '../../packing/shared-pipe.ts';
import { type FoundFile, TAKERS } from '../../packing/thread-words.ts';
import { readBelow } from '../../point-chain.ts';
import { fileOf } from '../../point-store.ts';
import { ProgressTeller } from '../../progress.ts';
import { type PointFile, plainBytesOf, type RecoveryPoint } from '../../recovery-point.ts';
import { mustBeEmpty } from '../../restore-folder.ts';
import type { Restored, RestoreGoal, Tell } from '../engine.ts';
import { writeRecoverySettings } from '../recovery-settings.ts';
import { combine, endLabel, type Place } from './combine.ts';
import { type BackupManifest, compareWithManifest, readManifest } from './manifest.ts';
import type { PullOptions } from './pull-options.ts';
import { restoreWal } from './wal-restore.ts';
import { vaultShelf } from './wal-shelf.ts';

const run = promisify(execFile);

/** Folders that a server wants and a backup leaves out when they are empty come as entries; these may not. */
const FOLDERS: readonly string[] = ['pg_wal', 'pg_wal/archive_status'];

export async function restorePoint(
  options: PullOptions,
  point: RecoveryPoint,
  goal: RestoreGoal,
  folder: string,
  tell: Tell,
  signal: AbortSignal,
): Promise<Restored> {
  const { clock, identities } = options;
  const startedMs = clock.monotonicMs();
  const root = resolve(folder);
  mustBeEmpty(root);
  const data = join(root, 'data');
  await mkdir(data, { recursive: true, mode: 0o700 });
  const chain: Member[] = [];
  for (const one of [...(await readBelow(options.vault, point)), point]) {
    const file = fileOf(one, 'manifest');
    const bytes = await unpackBytes(getChecked(options.vault, file), identities(), file.key);
    chain.push({ point: one, bytes, manifest: readManifest(bytes) });
  }

  const shelf = await vaultShelf(options, point);
  const totalBytes = chain.reduce((sum, one) => sum + plainBytesOf(one.point), 0);
  const progress = new ProgressTeller(tell, clock, 'restore', totalBytes);
  // Either failing ends both.
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  const ended = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      stop.abort(error);
      throw error;
    }
  };
  for (const name of FOLDERS) await mkdir(join(data, name), { recursive: true, mode: 0o700 });
  const [, wal] = await settled(
    ended(restoreChain(options, chain, root, progress, both)),
    ended(restoreWal(shelf, point, goal, join(data, 'pg_wal'), progress, both)),
  );
  progress.say();
  tell({ phase: 'verify', doneBytes: totalBytes, totalBytes, bytesPerSecond: 0 });
  const fetchMs = clock.monotonicMs() - startedMs;
  const [full] = chain;
  // What was combined is described by none of the manifests.
  if (chain.length > 1) await endLabel(data);
  else await writeFile(join(data, 'backup_manifest'), full?.bytes ?? '', { mode: 0o600 });
  await writeRecoverySettings(data, wal);
  await flush(root);
  return {
    point,
    folder: data,
    phases: { fetchMs, restoreMs: clock.monotonicMs() - startedMs - fetchMs },
  };
}

interface Member {
  readonly point: RecoveryPoint;
  readonly manifest: BackupManifest;
  /** Of the manifest. */
  readonly bytes: Buffer;
}

/** The full one, then each increment beside it and on top; the files of each are compared first. */
async function restoreChain(
  options: PullOptions,
  chain: readonly Member[],
  root: string,
  progress: ProgressTeller,
  signal: AbortSignal,
): Promise<void> {
  const whole: Place = { data: join(root, 'data'), spaces: join(root, 'tablespaces') };
  const beside = join(root, 'increment');
  let listed: ReadonlySet<string> | null = null;
  for (const { manifest, point } of chain) {
    const place: Place =
      listed === null ? whole : { data: join(beside, 'data'), spaces: join(beside, 'tablespaces') };
    await mkdir(place.data, { recursive: true, mode: 0o700 });
    const files = await restoreFiles(options, point, place, whole.spaces, progress, signal);
    compareWithManifest(manifest, files);
    listed =
      listed === null
        ? new Set(manifest.files.map(({ path }) => path))
        : await combine(place, manifest, whole, listed, signal);
    await rm(beside, { recursive: true, force: true });
  }
}

/** `spaces`: where the links lead to. */
async function restoreFiles(
  options: PullOptions,
  point: RecoveryPoint,
  place: Place,
  spaces: string,
  progress: ProgressTeller,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, FoundFile>> {
  const archives = point.files.filter(({ role }) => role === 'base' || role === 'tablespace');
  const placeOf = ({ tablespace }: PointFile): string =>
    tablespace === null ? place.data : join(place.spaces, `${tablespace.oid}`);
  const tablespaces = Object.fromEntries(
    archives.flatMap((file) =>
      file.tablespace ? [[`${file.tablespace.oid}`, join(spaces, `${file.tablespace.oid}`)]] : [],
    ),
  );
  const found = new Map<string, FoundFile>();
  // Opening takes as long as the other two: a thread each.
  const opener = new PackCrew();
  const hasher = new PackCrew();
  const writer = new PackCrew();
  const crews = [opener, hasher, writer];
  const all = new AbortController();
  const failing = async (work: Promise<unknown>): Promise<void> => {
    try {
      await work;
    } catch (error) {
      all.abort(error);
      for (const crew of crews) crew.fail(error);
      throw error;
    }
  };
  const fetch = async (file: PointFile): Promise<void> => {
    for await (const chunk of getChecked(options.vault, file)) {
      signal.throwIfAborted();
      all.signal.throwIfAborted();
      await opener.write(chunk);
      progress.add((chunk.length / file.bytes) * file.plainBytes);
    }
    await opener.end();
  };
  const hash = async (): Promise<void> => {
    const { files } = await hasher.end();
    for (const one of files) found.set(one.path, one);
  };
  try {
    for (const file of archives) {
      const folder = placeOf(file);
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const prefix = file.tablespace === null ? '' : `pg_tblspc/${file.tablespace.oid}/`;
      const pipe = newPipe(TAKERS);
      opener.begin({
        kind: 'open',
        identities: options.identities(),
        of: file.key,
        into: pipe,
      });
      hasher.begin({ kind: 'hash', from: pipe, prefix });
      writer.begin({ kind: 'write', from: pipe, folder, tablespaces });
      await settled(failing(fetch(file)), failing(hash()), failing(writer.end()));
    }
  } finally {
    await Promise.all(crews.map((crew) => crew.close()));
  }
  return found;
}

/** All of it, at once: a call for each of thousands of small files takes longer. */
async function flush(root: string): Promise<void> {
  await run('sync', ['-f', root]);
}

/** Waits for all, so that nothing writes on after a failure. */
async function settled<T extends readonly Promise<unknown>[]>(
  ...works: T
): Promise<{ [At in keyof T]: Awaited<T[At]> }> {
  await Promise.allSettled(works);
  return Promise.all(works);
}
