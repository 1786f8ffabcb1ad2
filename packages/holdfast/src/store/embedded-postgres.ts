/**
 * A real PostgreSQL for one machine: started from the npm package's binaries, kept running, shared by
 * the processes that use one data folder. fsync is on: what is durable here is durable.
 *
 * Order of a start, under the folder's lock (folder-lock.ts): a server that runs already is used as
 * it is; else initdb if there is no data, then the server is started; when it answers, we enter our
 * name among its users and let go of the lock.
 *
 * - Several processes: `holdfast up` and a short command share a folder. Whoever comes first starts
 *   the server, whoever leaves last stops it. A server that Holdfast did not start (its command line
 *   does not name our pg_hba.conf) is used and never stopped.
 * - Our own end: the server is a process group of its own, so that neither Ctrl-C nor kill -9 of
 *   Holdfast takes it along. After kill -9 it stays up, idle, and the next start adopts it; removing
 *   the data folder ends it within a minute (PostgreSQL's own rule).
 * - Its end: a crash is noticed by looking at the process, and the server is started again, at first
 *   at once, then with growing pauses.
 *
 * It will not: listen beyond loopback, run as root, let anybody in without a password, or use TLS
 * (the package carries an OpenSSL that is out of support).
 */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import type { Clock } from '../model/clock.ts';
import { HoldfastError, messageOf } from '../model/errors.ts';
import { bareEnvironment } from '../programs/bare-environment.ts';
import { type Engine, prepareEngine } from '../programs/embedded-engine.ts';
import { pause } from '../programs/pause.ts';
import {
  isGone,
  type Postmaster,
  runningPostmaster,
  stopPostmaster,
} from '../programs/postmaster.ts';
import { commandOf, isSame, markOf, type ProcessMark } from '../programs/process-mark.ts';
import {
  type EmbeddedFolder,
  ensureData,
  logTail,
  passwordOf,
  prepareFolder,
  removeData,
  SERVER_USER,
  turnLog,
  writeHba,
} from './embedded-folder.ts';
import { FolderLock } from './folder-lock.ts';

export interface EmbeddedOptions {
  readonly folder: string;
  readonly clock: Clock;
  /** Made if missing. */
  readonly database?: string;
  /** A loopback TCP port beside the unix socket; left out: unix socket only. */
  readonly port?: number;
  /** Roles with REPLICATION may pull its WAL over that port. */
  readonly letsReplicate?: boolean;
  /** Settings of postgresql.conf, over ours. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Where the binaries go when they must be copied; the data folder when left out. */
  readonly engineFolder?: string;
  /** What takes long: `making the data folder (initdb)`. For a screen. */
  readonly progress?: (step: string) => void;
  /** Something happened that somebody should know: a crash, a restart, a failed restart. */
  readonly trouble?: (message: string) => void;
}

export interface EmbeddedConnection {
  /** The folder of the unix socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

const PORT_DEFAULT = 5432;
/** Crash recovery of a large WAL included. */
const READY_MS_MAX = 60_000;
const READY_LOOK_MS = 25;
const WATCH_MS = 250;
const RESTART_PAUSE_MS_MAX = 10_000;

/** One server whoever else uses it: `stop` when done, and only then. */
export class EmbeddedPostgres {
  readonly #options: EmbeddedOptions;
  readonly #at: EmbeddedFolder;
  readonly #lock: FolderLock;
  readonly #password: string;
  readonly #engine: Engine;
  #server: Postmaster | null = null;
  #watch: NodeJS.Timeout | null = null;
  #reviving: Promise<void> | null = null;
  #stopping = false;

  private constructor(
    options: EmbeddedOptions,
    at: EmbeddedFolder,
    lock: FolderLock,
    engine: Engine,
    password: string,
  ) {
    this.#options = options;
    this.#at = at;
    this.#lock = lock;
    this.#engine = engine;
    this.#password = password;
  }

  /** Rejects with HF_STORE_NOT_STARTED. */
  static async start(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
    const at = prepareFolder(options.folder, options.port ?? PORT_DEFAULT);
    const lock = new FolderLock(at.folder, options.clock);
    return lock.hold(async () => {
      const engine = await prepareEngine(
        options.engineFolder ?? at.home,
        at.runAs,
        options.clock,
        (step) => options.progress?.(step),
      );
      const password = passwordOf(at, options.clock);
      const embedded = new EmbeddedPostgres(options, at, lock, engine, password);
      embedded.#server = await embedded.#bringUp();
      lock.enter();
      embedded.#watchOver();
      return embedded;
    });
  }

  get connection(): EmbeddedConnection {
    return {
      host: this.#server?.socketFolder ?? this.#at.sockets,
      port: this.#server?.port ?? this.#options.port ?? PORT_DEFAULT,
      user: SERVER_USER,
      password: this.#password,
      database: this.#options.database ?? 'holdfast',
    };
  }

