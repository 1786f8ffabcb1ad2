/** An installed PostgreSQL in a folder of ours, over loopback, ended by its own process id. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { unprivilegedUser } from '../../../holdfast/src/programs/embedded-engine.ts';

const READY_MS_MAX = 30_000;

export class OlderPostgres {
  readonly #child: ChildProcess;
  readonly #port: number;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.#port = port;
  }

  static async start(folder: string, bin: string, port: number): Promise<OlderPostgres> {
    const owner = unprivilegedUser();
    const data = join(folder, 'postgres');
    mkdirSync(folder, { recursive: true, mode: 0o755 });
    if (!existsSync(data)) {
      mkdirSync(data, { mode: 0o700 });
      if (owner) chownSync(data, owner.uid, owner.gid);
      const words = ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-sync'];
      execFileSync(join(bin, 'initdb'), words, { stdio: 'pipe', cwd: '/', ...owner });
    }
    const settings = [`port=${port}`, 'listen_addresses=127.0.0.1', 'unix_socket_directories='];
    const words = ['-D', data, ...settings.flatMap((one) => ['-c', one])];
    const options = { stdio: 'ignore', cwd: '/', ...owner } as const;
    const child = spawn(join(bin, 'postgres'), words, options);
    const until = Date.now() + READY_MS_MAX;
    while (!(await answers(port))) {
      if (child.exitCode !== null || Date.now() > until) throw new Error('it did not start');
      await new Promise((done) => setTimeout(done, 50));
    }
    return new OlderPostgres(child, port);
  }

  url(database: string): string {
    return `postgres://postgres@127.0.0.1:${this.#port}/${database}`;
  }

  get pid(): number | null {
    return this.#child.pid ?? null;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = new Promise((done) => this.#child.once('exit', done));
    this.#child.kill('SIGINT');
    await gone;
  }
}

/** To a query: past the port, a server that still recovers says no. */
async function answers(port: number): Promise<boolean> {
  const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres' });
  client.on('error', () => {});
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => {});
  }
}
