/**
 * A dump back into an empty folder, as a cluster of its own. In this order: what is said beside it and the
 * dump are fetched and checked, a cluster of the same version is made, the globals and the dump are brought
 * in by PostgreSQL's own programs, then the changes up to the goal, and the server is shut down in order.
 * The data folder is `data`.
 *
 * Whatever is not exactly what was dumped rejects, and so does what this machine lacks (an extension, a
 * locale). Until the server has it, the dump lies beside the data folder in clear; it is removed then.
 * Nothing of the cluster reaches out: its only door is a socket in a folder that nobody else may enter.
 */

import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { chmod, mkdir, open } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type pg from 'pg';
import { HoldfastError, hasCode, messageOf } from '../../../model/errors.ts';
import { bareEnvironment } from '../../../programs/bare-environment.ts';
import { findPostgres, type PostgresBinaries } from '../../../programs/postgres-binaries.ts';
import { findPostgresClient } from '../../../programs/postgres-client.ts';
import { getChecked } from '../../checked-objects.ts';
import { ScratchCluster } from '../../drills/scratch-cluster.ts';
import { unpackBytes } from '../../packing/pack.ts';
import { PackCrew } from '../../packing/pack-crew.ts';
import { fileOf } from '../../point-store.ts';
import { ProgressTeller } from '../../progress.ts';
import type { PointFile, RecoveryPoint } from '../../recovery-point.ts';
import { mustBeEmpty } from '../../restore-folder.ts';
import type { Restored, RestoreGoal, Tell } from '../engine.ts';
import { type DumpContents, entriesOf, readDumpContents } from './dump-facts.ts';
import type { DumpOptions } from './dump-options.ts';
import { ended } from './dump-run.ts';
import { bringIn } from './globals-in.ts';
import { replayChanges } from './replay.ts';

const run = promisify(execFile);

/** Half of the cores would do for two; more only wait for the disk. */
const JOBS = 2;
const START_MS_MAX = 60_000;
const STATE_EXISTS = '42P04';

export async function restoreDump(
  options: DumpOptions,
  point: RecoveryPoint,
  goal: RestoreGoal,
  folder: string,
  tell: Tell,
  signal: AbortSignal,
): Promise<Restored> {
  const { binaries: named, clock } = options;
  const startedMs = clock.monotonicMs();
  const root = resolve(folder);
  mustBeEmpty(root);
  mustReach(point, goal);
  await mkdir(root, { recursive: true });
  const major = Math.trunc(point.server.version / 10_000);
  const binaries = await findPostgres({ major, named, copyFolder: dirname(root) }, clock);
  const [manifestFile, globalsFile] = [fileOf(point, 'manifest'), fileOf(point, 'globals')];
  const contents = readDumpContents(await smallText(options, manifestFile), manifestFile.key);
  const globals = await smallText(options, globalsFile);
  const client = findPostgresClient(Math.max(major, contents.client), named);

  const dump = join(root, 'dump.pgc');
  const data = join(root, 'data');
  const dumpFile = fileOf(point, 'dump');
  const progress = new ProgressTeller(tell, clock, 'fetch', dumpFile.plainBytes);
  try {
    await fetchDump(options, dumpFile, dump, progress, signal);
    progress.say();
    await give(binaries, dump);
    await checkContents(client.folder, dump, contents, binaries);
    const fetchMs = clock.monotonicMs() - startedMs;

    const total = dumpFile.plainBytes;
    tell({ phase: 'restore', doneBytes: 0, totalBytes: total, bytesPerSecond: 0 });
    await initCluster(binaries, contents, data);
    const cluster = await ScratchCluster.start({
      folder: data,
      binaries,
      user: contents.superuser,
      clock,
      readyMsMax: START_MS_MAX,
      signal,
    });
    let isDown = false;
    try {
      await bringBack({ contents, globals, dump, client, cluster, binaries, signal });
      const restoreMs = clock.monotonicMs() - startedMs - fetchMs;
      tell({ phase: 'replay', doneBytes: 0, totalBytes: null, bytesPerSecond: 0 });
      const database = await cluster.connect(contents.database);
      try {
        await replayChanges(options, point, goal, database, tell, signal);
        await database.query('checkpoint');
      } finally {
        await database.end().catch(() => {});
      }
      isDown = await cluster.shutDown();
      if (!isDown) throw notBack(`the server did not shut down in order: ${cluster.log()}`);
      await run('sync', ['-f', root]);
      const replayMs = clock.monotonicMs() - startedMs - fetchMs - restoreMs;
      return {
        point,
        folder: data,
        phases: { fetchMs, restoreMs, replayMs },
        superuser: contents.superuser,
      };
    } finally {
      if (!isDown) await cluster.stop();
    }
  } finally {
    rmSync(dump, { force: true });
  }
}