  /** For clients over loopback TCP; throws when no port was asked for. */
  url(database = this.connection.database): string {
    if (this.#options.port === undefined) {
      throw new HoldfastError('HF_STORE_NOT_STARTED', {
        expected: 'an embedded PostgreSQL with a TCP port',
        found: 'one with a unix socket only',
        hint: 'Start it with `port`.',
      });
    }
    const login = `${SERVER_USER}:${encodeURIComponent(this.#password)}`;
    return `postgres://${login}@127.0.0.1:${this.#options.port}/${encodeURIComponent(database)}`;
  }

  /** Holds the data folder (PGDATA) and nothing of anybody else's; as root it may lie elsewhere than asked. */
  get home(): string {
    return this.#at.home;
  }

  /** The server's process; null between a crash and the restart. */
  get pid(): number | null {
    return this.#server?.mark.pid ?? null;
  }

  /** Leaves; the last one turns the server off. Idempotent. */
  async stop(): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    if (this.#watch) clearInterval(this.#watch);
    await this.#reviving;
    await this.#lock.hold(async () => {
      this.#lock.leave();
      const server = runningPostmaster(this.#at.data);
      if (server === null || this.#lock.isShared() || !this.#isOurs(server.mark)) return;
      await this.#turnOff(server);
    });
  }

  /**
   * Stops and, unless somebody else uses the server, removes its data for good: for servers that were
   * made to be thrown away (a demo's), since as root the data may lie outside the folder given.
   */
  async destroy(): Promise<void> {
    await this.stop();
    await this.#lock.hold(async () => {
      if (!this.#lock.isShared() && runningPostmaster(this.#at.data) === null) {
        removeData(this.#at);
      }
    });
  }

  /** Under the lock: uses the server that runs, or starts one. */
  async #bringUp(): Promise<Postmaster> {
    let running = runningPostmaster(this.#at.data);
    if (running !== null && (await this.#isOnItsWayOut(running))) running = null;
    if (running !== null && !this.#listensAsAsked(running)) {
      if (this.#lock.isShared() || !this.#isOurs(running.mark)) throw otherPort(running);
      await this.#turnOff(running);
      running = null;
    }
    if (running !== null) return this.#greet(running.mark);
    const mark = await this.#spawn();
    try {
      return await this.#greet(mark);
    } catch (error) {
      // Ours, and of no use to anybody: it does not stay behind.
      await stopPostmaster(mark, this.#options.clock);
      throw error;
    }
  }

  async #greet(mark: ProcessMark): Promise<Postmaster> {
    const server = await this.#ready(mark);
    await this.#ensureDatabase(server);
    return server;
  }

  async #spawn(): Promise<ProcessMark> {
    const at = this.#at;
    await ensureData(at, this.#engine, this.#password, (step) => this.#options.progress?.(step));
    defuseLeavings(at, this.#options.port ?? PORT_DEFAULT);
    writeHba(at, this.#options.letsReplicate ?? false);
    turnLog(at);
    this.#options.progress?.('starting PostgreSQL');
    const log = openSync(at.log, 'a', 0o600);
    try {
      const child = spawn(join(this.#engine.binFolder, 'postgres'), this.#arguments(), {
        cwd: at.home,
        env: bareEnvironment(),
        stdio: ['ignore', log, log],
        detached: true,
        ...at.runAs,
      });
      const failed = new Promise<Error>((done) => child.once('error', done));
      child.unref();
      if (child.pid === undefined) {
        throw notReady(`it could not be run: ${(await failed).message}`);
      }
      const mark = markOf(child.pid);
      if (mark === null) throw notReady(`it ended at once: ${logTail(at)}`);
      return mark;
    } finally {
      closeSync(log);
    }
  }

  #arguments(): string[] {
    const { port } = this.#options;
    const settings: Record<string, string> = {
      max_connections: '100',
      timezone: 'UTC',
      log_timezone: 'UTC',
      log_line_prefix: '%m [%p] ',
      ...this.#options.settings,
      // Not to be overridden: what makes it durable, and what makes it ours alone.
      fsync: 'on',
      full_page_writes: 'on',
      synchronous_commit: 'on',
      password_encryption: 'scram-sha-256',
      hba_file: this.#at.hba,
      listen_addresses: port === undefined ? '' : '127.0.0.1',
      port: String(port ?? PORT_DEFAULT),
      unix_socket_directories: this.#at.sockets,
      unix_socket_permissions: '0700',
    };
    const pairs = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    return ['-D', this.#at.data, ...pairs];
  }

  async #ready(mark: ProcessMark): Promise<Postmaster> {
    const { clock } = this.#options;
    const started = clock.monotonicMs();
    while (clock.monotonicMs() - started < READY_MS_MAX) {
      const server = runningPostmaster(this.#at.data);
      if (server !== null && server.status === 'ready') return server;
      if (!isSame(mark)) throw notReady(`it ended again: ${logTail(this.#at)}`);
      await pause(READY_LOOK_MS);
    }
    throw notReady(`no word of it for ${READY_MS_MAX / 1000} s: ${logTail(this.#at)}`);
  }

  async #ensureDatabase(server: Postmaster): Promise<void> {
    const { database } = this.connection;
    const client = new pg.Client({
      ...this.connection,
      host: server.socketFolder ?? this.#at.sockets,
      port: server.port ?? PORT_DEFAULT,
      database: 'postgres',
      connectionTimeoutMillis: 10_000,
    });
    client.on('error', () => {});
    try {
      await client.connect();
      const found = await client.query('select 1 from pg_database where datname = $1', [database]);
      if (found.rowCount === 0) {
        await client.query(`create database ${client.escapeIdentifier(database)}`);
      }
    } catch (cause) {
      throw new HoldfastError('HF_STORE_NOT_STARTED', {
        expected: `to log in to the server of ${this.#at.data}`,
        found: messageOf(cause),
        hint: `Its password is in ${this.#at.passwordFile}; see ${this.#at.log} too.`,
        cause,
      });
    } finally {
      await client.end().catch(() => {});
    }
  }

  #watchOver(): void {
    this.#watch = setInterval(() => {
      if (this.#stopping || this.#reviving || !this.#server || isSame(this.#server.mark)) return;
      this.#server = null;
      this.#reviving = this.#revive().finally(() => {
        this.#reviving = null;
      });
    }, WATCH_MS);
    this.#watch.unref();
  }

