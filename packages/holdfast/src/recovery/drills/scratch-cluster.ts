/**
 * A server on a restored data folder, for looking at what came back and for nothing else: no network at
 * all where the machine lets us (a network namespace of its own), a Unix socket in a folder that only we
 * may enter, no archive, no replication, no background work of extensions that want to be preloaded, and
 * fsync off, since it is thrown away. One that is to be kept is as durable as PostgreSQL makes it, and is
 * shut down in order.
 *
 * Where recovery ends is what the restore wrote into postgresql.auto.conf; all else is said here.
 *
 * In this order: the folder is given to whom the server runs as -> start -> recovery to its goal and
 * promotion -> ready -> queries -> stopped by its own process, and removed with its folder.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import pg from 'pg';
import type { Clock } from '../../model/clock.ts';
import { HoldfastError, messageOf } from '../../model/errors.ts';
import { bareEnvironment } from '../../programs/bare-environment.ts';
import { pause } from '../../programs/pause.ts';
import type { PostgresBinaries } from '../../programs/postgres-binaries.ts';

export interface ScratchOptions {
  /** A data folder that a restore made, alone in a folder of its own but for its tablespaces. */
  readonly folder: string;
  readonly binaries: PostgresBinaries;
  /** A superuser of the source, by whom everything can be looked at. */
  readonly user: string;
  readonly clock: Clock;
  /** Replaying a day's WAL takes its time; longer than this is a failure. */
  readonly readyMsMax: number;
  readonly signal: AbortSignal;
  /** It is not thrown away: fsync on, and `stop` waits for its last checkpoint. Left out: it is. */
  readonly isKept?: boolean;
}

/** Where it answers: a Unix socket. */
export interface ScratchPlace {
  readonly host: string;
  readonly port: number;
  readonly user: string;
}

/** How far what runs in it could reach. */
export type Isolation = 'no network' | 'no listener';

/**
 * Said on the command line, which is over postgresql.auto.conf: the source's own settings may name
 * libraries, commands and places that are not here. Where recovery ends stands in that file.
 */
const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '',
  unix_socket_permissions: '0700',
  port: '5432',
  archive_mode: 'off',
  // Off, the limits of the source need not be met to replay its WAL.
  hot_standby: 'off',
  max_wal_senders: '0',
  wal_level: 'minimal',
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  shared_preload_libraries: '',
  session_preload_libraries: '',
  local_preload_libraries: '',
  jit: 'off',
  autovacuum: 'off',
  max_connections: '20',
  max_wal_size: '4GB',
  logging_collector: 'off',
  log_destination: 'stderr',
  ssl: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
};

const DURABLE: Readonly<Record<string, string>> = {
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
};

const PORT = 5432;
const LOOK_MS = 20;
const STOP_MS_MAX = 10_000;
/** All that was replayed may have to be written out yet. */
const STOP_KEPT_MS_MAX = 10 * 60_000;
const LOG_BYTES_SHOWN = 4_000;

export class ScratchCluster {
  readonly isolation: Isolation;
  /** From the start of the server to its first answer to a query. */
  readonly replayMs: number;
  readonly firstQueryMs: number;
  readonly #child: ChildProcess;
  readonly #sockets: string;
  readonly #options: ScratchOptions;
  /** Once it has ended. */
  #said: string | null = null;

  private constructor(
    options: ScratchOptions,
    started: {
      readonly child: ChildProcess;
      readonly sockets: string;
      readonly isolation: Isolation;
    },
    times: { readonly replayMs: number; readonly firstQueryMs: number },
  ) {
    this.#options = options;
    this.#child = started.child;
    this.#sockets = started.sockets;
    this.isolation = started.isolation;
    this.replayMs = times.replayMs;
    this.firstQueryMs = times.firstQueryMs;
  }

