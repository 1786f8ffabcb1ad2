/**
 * The embedded server against what really happens to servers: kill -9 of it, of us, of both; pid files
 * that name somebody else; several processes on one folder. Needs `npm run build` (npm test does it).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../src/model/clock.ts';
import { runningPostmaster, stopPostmaster } from '../../src/programs/postmaster.ts';
import { isSame, markOf } from '../../src/programs/process-mark.ts';
import { type EmbeddedOptions, EmbeddedPostgres } from '../../src/store/embedded-postgres.ts';
import { refusalOf } from '../../src/testing/refusal.ts';
import { freePort } from '../../src/testing/scratch-postgres.ts';

const HOLDER = fileURLToPath(new URL('./hold-server.mjs', import.meta.url));

const folders: string[] = [];
const servers: EmbeddedPostgres[] = [];
const holders: ChildProcess[] = [];

afterEach(async () => {
  for (const holder of holders.splice(0)) holder.kill('SIGKILL');
  for (const server of servers.splice(0)) await server.stop();
  for (const folder of folders.splice(0)) {
    // A holder that was killed leaves its server up, as it should; here nobody will adopt it.
    const left = runningPostmaster(join(folder, 'postgres'));
    if (left !== null) await stopPostmaster(left.mark, systemClock);
    rmSync(folder, { recursive: true, force: true });
  }
});

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-embedded-'));
  folders.push(folder);
  // The server's user may pass through, as into any ordinary folder.
  chmodSync(folder, 0o755);
  return folder;
}

async function start(folder: string, options: Partial<EmbeddedOptions> = {}) {
  const server = await EmbeddedPostgres.start({ folder, clock: systemClock, ...options });
  servers.push(server);
  return server;
}

/** Starts a process of its own that holds the server; resolves to the server's pid. */
async function hold(folder: string): Promise<{ holder: ChildProcess; pid: number }> {
  const holder = spawn(process.execPath, [HOLDER, folder], { stdio: ['pipe', 'pipe', 'inherit'] });
  holders.push(holder);
  const pid = await new Promise<number>((done, fail) => {
    holder.stdout?.once('data', (chunk: Buffer) => done(Number(chunk.toString())));
    holder.once('exit', (code) => fail(new Error(`the holder ended with ${code}`)));
  });
  return { holder, pid };
}

async function query(config: pg.ClientConfig, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionTimeoutMillis: 5_000, ...config });
  client.on('error', () => {});
  try {
    await client.connect();
    return (await client.query(text)).rows;
  } finally {
    await client.end().catch(() => {});
  }
}

async function gone(pid: number): Promise<void> {
  await vi.waitFor(() => expect(markOf(pid)).toBeNull(), { timeout: 10_000 });
}

function pidOf(server: EmbeddedPostgres): number {
  if (server.pid === null) throw new Error('expected a running server');
  return server.pid;
}