  /** Never rejects: tries until it runs or we stop. */
  async #revive(): Promise<void> {
    this.#options.trouble?.('PostgreSQL has ended; starting it again.');
    for (let waitMs = 100; !this.#stopping; waitMs = Math.min(waitMs * 2, RESTART_PAUSE_MS_MAX)) {
      try {
        this.#server = await this.#lock.hold(() => this.#bringUp());
        this.#options.trouble?.('PostgreSQL runs again.');
        return;
      } catch (error) {
        this.#options.trouble?.(
          `PostgreSQL could not be started again: ${error instanceof Error ? error.message : error}`,
        );
        await pause(waitMs);
      }
    }
  }

  async #isOnItsWayOut(server: Postmaster): Promise<boolean> {
    return server.status === 'stopping' && isGone(server.mark, READY_MS_MAX, this.#options.clock);
  }

  #listensAsAsked(server: Postmaster): boolean {
    const { port } = this.#options;
    if (port === undefined || server.port === null) return true;
    return server.port === port && server.listenAddress !== '';
  }

  #isOurs(mark: ProcessMark): boolean {
    return commandOf(mark.pid).includes(`hba_file=${this.#at.hba}`);
  }

  async #turnOff(server: Postmaster): Promise<void> {
    this.#options.progress?.('stopping PostgreSQL');
    if (await stopPostmaster(server.mark, this.#options.clock)) return;
    this.#options.trouble?.(`PostgreSQL (process ${server.mark.pid}) did not stop.`);
  }
}

/**
 * Under the lock, and no server runs: what a killed one left names a dead process, a zombie, or one
 * that was given its number since, and PostgreSQL would take the last two for a live server.
 *
 * The pid file is not removed, since PostgreSQL finds by its shared-memory key whether a backend of
 * the killed server still writes. It is made to name us: a server knows that its parent is no server.
 */
function defuseLeavings(at: EmbeddedFolder, port: number): void {
  const socket = join(at.sockets, `.s.PGSQL.${port}`);
  rmSync(socket, { force: true });
  rmSync(`${socket}.lock`, { force: true });
  const pidFile = join(at.data, 'postmaster.pid');
  if (!existsSync(pidFile)) return;
  const [, ...rest] = readFileSync(pidFile, 'utf8').split('\n');
  if (rest.length === 0) rmSync(pidFile);
  else writeFileSync(pidFile, [process.pid, ...rest].join('\n'));
}

function notReady(found: string): HoldfastError {
  return new HoldfastError('HF_STORE_NOT_STARTED', {
    expected: 'the embedded PostgreSQL to accept connections',
    found,
    hint: 'Read postgres.log in the data folder; a port in use and a full disk are the usual causes.',
  });
}

function otherPort(server: Postmaster): HoldfastError {
  return new HoldfastError('HF_STORE_NOT_STARTED', {
    expected: 'the server of this data folder to listen on the port asked for',
    found: `process ${server.mark.pid} runs it on port ${server.port} for somebody else`,
    hint: 'Stop the other process, or ask for its port.',
  });
}
