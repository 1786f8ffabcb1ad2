/**
 * The data folder of the embedded PostgreSQL, and who may reach what in it.
 *
 *     FOLDER/postgres.password   0600  generated once; the only way in besides the files themselves
 *     FOLDER/postgres.log        0600  what the server says; begun anew when it grew large
 *     FOLDER/postgres.home             where HOME is, written once the data is there
 *     FOLDER/lock, users/              who starts, stops and uses the server (folder-lock.ts)
 *     HOME/postgres/             0700  the data (PGDATA), owned by whom the server runs as
 *     HOME/socket/               0700  the unix socket; a short path under the temp folder when the
 *                                      name would not fit into the 107 bytes of `sun_path`
 *     HOME/pg_hba.conf           0644  scram-sha-256 for everybody, no exception
 *
 * HOME is FOLDER. Only as root, when the unprivileged user cannot enter FOLDER (it lies under /root),
 * HOME is a folder of its own under /var/lib/holdfast, named after FOLDER's path. Once made, it stays:
 * data that was there and is gone is an error and never a reason to begin anew with an empty store,
 * which would forget every denial, revocation and entry without a word.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { Clock } from '../model/clock.ts';
import { HoldfastError, messageOf } from '../model/errors.ts';
import { bareEnvironment } from '../programs/bare-environment.ts';
import {
  canEnter,
  type Engine,
  type RunAs,
  unprivilegedUser,
} from '../programs/embedded-engine.ts';

export const SERVER_USER = 'holdfast';
/** `sockaddr_un.sun_path` is 108 bytes on Linux, 104 elsewhere, one of them the closing NUL. */
const SOCKET_PATH_BYTES_MAX = 103;
const LOG_BYTES_MAX = 10 * 1024 * 1024;
const INITDB_MS_MAX = 90_000;

export interface EmbeddedFolder {
  readonly folder: string;
  readonly home: string;
  readonly data: string;
  readonly sockets: string;
  readonly hba: string;
  readonly log: string;
  readonly passwordFile: string;
  /** Names HOME, from the moment the data was whole. */
  readonly homeFile: string;
  /** Null: the server runs as we do. */
  readonly runAs: RunAs | null;
}

/** Makes what is missing, and tells where everything lies. Idempotent. */
export function prepareFolder(path: string, port: number): EmbeddedFolder {
  const folder = resolve(path);
  const user = unprivilegedUser();
  try {
    // What is missing above it is an ordinary folder: shut, it would send root's data elsewhere.
    mkdirSync(dirname(folder), { recursive: true });
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    // Entering is all the server's user gets; each thing inside has its own mode.
    if (user !== null) chmodSync(folder, statSync(folder).mode | 0o111);
    const homeFile = join(folder, 'postgres.home');
    const home = knownHome(homeFile) ?? (canEnter(folder, user) ? folder : homeElsewhere(folder));
    // When it was taken away, whoever starts says so in words; here it must only not stumble.
    mkdirSync(home, { recursive: true, mode: 0o711 });
    const data = join(home, 'postgres');
    const runAs = ownerOf(data) ?? user;
    return {
      folder,
      home,
      data,
      sockets: socketFolder(folder, home, port, runAs),
      hba: join(home, 'pg_hba.conf'),
      log: join(folder, 'postgres.log'),
      passwordFile: join(folder, 'postgres.password'),
      homeFile,
      runAs,
    };
  } catch (cause) {
    if (cause instanceof HoldfastError) throw cause;
    throw new HoldfastError('HF_STORE_NOT_STARTED', {
      expected: `a data folder at ${folder} that this user may use`,
      found: messageOf(cause),
      hint: 'Run as the user who made the folder, or name another one.',
      cause,
    });
  }
}

/** Made once; whoever may read it may log in. */
export function passwordOf(at: EmbeddedFolder, clock: Clock): string {
  if (!existsSync(at.passwordFile)) {
    const password = clock.random(24).toString('base64url');
    writeFileSync(at.passwordFile, `${password}\n`, { mode: 0o600 });
  }
  return readFileSync(at.passwordFile, 'utf8').trim();
}

/** Sees to it that there is data: finds it, or makes it if there never was any. */
export async function ensureData(
  at: EmbeddedFolder,
  engine: Engine,
  password: string,
  progress: (step: string) => void,
): Promise<void> {
  if (!existsSync(at.data)) {
    if (existsSync(at.homeFile)) throw dataGone(at);
    progress('making the data folder (initdb, a few seconds, once)');
    await initialise(at, engine, password);
  }
  checkVersion(at, engine);
  if (!existsSync(at.homeFile)) writeFileSync(at.homeFile, `${at.home}\n`, { mode: 0o600 });
}

/** Removes the server's data for good. Only for what was made to be thrown away; no server may run. */
export function removeData(at: EmbeddedFolder): void {
  for (const path of [at.sockets, at.data, at.hba, at.log, at.passwordFile, at.homeFile]) {
    rmSync(path, { recursive: true, force: true });
  }
  if (at.home !== at.folder) rmSync(at.home, { recursive: true, force: true });
}

