/**
 * A real Object Lock server: Ceph's radosgw with its monitor, manager and one store in memory (Debian:
 * radosgw ceph-mon ceph-osd ceph-mgr), on loopback ports of their own, in a temp folder of their own,
 * ended by their own pids. About 440 MB of memory, ten seconds to the first answer.
 *
 * Its users' keys are made up for the test. Whoever can run `radosgw-admin` is the storage operator.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { scratchFolder } from '../../src/testing/scratch-folder.ts';
import { accepts, freePort } from '../../src/testing/scratch-postgres.ts';

const PROGRAMS = [
  'ceph',
  'ceph-mon',
  'ceph-osd',
  'ceph-mgr',
  'monmaptool',
  'radosgw',
  'radosgw-admin',
];
const START_MS_MAX = 120_000;
const TRIED_MS_MAX = 45_000;
const MEMSTORE_BYTES = 2 * 1024 * 1024 * 1024;
const run = promisify(execFile);

export interface S3Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export interface Radosgw {
  readonly endpoint: string;
  readonly port: number;
  /** A user of the storage with a pair of keys. */
  addUser(name: string): Promise<S3Keys>;
  /** As the storage operator, whom no lock stops. */
  admin(...words: readonly string[]): Promise<string>;
  stop(): Promise<void>;
}

/** What is missing to run one; null: nothing. */
export function radosgwMissing(): string | null {
  const paths = (process.env['PATH'] ?? '').split(delimiter);
  const missing = PROGRAMS.filter((name) => !paths.some((path) => existsSync(join(path, name))));
  if (missing.length > 0) return `${missing.join(', ')} not installed`;
  return process.platform === 'linux' ? null : 'radosgw runs on Linux';
}

/** Once more, on other ports, when it does not come up: its monitor now and then answers EPERM for ever. */
export async function startRadosgw(): Promise<Radosgw> {
  return await startOne(TRIED_MS_MAX).catch(() => startOne(START_MS_MAX));
}

async function startOne(msMax: number): Promise<Radosgw> {
  const folder = scratchFolder('rgw');
  const children: ChildProcess[] = [];
  // A run that ends in between leaves neither processes nor half a gigabyte of memory behind.
  const killAll = (): void => {
    for (const child of children) child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  process.once('exit', killAll);
  const stop = async (): Promise<void> => {
    for (const child of children.reverse()) await end(child);
    process.off('exit', killAll);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const [monPort, port] = [await freePort(), await freePort()];
    const conf = join(folder, 'ceph.conf');
    const fsid = randomUUID();
    for (const name of ['mon', 'osd', 'mgr', 'rgw', 'run', 'mon/a']) mkdirSync(join(folder, name));
    writeFileSync(join(folder, 'keyring'), '');
    writeFileSync(conf, confText(folder, fsid, monPort, port));
    const ask = async (program: string, ...words: readonly string[]): Promise<string> => {
      const ran = await run(program, ['-c', conf, ...words], { cwd: folder, timeout: 60_000 });
      return ran.stdout;
    };
    const daemon = (program: string, ...words: readonly string[]): void => {
      // -f: in the foreground, so that its pid is the one we know.
      const stdio = 'ignore';
      const child = spawn(program, ['-c', conf, '-f', ...words], { cwd: folder, stdio });
      // What could not be started does not come up either, and that is what is told.
      child.on('error', () => {});
      children.push(child);
    };
    const map = join(folder, 'monmap');
    const at = `[v1:127.0.0.1:${monPort}]`;
    await run('monmaptool', ['--create', '--clobber', '--fsid', fsid, '--addv', 'a', at, map]);
    await ask('ceph-mon', '--mkfs', '-i', 'a', '--monmap', map);
    writeFileSync(join(folder, 'mon/a/keyring'), '');
    daemon('ceph-mon', '-i', 'a');
    await until(msMax, 'the monitor', () => accepts(monPort));
    // The store must be made with the uuid that the monitor knows it by, else it stays "booting".
    const uuid = randomUUID();
    await until(msMax, 'a place for the store', async () => {
      await ask('ceph', '--connect-timeout', '10', 'osd', 'new', uuid, '0');
      return true;
    });
    await ask('ceph-osd', '-i', '0', '--mkfs', '--osd-uuid', uuid);
    daemon('ceph-osd', '-i', '0');
    daemon('ceph-mgr', '-i', 'x');
    await until(msMax, 'the store', async () => {
      const stat = await ask('ceph', '--connect-timeout', '10', 'osd', 'stat', '-f', 'json');
      return /"num_up_osds":\s*1/.test(stat);
    });
    daemon('radosgw', '-n', 'client.rgw');
    await until(msMax, 'radosgw', () => accepts(port));
    const admin = (...words: readonly string[]) => ask('radosgw-admin', ...words);
    return {
      endpoint: `http://127.0.0.1:${port}`,
      port,
      addUser: (name) => addUser(admin, name),
      admin,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function addUser(
  admin: (...words: readonly string[]) => Promise<string>,
  name: string,
): Promise<S3Keys> {
  const accessKeyId = `KEY${name.toUpperCase().padEnd(12, 'X')}`;
  const secretAccessKey = `made-up-for-a-test-${name}-${randomUUID()}`;
  await admin(
    ...['user', 'create', '--uid', name, '--display-name', name],
    ...['--access-key', accessKeyId, '--secret-key', secretAccessKey],
  );
  return { accessKeyId, secretAccessKey };
}

async function until(msMax: number, what: string, isSo: () => Promise<boolean>): Promise<void> {
  const started = process.hrtime.bigint();
  let last: unknown = null;
  while (process.hrtime.bigint() - started < BigInt(msMax) * 1_000_000n) {
    try {
      if (await isSo()) return;
    } catch (error) {
      last = error;
    }
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error(`${what} did not come up within ${msMax} ms: ${String(last)}`);
}

async function end(child: ChildProcess): Promise<void> {
  // Without a pid it never began, and never says that it ended.
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((done) => child.once('exit', done));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 5_000);
  await gone;
  clearTimeout(timer);
}

function confText(folder: string, fsid: string, monPort: number, port: number): string {
  return `[global]
fsid = ${fsid}
mon host = v1:127.0.0.1:${monPort}
mon initial members = a
public addr = 127.0.0.1
cluster addr = 127.0.0.1
auth cluster required = none
auth service required = none
auth client required = none
auth allow insecure global id reclaim = false
ms bind msgr2 = false
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pgp num = 4
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon data avail crit = 1
mon data avail warn = 2
run dir = ${folder}/run
log file = ${folder}/run/$name.log
admin socket = ${folder}/run/$name.asok
pid file = ${folder}/run/$name.pid
mon data = ${folder}/mon/a
osd data = ${folder}/osd
mgr data = ${folder}/mgr
keyring = ${folder}/keyring
osd objectstore = memstore
memstore device bytes = ${MEMSTORE_BYTES}
[client.rgw]
rgw data = ${folder}/rgw
rgw frontends = beast endpoint=127.0.0.1:${port}
rgw thread pool size = 16
`;
}