  /** Rejects with HF_DRILL_NOT_RECOVERED when the server does not get up; nothing is left running. */
  static async start(options: ScratchOptions): Promise<ScratchCluster> {
    const { clock } = options;
    const began = clock.monotonicMs();
    const started = launch(options);
    try {
      await ready(options, started);
      const isReadyAt = clock.monotonicMs();
      await firstAnswer(options, started.sockets);
      const replayMs = Math.round(isReadyAt - began);
      const firstQueryMs = Math.round(clock.monotonicMs() - isReadyAt);
      return new ScratchCluster(options, started, { replayMs, firstQueryMs });
    } catch (error) {
      await end(started.child, 'SIGQUIT', STOP_MS_MAX);
      rmSync(dirname(started.sockets), { recursive: true, force: true });
      throw error;
    }
  }

  /** A connection of its own to one database; whoever asks for it closes it. */
  async connect(database: string): Promise<pg.Client> {
    const client = clientOf(this.#options, this.#sockets, database);
    await client.connect();
    return client;
  }

  /** For whoever brings a client of their own. */
  get place(): ScratchPlace {
    return { host: this.#sockets, port: PORT, user: this.#options.user };
  }

  /** The last lines that the server said. */
  log(): string {
    return this.#said ?? logTail(this.#sockets);
  }

  /** In order, though it is not to be kept as it is: another server is started on its folder. */
  async shutDown(): Promise<boolean> {
    const ended = await end(this.#child, 'SIGINT', STOP_KEPT_MS_MAX);
    this.#said = logTail(this.#sockets);
    rmSync(dirname(this.#sockets), { recursive: true, force: true });
    return ended;
  }

  /** False: it did not shut down in order, and would have to recover when it is started again. */
  async stop(): Promise<boolean> {
    const isKept = this.#options.isKept === true;
    const ended = await end(
      this.#child,
      isKept ? 'SIGINT' : 'SIGQUIT',
      isKept ? STOP_KEPT_MS_MAX : STOP_MS_MAX,
    );
    this.#said = logTail(this.#sockets);
    rmSync(dirname(this.#sockets), { recursive: true, force: true });
    return ended;
  }
}

function launch(options: ScratchOptions): {
  readonly child: ChildProcess;
  readonly sockets: string;
  readonly isolation: Isolation;
} {
  const { binaries, clock, folder } = options;
  // A short name: `sun_path` has room for about a hundred bytes.
  const own = join(tmpdir(), `hf-drill-${clock.random(6).toString('hex')}`);
  const sockets = join(own, 's');
  // Ours, and never in the data folder: code of the restored database runs as the server's user, and would
  // lay links there for us to write through.
  mkdirSync(own, { mode: 0o711 });
  mkdirSync(sockets, { mode: 0o700 });
  const hba = join(own, 'hba.conf');
  const ident = join(own, 'ident.conf');
  const config = join(own, 'scratch.conf');
  writeFileSync(hba, 'local all all trust\n', { mode: 0o644, flag: 'wx' });
  writeFileSync(ident, '', { mode: 0o644, flag: 'wx' });
  writeFileSync(config, '', { mode: 0o644, flag: 'wx' });
  // Tablespaces lie beside it.
  give(binaries.runAs, [dirname(folder), sockets]);
  const settings = Object.entries({
    ...SETTINGS,
    ...(options.isKept === true ? DURABLE : {}),
    ...placesOf(sockets, hba, ident, config),
  });
  const server = [
    join(binaries.folder, 'postgres'),
    '-D',
    folder,
    ...settings.flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ];
  const { isolation, prefix } = confinement(binaries.runAs);
  const [program = '', ...rest] = [...prefix, ...server];
  const log = openSync(logOf(sockets), 'ax', 0o600);
  try {
    const child = spawn(program, rest, {
      cwd: folder,
      env: bareEnvironment(),
      stdio: ['ignore', log, log],
      // In a namespace that root makes, the user is changed by the program that enters it.
      ...(binaries.runAs !== null && prefix.length === 0 ? binaries.runAs : {}),
    });
    child.on('error', () => {});
    return { child, sockets, isolation };
  } finally {
    closeSync(log);
  }
}

function placesOf(
  sockets: string,
  hba: string,
  ident: string,
  config: string,
): Readonly<Record<string, string>> {
  return {
    config_file: config,
    hba_file: hba,
    ident_file: ident,
    unix_socket_directories: sockets,
  };
}

function confinement(runAs: PostgresBinaries['runAs']): {
  readonly isolation: Isolation;
  readonly prefix: readonly string[];
} {
  const prefix =
    runAs === null
      ? ['unshare', '--user', '--map-current-user', '--net', '--']
      : [
          ...['unshare', '--net', '--', 'setpriv', `--reuid=${runAs.uid}`, `--regid=${runAs.gid}`],
          ...['--clear-groups', '--no-new-privs', '--'],
        ];
  const [program = '', ...rest] = prefix;
  try {
    execFileSync(program, [...rest, 'true'], { stdio: 'ignore', env: bareEnvironment() });
    return { isolation: 'no network', prefix };
  } catch {
    return { isolation: 'no listener', prefix: [] };
  }
}

function give(runAs: PostgresBinaries['runAs'], folders: readonly string[]): void {
  if (runAs === null) return;
  execFileSync('chown', ['-R', '--no-dereference', `${runAs.uid}:${runAs.gid}`, ...folders], {
    stdio: 'ignore',
    env: bareEnvironment(),
  });
}

async function ready(
  options: ScratchOptions,
  { child, sockets }: { readonly child: ChildProcess; readonly sockets: string },
): Promise<void> {
  const { clock, folder, readyMsMax, signal } = options;
  const began = clock.monotonicMs();
  while (clock.monotonicMs() - began < readyMsMax) {
    if (signal.aborted) throw notRecovered('the drill was stopped', sockets);
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) {
      throw notRecovered('the server ended again', sockets);
    }
    if (statusOf(folder) === 'ready') return;
    await pause(LOOK_MS);
  }
  throw notRecovered(`it was not ready after ${Math.round(readyMsMax / 1000)} s`, sockets);
}

/** The eighth line of postmaster.pid (PostgreSQL `src/include/utils/pidfile.h`). */
function statusOf(folder: string): string {
  try {
    return (readFileSync(join(folder, 'postmaster.pid'), 'utf8').split('\n')[7] ?? '').trim();
  } catch {
    return '';
  }
}

async function firstAnswer(options: ScratchOptions, sockets: string): Promise<void> {
  const client = clientOf(options, sockets, 'postgres');
  try {
    await client.connect();
    const { rows } = await client.query<{ recovering: boolean }>(
      'select pg_is_in_recovery() as recovering',
    );
    if (rows[0]?.recovering !== false) throw new Error('it is still in recovery');
  } catch (error) {
    const found = messageOf(error);
    throw notRecovered(`it did not answer: ${found}`, sockets);
  } finally {
    await client.end().catch(() => {});
  }
}

function clientOf({ user }: ScratchOptions, host: string, database: string): pg.Client {
  const client = new pg.Client({
    host,
    port: PORT,
    user,
    database,
    connectionTimeoutMillis: 10_000,
  });
  client.on('error', () => {});
  return client;
}

async function end(
  child: ChildProcess,
  signal: 'SIGINT' | 'SIGQUIT',
  msMax: number,
): Promise<boolean> {
  if (child.pid === undefined) return false;
  if (child.exitCode === null && child.signalCode === null) {
    const gone = new Promise<void>((done) => child.once('exit', () => done()));
    child.kill(signal);
    const late = setTimeout(() => child.kill('SIGKILL'), msMax);
    await gone;
    clearTimeout(late);
  }
  return child.exitCode === 0;
}

/** Beside the folder of its sockets. */
function logOf(sockets: string): string {
  return join(dirname(sockets), 'log');
}

function logTail(sockets: string): string {
  try {
    return readFileSync(logOf(sockets), 'utf8').slice(-LOG_BYTES_SHOWN).trim();
  } catch {
    return '';
  }
}

/** The server's own FATAL or PANIC line says most. */
function notRecovered(what: string, sockets: string): HoldfastError {
  const log = logTail(sockets);
  const worst = log.split('\n').filter((line) => /FATAL|PANIC|could not/.test(line));
  return new HoldfastError('HF_DRILL_NOT_RECOVERED', {
    expected: 'a server that recovers to the goal and answers',
    found: `${what}: ${worst.at(-1) ?? log.split('\n').at(-1) ?? 'nothing was said'}`,
    hint: 'The recovery point is not proven. See which WAL is missing: holdfast recovery status.',
  });
}