async function fetchDump(
  options: DumpOptions,
  file: PointFile,
  place: string,
  progress: ProgressTeller,
  signal: AbortSignal,
): Promise<void> {
  const opener = new PackCrew();
  const out = await open(place, 'wx', 0o600);
  const hash = createHash('sha256');
  let bytes = 0;
  const fetch = async (): Promise<void> => {
    try {
      for await (const chunk of getChecked(options.vault, file)) {
        signal.throwIfAborted();
        await opener.write(chunk);
      }
      await opener.end();
    } catch (error) {
      opener.fail(error);
      throw error;
    }
  };
  const write = async (): Promise<void> => {
    try {
      for await (const chunk of opener.results()) {
        hash.update(chunk);
        bytes += chunk.length;
        await out.writeFile(chunk);
        progress.add(chunk.length);
      }
    } catch (error) {
      opener.fail(error);
      throw error;
    }
  };
  try {
    opener.begin({
      kind: 'open',
      identities: options.identities(),
      of: file.key,
      into: null,
    });
    const [fetched, written] = await Promise.allSettled([fetch(), write()]);
    if (fetched.status === 'rejected') throw fetched.reason;
    if (written.status === 'rejected') throw written.reason;
  } finally {
    await opener.close();
    await out.close();
  }
  if (bytes !== file.plainBytes || hash.digest('hex') !== file.plainSha256) {
    throw damaged(`the dump that was stored at ${file.key}`, 'other bytes');
  }
}

/** What is listed now must be what was listed when it was taken. */
async function checkContents(
  programs: string,
  dump: string,
  contents: DumpContents,
  { runAs }: PostgresBinaries,
): Promise<void> {
  let listed: string;
  try {
    const { stdout } = await run(join(programs, 'pg_restore'), ['--list', dump], {
      env: bareEnvironment(),
      maxBuffer: 512 * 1024 * 1024,
      cwd: '/',
      ...(runAs ?? {}),
    });
    listed = stdout;
  } catch (error) {
    throw damaged('a dump whose table of contents can be listed', messageOf(error));
  }
  const [was, is] = [entriesOf(contents.contents), entriesOf(listed)];
  if (was.length === 0 || was.join('\n') !== is.join('\n')) {
    throw damaged(`the ${was.length} entries of the dump`, `${is.length}, or others`);
  }
}

/** What reads a dump that somebody may have written for us has no rights of ours. */
async function give({ runAs }: PostgresBinaries, file: string): Promise<void> {
  if (runAs === null) return;
  await run('chown', [`${runAs.uid}:${runAs.gid}`, file], { env: bareEnvironment() });
  // The server's user may pass through it, and no more.
  await chmod(dirname(file), 0o711);
}

async function initCluster(
  binaries: PostgresBinaries,
  { collate, ctype, encoding, superuser }: DumpContents,
  data: string,
): Promise<void> {
  const { folder, runAs } = binaries;
  await mkdir(data, { mode: 0o700 });
  await give(binaries, data);
  const options = [
    ...['-D', data, '-U', superuser, '-E', encoding, '--no-sync'],
    ...['--auth-local=peer', '--auth-host=scram-sha-256'],
  ];
  const locale = [`--lc-collate=${collate ?? 'C'}`, `--lc-ctype=${ctype ?? 'C'}`, '--locale=C'];
  try {
    await run(join(folder, 'initdb'), [...options, ...locale], {
      env: bareEnvironment(),
      cwd: data,
      ...(runAs ?? {}),
    });
  } catch (error) {
    const found = messageOf(error);
    if (/locale/.test(found)) throw missingHere(`the locale ${collate ?? 'C'}`, 'that it is not');
    throw notBack(found);
  }
}

interface BackParts {
  readonly contents: DumpContents;
  readonly globals: string;
  readonly dump: string;
  readonly client: { readonly folder: string };
  readonly binaries: PostgresBinaries;
  readonly cluster: ScratchCluster;
  readonly signal: AbortSignal;
}

