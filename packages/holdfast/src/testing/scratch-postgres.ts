/**
 * A real PostgreSQL for one test file: own temp folder, own loopback port, stopped by its own pid.
 * Fast and unsafe on purpose (fsync off); never used for our own state.
 *
 * What initdb makes is the same each time, so it is made once for these binaries, kept in the temp folder
 * and copied. The system identifier is copied along: a test of two clusters that must not be taken for
 * each other makes its own.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chownSync,
  lstatSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../model/clock.ts';
import { prepareEngine, type RunAs, unprivilegedUser } from '../programs/embedded-engine.ts';
import { scratchFolder } from './scratch-folder.ts';

const INITDB = ['-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'];

export interface ScratchPostgres {
  readonly host: string;
  readonly port: number;
  /** Superuser, no password needed from loopback. */
  readonly user: string;
  url(database?: string): string;
  /** Immediate shutdown, as by a crash; what was committed is recovered by `startAgain`. */
  crash(): Promise<void>;
  /** On the same port and data. */
  startAgain(): Promise<void>;
  stop(): Promise<void>;
}

export interface ScratchOptions {
  /** Folder with initdb and postgres; the npm package's own when left out. */
  readonly binFolder?: string;
  /** Extra lines of postgresql.conf. */
  readonly conf?: readonly string[];
  /** Whole pg_hba.conf; trust from loopback when left out. */
  readonly hba?: readonly string[];
}

export async function startScratchPostgres(options: ScratchOptions = {}): Promise<ScratchPostgres> {
  const folder = scratchFolder('pg');
  try {
    return await startIn(folder, options);
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

async function startIn(folder: string, options: ScratchOptions): Promise<ScratchPostgres> {
  const owner = unprivilegedUser();
  if (owner) chownSync(folder, owner.uid, owner.gid);
  const bin =
    options.binFolder ?? (await prepareEngine(folder, owner, systemClock, () => {})).binFolder;
  const data = join(folder, 'data');
  const run = owner ?? {};
  execFileSync('cp', ['-Rp', freshCluster(bin, owner), data], { cwd: folder, ...run });
  const port = await freePort();
  const sockets = join(folder, 's');
  mkdirSync(sockets);
  if (owner) chownSync(sockets, owner.uid, owner.gid);
  const conf = [
    'fsync=off',
    `port=${port}`,
    "listen_addresses='127.0.0.1'",
    `unix_socket_directories='${sockets}'`,
    'max_connections=200',
    'log_statement=none',
    ...(options.conf ?? []),
  ];
  writeFileSync(join(data, 'postgresql.auto.conf'), `${conf.join('\n')}\n`);
  if (options.hba) writeFileSync(join(data, 'pg_hba.conf'), `${options.hba.join('\n')}\n`);
  const start = async (): Promise<ChildProcess> => {
    const started = spawn(join(bin, 'postgres'), ['-D', data], {
      stdio: ['ignore', 'ignore', 'pipe'],
      cwd: folder,
      ...run,
    });
    await ready(started, port);
    return started;
  };
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((done) => child.once('exit', done));
    child.kill(signal);
    await gone;
  };
  let child = await start();
  return {
    host: '127.0.0.1',
    port,
    user: 'postgres',
    url: (database = 'postgres') => `postgres://postgres@127.0.0.1:${port}/${database}`,
    crash: () => end('SIGQUIT'),
    startAgain: async () => {
      child = await start();
    },
    stop: async () => {
      await end('SIGINT');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Where a cluster lies that nobody has started yet; made when there is none. */
function freshCluster(bin: string, owner: RunAs | null): string {
  const version = execFileSync(join(bin, 'postgres'), ['--version']).toString();
  const sizes = ['postgres', 'initdb'].map((name) => statSync(join(bin, name)).size);
  const key = JSON.stringify([version, sizes, INITDB]);
  const mark = createHash('sha256').update(key).digest('hex').slice(0, 16);
  const uid = owner?.uid ?? process.getuid?.() ?? 0;
  const kept = join(tmpdir(), `holdfast-initdb-${uid}-${mark}`);
  if (isMadeBy(uid, kept)) return kept;
  const made = scratchFolder('initdb');
  if (owner) chownSync(made, owner.uid, owner.gid);
  const run = { stdio: 'pipe', cwd: made, ...owner } as const;
  execFileSync(join(bin, 'initdb'), ['-D', made, ...INITDB], run);
  try {
    renameSync(made, kept);
  } catch {
    // Another was quicker, or what lies there is somebody else's.
    if (!isMadeBy(uid, kept)) return made;
    rmSync(made, { recursive: true, force: true });
  }
  return kept;
}

/** The name can be guessed, so it has to be ours. */
function isMadeBy(uid: number, folder: string): boolean {
  const found = lstatSync(folder, { throwIfNoEntry: false });
  return found?.isDirectory() === true && found.uid === uid;
}

export function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const server = createServer();
    server.once('error', fail);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        address && typeof address === 'object' ? done(address.port) : fail(new Error('no port')),
      );
    });
  });
}

async function ready(child: ChildProcess, port: number): Promise<void> {
  let log = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    log = (log + chunk.toString()).slice(-4000);
  });
  const started = process.hrtime.bigint();
  while (process.hrtime.bigint() - started < 60_000_000_000n) {
    if (child.exitCode !== null) throw new Error(`postgres ended with ${child.exitCode}: ${log}`);
    if (log.includes('ready to accept connections') && (await accepts(port))) return;
    await new Promise((done) => setTimeout(done, 25));
  }
  child.kill('SIGQUIT');
  throw new Error(`postgres did not start within 60 s: ${log}`);
}

/** Whether something listens on this loopback port. */
export function accepts(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      done(true);
    });
    socket.once('error', () => done(false));
  });
}
