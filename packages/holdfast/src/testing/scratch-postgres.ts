/**
 * A real PostgreSQL for one test file: own temp folder, own loopback port, stopped by its own pid.
 * Fast and unsafe on purpose (fsync off); never used for our own state.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chownSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { systemClock } from '../model/clock.ts';
import { prepareEngine, unprivilegedUser } from '../programs/embedded-engine.ts';
import { scratchFolder } from './scratch-folder.ts';

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
  execFileSync(
    join(bin, 'initdb'),
    ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'],
    { stdio: 'pipe', cwd: folder, ...run },
  );
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
