/**
 * A server to pull from, a vault in a folder, and what restores are started with: real binaries, each
 * server stopped by its own pid.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { appendFileSync, chownSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { generateIdentity, identityToRecipient } from 'age-encryption';
import pg from 'pg';
import { systemClock } from '../../src/model/clock.ts';
import { prepareEngine, unprivilegedUser } from '../../src/programs/embedded-engine.ts';
import { PullEngine } from '../../src/recovery/engines/pull/pull-engine.ts';
import type { PullOptions } from '../../src/recovery/engines/pull/pull-options.ts';
import { PointReach } from '../../src/recovery/point-reach.ts';
import { readPoint } from '../../src/recovery/point-store.ts';
import type { StoredPoint } from '../../src/recovery/recovery-point.ts';
import { FolderVault } from '../../src/recovery/testing/folder-vault.ts';
import { TEST_SEAL } from '../../src/recovery/testing/test-seal.ts';
import { scratchFolder } from '../../src/testing/scratch-folder.ts';
import { accepts, freePort } from '../../src/testing/scratch-postgres.ts';

export const DEBIAN_15 = '/usr/lib/postgresql/15/bin';
export const NEVER: AbortSignal = new AbortController().signal;
export const QUIET = (): void => {};

export interface Ground {
  readonly root: string;
  readonly bin: string;
  readonly vault: FolderVault;
  readonly identity: string;
  readonly recipient: string;
  readonly server: LocalServer;
  /** The same server and vault, as after a new start of Holdfast; closed with the ground. */
  engine(changes?: Partial<PullOptions>): PullEngine;
  /** A server on a folder that was restored. */
  startRestored(data: string): Promise<LocalServer>;
  close(): Promise<void>;
}

/** `binFolder` null: the npm package's own. */
export async function pullGround(
  binFolder: string | null,
  conf: readonly string[] = [],
): Promise<Ground> {
  const root = scratchFolder('pull');
  const owner = unprivilegedUser();
  if (owner) chownSync(root, owner.uid, owner.gid);
  const bin = binFolder ?? (await prepareEngine(root, owner, systemClock, () => {})).binFolder;
  const data = join(root, 'data');
  execFileSync(
    join(bin, 'initdb'),
    ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync', '-k'],
    { stdio: 'pipe', cwd: root, ...(owner ?? {}) },
  );
  const lines = ['fsync=off', 'wal_level=replica', 'max_wal_senders=5', ...conf];
  appendFileSync(join(data, 'postgresql.conf'), `${lines.join('\n')}\n`);
  const identity = await generateIdentity();
  const recipient = await identityToRecipient(identity);
  const vault = new FolderVault(join(root, 'vault'));
  const servers: LocalServer[] = [];
  const engines: PullEngine[] = [];
  const start = async (folder: string): Promise<LocalServer> => {
    const server = new LocalServer(bin, folder, await freePort());
    servers.push(server);
    await server.start();
    return server;
  };
  const server = await start(data);
  return {
    root,
    bin,
    vault,
    identity,
    recipient,
    server,
    engine: (changes = {}) => {
      const engine = new PullEngine({
        target: 'shop',
        connection: server.connection(),
        vault,
        recipients: [recipient],
        identities: () => [identity],
        kept: () => ({ retainUntil: new Date(Date.now() + 7 * 86_400_000) }),
        slot: 'holdfast_shop',
        acceptsCorruptPages: false,
        seal: TEST_SEAL,
        clock: systemClock,
        ...changes,
      });
      engines.push(engine);
      return engine;
    },
    startRestored: async (folder) => {
      ownedBy(folder);
      const spaces = join(folder, '..', 'tablespaces');
      if (existsSync(spaces)) ownedBy(spaces);
      return start(folder);
    },
    close: async () => {
      for (const engine of engines) await engine.close();
      for (const one of servers) await one.stop('SIGQUIT');
      rmSync(root, { recursive: true, force: true });
    },
  };
}

export class LocalServer {
  readonly port: number;
  readonly data: string;
  readonly #bin: string;
  #child: ChildProcess | null = null;
  #log = '';

  constructor(bin: string, data: string, port: number) {
    this.#bin = bin;
    this.data = data;
    this.port = port;
  }

  get log(): string {
    return this.#log;
  }

  connection(port = this.port): PullOptions['connection'] {
    return {
      host: '127.0.0.1',
      port,
      user: 'postgres',
      database: 'postgres',
      password: () => null,
      ssl: false,
    };
  }

  async start(): Promise<void> {
    const owner = unprivilegedUser() ?? {};
    this.#log = '';
    const options = ['-D', this.data, '-p', `${this.port}`, '-k', '', '-h', '127.0.0.1', '-F'];
    const child = spawn(join(this.#bin, 'postgres'), options, {
      stdio: ['ignore', 'ignore', 'pipe'],
      cwd: '/',
      ...owner,
    });
    this.#child = child;
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#log = (this.#log + chunk.toString()).slice(-20_000);
    });
    for (let tries = 0; tries < 2_400; tries += 1) {
      if (child.exitCode !== null) throw new Error(`postgres ended: ${this.#log}`);
      if ((await accepts(this.port)) && (await this.#isPrimary())) return;
      await new Promise((done) => setTimeout(done, 50));
    }
    throw new Error(`postgres did not start: ${this.#log}`);
  }

  async query(sql: string, database = 'postgres'): Promise<Record<string, unknown>[]> {
    const client = new pg.Client({ ...this.connection(), password: '', database });
    await client.connect();
    try {
      const result: unknown = await client.query(sql);
      const last: unknown = Array.isArray(result) ? result.at(-1) : result;
      return typeof last === 'object' && last !== null && 'rows' in last && Array.isArray(last.rows)
        ? last.rows
        : [];
    } finally {
      await client.end();
    }
  }

  /** The content of a table in one value. */
  async hashOf(table: string): Promise<string> {
    const [row] = await this.query(
      `select count(*) || ':' || coalesce(sum(hashtextextended(t::text, 0)), 0) as hash from ${table} t`,
    );
    return String(row?.['hash']);
  }

  async stop(signal: NodeJS.Signals = 'SIGINT'): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((done) => child.once('exit', done));
    child.kill(signal);
    await gone;
  }

  async #isPrimary(): Promise<boolean> {
    try {
      const [row] = await this.query('select pg_is_in_recovery() as standby');
      return row !== undefined;
    } catch {
      return false;
    }
  }
}

/** The ids of points between which and the newest something is missing of what was streamed. */
export async function holedIn({ vault }: Ground): Promise<readonly string[]> {
  const points: StoredPoint[] = [];
  for await (const object of vault.list('shop/', null)) {
    if (object.key.endsWith('/point.json')) points.push(await readPoint(vault, object));
  }
  const { holed } = await new PointReach(vault).of(points, new Date());
  return points.filter(({ digest }) => holed.has(digest)).map(({ id }) => id);
}

export function ownedBy(folder: string): void {
  const owner = unprivilegedUser();
  if (!owner) return;
  execFileSync('chown', ['-R', `${owner.uid}:${owner.gid}`, join(folder, '..')]);
}

/** Waits without a bound of its own: the test has one. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((done) => setTimeout(done, 20));
}