async function bringBack(parts: BackParts): Promise<void> {
  const { binaries, client, cluster, contents, dump, globals, signal } = parts;
  const { database } = contents;
  const first = await cluster.connect('postgres');
  try {
    await mustHaveExtensions(first, contents);
    await bringIn(first, globals, 'roles', contents);
    if (!BUILT_IN.includes(database)) await createDatabase(first, contents);
    await bringIn(first, globals, 'settings', contents);
  } finally {
    await first.end().catch(() => {});
  }
  const { host, port, user } = cluster.place;
  const child = spawn(
    join(client.folder, 'pg_restore'),
    [
      `--jobs=${JOBS}`,
      '--exit-on-error',
      '--no-password',
      '--no-tablespaces',
      '--no-subscriptions',
      ...[`--host=${host}`, `--port=${port}`, `--username=${user}`, `--dbname=${database}`],
      dump,
    ],
    {
      env: { ...bareEnvironment(), PGPASSFILE: join(host, 'none') },
      stdio: ['ignore', 'ignore', 'pipe'],
      cwd: '/',
      ...(binaries.runAs ?? {}),
    },
  );
  const stop = (): void => {
    child.kill('SIGTERM');
  };
  signal.addEventListener('abort', stop);
  const { complaint, isWell } = await ended(child);
  signal.removeEventListener('abort', stop);
  signal.throwIfAborted();
  if (!isWell) throw notBack(`pg_restore: ${complaint}`);
}

/** They are there in every cluster. */
const BUILT_IN: readonly string[] = ['postgres', 'template1'];

async function createDatabase(client: pg.Client, contents: DumpContents): Promise<void> {
  const { collate, ctype, database, encoding } = contents;
  const locale = (name: string, value: string | null): string =>
    value === null ? '' : ` ${name} ${client.escapeLiteral(value)}`;
  try {
    await client.query(
      `create database ${client.escapeIdentifier(database)} template template0 ` +
        `encoding ${client.escapeLiteral(encoding)}` +
        `${locale('lc_collate', collate)}${locale('lc_ctype', ctype)}`,
    );
  } catch (error) {
    if (hasCode(error, STATE_EXISTS)) return;
    throw notBack(messageOf(error));
  }
}

/** Said before anything is brought in: whether it came back cannot be told here. */
async function mustHaveExtensions(client: pg.Client, { extensions }: DumpContents): Promise<void> {
  const { rows } = await client.query<{ name: string }>('select name from pg_available_extensions');
  const here = new Set(rows.map(({ name }) => name));
  const missing = extensions.filter(({ name }) => !here.has(name)).map(({ name }) => name);
  if (missing.length > 0) {
    throw missingHere(`the extensions of the database`, `none of the name ${missing.join(', ')}`);
  }
}

/** Before a byte is fetched. */
function mustReach(point: RecoveryPoint, { at, lsn }: RestoreGoal): void {
  if (point.wal !== null) return;
  const isItsOwn = at === null && lsn === null;
  if (isItsOwn) return;
  throw new HoldfastError('HF_RECOVERY_GOAL', {
    expected: `to reach ${at?.toISOString() ?? lsn ?? ''}`,
    found: `a dump of ${point.startedAt}, which no changes follow`,
    hint: `Restore the dump itself: --point ${point.id}.`,
  });
}

async function smallText(options: DumpOptions, file: PointFile): Promise<string> {
  const bytes = await unpackBytes(getChecked(options.vault, file), options.identities(), file.key);
  return bytes.toString('utf8');
}

function damaged(expected: string, found: string): HoldfastError {
  return new HoldfastError('HF_RECOVERY_DAMAGED', {
    expected,
    found,
    hint: 'Take another recovery point, and look at the vault: what it stored has changed.',
  });
}

function notBack(found: string): HoldfastError {
  return new HoldfastError('HF_DRILL_NOT_RECOVERED', {
    expected: 'a dump that is brought in whole',
    found,
    hint: 'The recovery point is not proven. Restore an older one, and look at what is said.',
  });
}

function missingHere(what: string, found: string): HoldfastError {
  return new HoldfastError('HF_DRILL_NO_SERVER', {
    expected: `${what} to be installed on this machine`,
    found,
    hint: 'Install it for the PostgreSQL that drills use, or run the drill where it is.',
  });
}