describe('the embedded PostgreSQL', () => {
  it('is durable, shut to others, and wants a password', async () => {
    const folder = newFolder();
    const steps: string[] = [];
    const server = await start(folder, { progress: (step) => steps.push(step) });
    expect(steps.join()).toContain('initdb');
    const settings = await query(
      server.connection,
      `select name, setting from pg_settings where name in
       ('fsync', 'full_page_writes', 'synchronous_commit', 'listen_addresses') order by name`,
    );
    expect(settings).toEqual([
      { name: 'fsync', setting: 'on' },
      { name: 'full_page_writes', setting: 'on' },
      { name: 'listen_addresses', setting: '' },
      { name: 'synchronous_commit', setting: 'on' },
    ]);
    const wrong = { ...server.connection, password: 'guess' };
    await expect(query(wrong, 'select 1')).rejects.toThrow(/password authentication failed/);
    for (const secret of ['postgres', 'socket', 'postgres.password', 'postgres.log']) {
      expect([secret, statSync(join(folder, secret)).mode & 0o077]).toEqual([secret, 0]);
    }
  });

  it('also listens on a loopback port when asked, by password', async () => {
    const port = await freePort();
    const server = await start(newFolder(), { port, database: 'rental' });
    const found = await query({ connectionString: server.url() }, 'select current_database()');
    expect(found).toEqual([{ current_database: 'rental' }]);
    const nobody = { host: '127.0.0.1', port, user: 'holdfast', database: 'rental', password: 'x' };
    await expect(query(nobody, 'select 1')).rejects.toThrow(/password authentication failed/);
  });

  it('works in a folder whose path is longer than a socket name may be', async () => {
    const folder = join(newFolder(), 'a'.repeat(60), 'b'.repeat(60));
    const server = await start(folder);
    expect(server.connection.host.length).toBeLessThan(60);
    expect(await query(server.connection, 'select 1 as one')).toEqual([{ one: 1 }]);
    await server.stop();
    rmSync(server.connection.host, { recursive: true });
  });

  it('starts again by itself after kill -9, with what was committed', async () => {
    const heard: string[] = [];
    const server = await start(newFolder(), { trouble: (message) => heard.push(message) });
    await query(server.connection, 'create table kept as select 42 as answer');
    const before = pidOf(server);
    process.kill(before, 'SIGKILL');
    await vi.waitFor(() => expect(heard).toContain('PostgreSQL runs again.'), { timeout: 30_000 });
    expect(pidOf(server)).not.toBe(before);
    expect(await query(server.connection, 'select answer from kept')).toEqual([{ answer: 42 }]);
  });

  it('outlives a kill -9 of its starter and is adopted by the next', async () => {
    const folder = newFolder();
    const { holder, pid } = await hold(folder);
    holder.kill('SIGKILL');
    const next = await start(folder);
    expect(next.pid).toBe(pid);
    expect(await query(next.connection, 'select 1 as one')).toEqual([{ one: 1 }]);
    await next.stop();
    await gone(pid);
  });

  it('starts over the leavings of a kill -9 of both', async () => {
    const folder = newFolder();
    const { holder, pid } = await hold(folder);
    holder.kill('SIGKILL');
    process.kill(pid, 'SIGKILL');
    await gone(pid);
    const next = await start(folder);
    expect(await query(next.connection, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('is not fooled by a pid file whose number now belongs to somebody else', async () => {
    const folder = newFolder();
    await (await start(folder)).stop();
    const impostor = spawn('sleep', ['60'], { stdio: 'ignore' });
    holders.push(impostor);
    const lines = [impostor.pid, join(folder, 'postgres'), 1, 5432, join(folder, 'socket')];
    writeFileSync(join(folder, 'postgres', 'postmaster.pid'), `${lines.join('\n')}\n`);
    const next = await start(folder);
    expect(next.pid).not.toBe(impostor.pid);
    expect(await query(next.connection, 'select 1 as one')).toEqual([{ one: 1 }]);
  });
});

describe('a start that fails', () => {
  it('leaves no server behind, and says where to look', async () => {
    const folder = newFolder();
    await (await start(folder)).stop();
    writeFileSync(join(folder, 'postgres.password'), 'another\n');
    const error = await refusalOf(start(folder));
    expect(error.found).toContain('password authentication failed');
    expect(error.hint).toContain(join(folder, 'postgres.password'));
    expect(runningPostmaster(join(folder, 'postgres'))).toBeNull();
  });

  it('says what the server said', async () => {
    const error = await refusalOf(start(newFolder(), { settings: { shared_buffers: 'plenty' } }));
    expect(error.code).toBe('HF_STORE_NOT_STARTED');
    expect(error.found).toContain('invalid value for parameter "shared_buffers"');
  });
});

describe('data that was there and is gone', () => {
  it('is an error, never a new empty store', async () => {
    const folder = newFolder();
    await (await start(folder)).stop();
    renameSync(join(folder, 'postgres'), join(folder, 'moved'));
    const error = await refusalOf(start(folder));
    expect([error.code, error.found]).toEqual(['HF_STORE_NOT_STARTED', 'nothing there']);
    renameSync(join(folder, 'moved'), join(folder, 'postgres'));
    const back = await start(folder);
    expect(await query(back.connection, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('is wanted only of a server made to be thrown away', async () => {
    // As root, data in a folder that nobody else may enter lies elsewhere: that goes too.
    const parent = newFolder();
    chmodSync(parent, 0o700);
    const folder = join(parent, 'deep');
    const server = await start(folder);
    const { host } = server.connection;
    expect(existsSync(host)).toBe(true);
    await server.destroy();
    expect(existsSync(host)).toBe(false);
    expect(readdirSync(folder)).toEqual(['users']);
  });
});

describe('several processes on one data folder', () => {
  it('race to start on an empty folder and get one server', async () => {
    const folder = newFolder();
    const both = await Promise.all([hold(folder), hold(folder)]);
    expect(both[0].pid).toBe(both[1].pid);
  });

  it('hand the server over: who comes second keeps it, the last turns it off', async () => {
    const folder = newFolder();
    const { holder, pid } = await hold(folder);
    const second = await start(folder);
    expect(second.pid).toBe(pid);
    const left = new Promise((done) => holder.once('exit', done));
    holder.stdin?.write('stop\n');
    await left;
    expect(await query(second.connection, 'select 1 as one')).toEqual([{ one: 1 }]);
    await second.stop();
    await gone(pid);
  });

  it('leaves the server alone while another lives', async () => {
    const folder = newFolder();
    const { pid } = await hold(folder);
    const second = await start(folder);
    await second.stop();
    expect(markOf(pid)).not.toBeNull();
  });

  it('break a lock whose holder is dead', async () => {
    const folder = newFolder();
    const dead = spawn('true', { stdio: 'ignore' });
    const mark = { pid: dead.pid ?? 0, born: '1' };
    await new Promise((done) => dead.once('exit', done));
    expect(isSame(mark)).toBe(false);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'lock'), `${mark.pid} ${mark.born}\n`);
    const server = await start(folder);
    expect(server.pid).not.toBeNull();
  });

  it('refuse a port that differs from the one it runs on for somebody else', async () => {
    const folder = newFolder();
    await start(folder, { port: await freePort() });
    const error = await refusalOf(start(folder, { port: await freePort() }));
    expect(error.code).toBe('HF_STORE_NOT_STARTED');
  });
});