/** Runs initdb beside the place and moves it there whole: a killed initdb leaves no half folder. */
async function initialise(at: EmbeddedFolder, engine: Engine, password: string): Promise<void> {
  const half = `${at.data}.new`;
  const passwordCopy = join(at.home, 'initdb.password');
  rmSync(half, { recursive: true, force: true });
  rmSync(passwordCopy, { force: true });
  mkdirSync(half, { mode: 0o700 });
  writeFileSync(passwordCopy, password, { mode: 0o600 });
  handOver(half, at.runAs);
  handOver(passwordCopy, at.runAs);
  const words = ['-D', half, '-U', SERVER_USER, '-A', 'scram-sha-256', '--pwfile', passwordCopy];
  try {
    await promisify(execFile)(
      join(engine.binFolder, 'initdb'),
      [...words, '-E', 'UTF8', '--locale=C', '--no-instructions'],
      { cwd: at.home, env: bareEnvironment(), timeout: INITDB_MS_MAX, ...at.runAs },
    );
  } catch (cause) {
    rmSync(half, { recursive: true, force: true });
    throw new HoldfastError('HF_STORE_NOT_STARTED', {
      expected: `initdb to make ${at.data}`,
      found: cause instanceof Error ? cause.message.trim() : String(cause),
      hint: 'See that the disk has room and the folder may be written, then start again.',
      cause,
    });
  } finally {
    rmSync(passwordCopy, { force: true });
  }
  renameSync(half, at.data);
}

/** Refuses a folder that this engine's major version cannot open. */
function checkVersion(at: EmbeddedFolder, engine: Engine): void {
  const found = readFileSync(join(at.data, 'PG_VERSION'), 'utf8').trim();
  if (found === engine.major) return;
  throw new HoldfastError('HF_STORE_NOT_STARTED', {
    expected: `a data folder made by PostgreSQL ${engine.major}`,
    found: `${at.data} was made by PostgreSQL ${found}`,
    hint: `Dump it with PostgreSQL ${found} and load it into a new folder, or keep the old version.`,
  });
}

/** `all` names no replication (PostgreSQL, 20.1): whoever wants its WAL pulled says so. */
export function writeHba(at: EmbeddedFolder, letsReplicate: boolean): void {
  const lines = [
    '# Written by Holdfast at each start.',
    'local all all scram-sha-256',
    'host all all 127.0.0.1/32 scram-sha-256',
    ...(letsReplicate ? ['host replication all 127.0.0.1/32 scram-sha-256'] : []),
  ];
  writeFileSync(at.hba, `${lines.join('\n')}\n`, { mode: 0o644 });
}

/** Starts the log anew when it grew large; one former log is kept. */
export function turnLog(at: EmbeddedFolder): void {
  if (existsSync(at.log) && statSync(at.log).size > LOG_BYTES_MAX) {
    renameSync(at.log, `${at.log}.1`);
  }
}

/** The last words of the server, for an error. */
export function logTail(at: EmbeddedFolder): string {
  try {
    return readFileSync(at.log, 'utf8').trimEnd().split('\n').slice(-6).join(' | ');
  } catch {
    return '';
  }
}

function knownHome(homeFile: string): string | null {
  return existsSync(homeFile) ? readFileSync(homeFile, 'utf8').trim() : null;
}

function dataGone(at: EmbeddedFolder): HoldfastError {
  return new HoldfastError('HF_STORE_NOT_STARTED', {
    expected: `the data that was made at ${at.data}`,
    found: 'nothing there',
    hint: `Put it back. To begin anew with an empty store, and to forget everything, remove ${at.homeFile}.`,
  });
}

function homeElsewhere(folder: string): string {
  const home = join('/var/lib/holdfast', shortName(folder));
  mkdirSync(home, { recursive: true, mode: 0o711 });
  return home;
}

/** Whoever made the data runs the server; root made none. */
function ownerOf(data: string): RunAs | null {
  if (process.getuid?.() !== 0 || !existsSync(data)) return null;
  const { uid, gid } = statSync(data);
  return uid === 0 ? null : { uid, gid };
}

function socketFolder(folder: string, home: string, port: number, runAs: RunAs | null): string {
  const near = join(home, 'socket');
  const fits = Buffer.byteLength(join(near, `.s.PGSQL.${port}`)) <= SOCKET_PATH_BYTES_MAX;
  const sockets = fits ? near : join(tmpdir(), `holdfast-${shortName(folder)}`);
  const uid = runAs?.uid ?? process.getuid?.();
  if (!existsSync(sockets)) {
    mkdirSync(sockets, { mode: 0o700 });
    handOver(sockets, runAs);
  }
  // Anybody may make a folder under /tmp: use it only when it is a folder, ours, and shut.
  const found = lstatSync(sockets);
  const sound = found.isDirectory() && found.uid === uid && (found.mode & 0o077) === 0;
  if (!sound) {
    throw new HoldfastError('HF_STORE_NOT_STARTED', {
      expected: `${sockets} to be a folder of user ${uid} with mode 0700`,
      found: `mode ${(found.mode & 0o7777).toString(8)}, user ${found.uid}`,
      hint: 'Remove it, or use a data folder with a shorter path.',
    });
  }
  return sockets;
}

function shortName(path: string): string {
  return createHash('sha256').update(path).digest('hex').slice(0, 16);
}

function handOver(path: string, runAs: RunAs | null): void {
  if (runAs !== null) chownSync(path, runAs.uid, runAs.gid);
}
