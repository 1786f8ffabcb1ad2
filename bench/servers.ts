/**
 * The servers the bench measures, each started by the bench, each in its own temp folder on its own
 * loopback port, each stopped by the pid that was started. Nothing that was there before is used.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { type Door, runTool } from './pgbench.ts';

export const PG_BIN = '/usr/lib/postgresql/15/bin';
const PGBOUNCER = '/usr/sbin/pgbouncer';
const USER = 'bench';
const PASSWORD = 'bench-upstream-password';

export interface Running {
  readonly pid: number;
  readonly door: Door;
  stop(): Promise<void>;
}

export type Tools = readonly (readonly [file: string, debianPackage: string])[];

const SQL_TOOLS: Tools = [
  [`${PG_BIN}/postgres`, 'postgresql-15'],
  [`${PG_BIN}/pgbench`, 'postgresql-15'],
  [PGBOUNCER, 'pgbouncer'],
];

/** Debian packages that are missing are installed; needs root, says so otherwise. */
export function installTools(wanted: Tools = SQL_TOOLS): void {
  const missing = new Set(wanted.filter(([file]) => !existsSync(file)).map(([, name]) => name));
  if (missing.size === 0) return;
  if (process.getuid?.() !== 0) {
    throw new Error(`Install these Debian packages first (needs root): ${[...missing].join(' ')}`);
  }
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  execFileSync('apt-get', ['update', '-q'], { stdio: 'inherit', env });
  // No cluster, no service: the bench starts its own.
  execFileSync('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...missing], {
    stdio: 'inherit',
    env: { ...env, RUNLEVEL: '1' },
  });
}

/** Neither PostgreSQL nor PgBouncer runs as root. */
function unprivileged(): { uid: number; gid: number } | null {
  if (process.getuid?.() !== 0) return null;
  const id = (flag: string): number => Number(execFileSync('id', [flag, 'postgres']).toString());
  return { uid: id('-u'), gid: id('-g') };
}

function ownedFolder(parent: string, name: string): string {
  const folder = join(parent, name);
  mkdirSync(folder, { mode: 0o700 });
  const owner = unprivileged();
  if (owner) chownSync(folder, owner.uid, owner.gid);
  return folder;
}

/** fsync and synchronous_commit on; SCRAM for the bench's role, as every contestant must log in. */
export async function startPostgres(root: string, scale: number): Promise<Running> {
  const folder = ownedFolder(root, 'postgres');
  const owner = unprivileged() ?? {};
  const data = join(folder, 'data');
  const initdb = ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C'];
  execFileSync(`${PG_BIN}/initdb`, initdb, { stdio: 'pipe', cwd: folder, ...owner });
  const port = await freePort();
  const conf = [
    `port=${port}`,
    "listen_addresses='127.0.0.1'",
    `unix_socket_directories='${folder}'`,
    'max_connections=1200',
    'shared_buffers=256MB',
    'fsync=on',
    'synchronous_commit=on',
    'max_wal_size=4GB',
  ];
  writeFileSync(join(data, 'postgresql.auto.conf'), `${conf.join('\n')}\n`);
  const hba = ['host all postgres 127.0.0.1/32 trust', 'host all all 127.0.0.1/32 scram-sha-256'];
  writeFileSync(join(data, 'pg_hba.conf'), `${hba.join('\n')}\n`);
  const child = spawn(`${PG_BIN}/postgres`, ['-D', data], {
    stdio: 'ignore',
    cwd: folder,
    ...owner,
  });
  await accepting(child, port, 'PostgreSQL');
  const door = {
    name: 'direct',
    host: '127.0.0.1',
    port,
    user: USER,
    password: PASSWORD,
    database: 'bench',
  };
  const admin = { ...door, user: 'postgres', database: 'postgres' };
  const sql = async (text: string): Promise<unknown> =>
    retried(() => runTool(PG_BIN, 'psql', admin, ['-Xqc', text], 60_000));
  await sql(`create role ${USER} login password '${PASSWORD}'`);
  await sql(`create database bench owner ${USER}`);
  await runTool(PG_BIN, 'pgbench', door, ['-i', '-q', '-s', `${scale}`], 300_000);
  return { pid: pidOf(child), door, stop: () => stopped(child, 'SIGINT') };
}

/** Session mode, SCRAM towards the client and the server: the same duties as Holdfast's, no more. */
export async function startPgbouncer(root: string, upstream: Door): Promise<Running> {
  const folder = ownedFolder(root, 'pgbouncer');
  const owner = unprivileged() ?? {};
  const port = await freePort();
  const users = join(folder, 'users.txt');
  writeFileSync(users, `"${upstream.user}" "${upstream.password}"\n`);
  const ini = [
    '[databases]',
    `${upstream.database} = host=${upstream.host} port=${upstream.port}`,
    '[pgbouncer]',
    'listen_addr = 127.0.0.1',
    `listen_port = ${port}`,
    'unix_socket_dir =',
    'auth_type = scram-sha-256',
    `auth_file = ${users}`,
    'pool_mode = session',
    'max_client_conn = 2000',
    'default_pool_size = 1100',
    `logfile = ${join(folder, 'log')}`,
    'ignore_startup_parameters = extra_float_digits',
  ];
  writeFileSync(join(folder, 'pgbouncer.ini'), `${ini.join('\n')}\n`);
  if (unprivileged()) execFileSync('chown', ['-R', 'postgres', folder]);
  const child = spawn(PGBOUNCER, ['-q', join(folder, 'pgbouncer.ini')], {
    stdio: 'ignore',
    cwd: folder,
    ...owner,
  });
  await accepting(child, port, 'PgBouncer');
  const door = { ...upstream, name: 'pgbouncer', port };
  return { pid: pidOf(child), door, stop: () => stopped(child, 'SIGINT') };
}

export function pidOf(child: ChildProcess): number {
  if (child.pid === undefined) throw new Error(`${child.spawnfile} did not start.`);
  return child.pid;
}

/** Asks nicely, waits 15 s, then insists. */
export async function stopped(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((done) => child.once('exit', done));
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), 15_000);
  await gone;
  clearTimeout(timer);
}

export async function accepting(child: ChildProcess, port: number, name: string): Promise<void> {
  for (let tries = 0; tries < 600; tries += 1) {
    if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode} at start.`);
    if (await accepts(port)) return;
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error(`${name} did not accept connections on port ${port} within 60 s.`);
}

function accepts(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      done(true);
    });
    socket.once('error', () => done(false));
  });
}

export function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const server = createServer();
    server.once('error', fail);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = address && typeof address === 'object' ? address.port : 0;
      server.close(() => done(port));
    });
  });
}

/** A server that accepts may still be starting up (57P03). */
async function retried<T>(work: () => Promise<T>): Promise<T> {
  for (let left = 50; ; left -= 1) {
    try {
      return await work();
    } catch (error) {
      if (left === 0) throw error;
      await new Promise((done) => setTimeout(done, 200));
    }
  }
}

/** For the facts in the report. */
export function versionOf(program: string): string {
  const text = execFileSync(program, ['--version'], { stdio: 'pipe' }).toString();
  return text.split('\n')[0] ?? '';
}

export function cpuModel(): string {
  return /^model name\s*:\s*(.+)$/m.exec(readFileSync('/proc/cpuinfo', 'latin1'))?.[1] ?? '';
}

export function machineFacts(): Record<string, string | number> {
  return {
    cpu: cpuModel(),
    postgres: versionOf(`${PG_BIN}/postgres`),
    pgbench: versionOf(`${PG_BIN}/pgbench`),
    pgbouncer: versionOf(PGBOUNCER),
  };
}
