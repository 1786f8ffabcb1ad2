/**
 * Holdfast as a process of its own, by its built command line, so that it can be killed and started
 * again on the same data, and its store's server can be stopped under it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { accepts, freePort } from '../../src/testing/scratch-postgres.ts';
import { AGENT, configText, ENVIRONMENT, type GatewayOptions, TARGET } from './gateway.ts';
import type { Login } from './raw-client.ts';
import { typed } from './typed-commands.ts';
import { APP_PASSWORD, type Upstream } from './upstream.ts';

const CLI = join(dirname(fileURLToPath(import.meta.url)), '../../dist/cli/main.js');

export class HoldfastProcess {
  readonly config: string;
  readonly port: number;
  #child: ChildProcess | null = null;
  #log = '';
  readonly #env: NodeJS.ProcessEnv;

  private constructor(config: string, port: number) {
    this.config = config;
    this.port = port;
    this.#env = { ...process.env, APP_PASSWORD, HOLDFAST_CONFIG: config };
  }

  /** Writes holdfast.yaml into `folder`; nothing runs yet. */
  static async prepare(
    folder: string,
    upstream: Upstream,
    options: GatewayOptions,
  ): Promise<HoldfastProcess> {
    const port = await freePort();
    const config = join(folder, 'holdfast.yaml');
    const text = configText(upstream.server.port, join(folder, 'data'), options);
    writeFileSync(config, text.replace('port: 0', `port: ${port}`));
    return new HoldfastProcess(config, port);
  }

  /** Resolves when it accepts connections. */
  async start(): Promise<void> {
    const child = spawn(process.execPath, [CLI, 'up'], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: this.#env,
    });
    this.#child = child;
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#log = (this.#log + chunk.toString()).slice(-4_000);
    });
    for (let tries = 0; tries < 600; tries += 1) {
      if (child.exitCode !== null) break;
      if (await accepts(this.port)) return;
      await new Promise((done) => setTimeout(done, 100));
    }
    throw new Error(`Holdfast did not start:\n${this.#log}`);
  }

  /** SIGKILL: what a crash or a power cut of the process is. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async stop(): Promise<void> {
    await this.#end('SIGINT');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((done) => child.once('exit', done));
    child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), 20_000);
    await gone;
    clearTimeout(timer);
  }

  /** `holdfast ... --json`. */
  async cli(...words: readonly string[]): Promise<unknown> {
    const { exit, out, err } = await typed({ words: [...words, '--json'], env: this.#env });
    if (exit !== 0) throw new Error(`holdfast ${words.join(' ')} ended with ${exit}: ${out}${err}`);
    return JSON.parse(out);
  }

  async admitAgent(): Promise<Login> {
    await this.cli('agents', 'add', AGENT, '--purpose', 'a test');
    const answer = await this.cli('agents', 'token', AGENT, '--env', ENVIRONMENT);
    const token = /"(hf_[0-9a-z]+)"/.exec(JSON.stringify(answer))?.[1];
    if (token === undefined) throw new Error('holdfast agents token --json named no token.');
    return { host: '127.0.0.1', port: this.port, user: AGENT, password: token, database: TARGET };
  }

  /** The postmaster of the embedded store: a child of Holdfast's process. */
  storePid(): number {
    const found = processes().find(
      ({ parent, name }) => parent === this.#child?.pid && name === 'postgres',
    );
    if (found === undefined) throw new Error('Holdfast has started no PostgreSQL.');
    return found.pid;
  }

  /** The store and its backends (each is a session of its own, so there is no group to signal). */
  signalStore(postmaster: number, signal: 'SIGSTOP' | 'SIGCONT'): void {
    for (const { pid, parent } of processes()) {
      if (pid !== postmaster && parent !== postmaster) continue;
      try {
        process.kill(pid, signal);
      } catch {
        // It ended between the look and the signal.
      }
    }
  }
}

interface ProcessFacts {
  readonly pid: number;
  readonly parent: number;
  readonly name: string;
}

/** proc(5): `pid (name) state parent ...`. */
function processes(): ProcessFacts[] {
  const pids = readdirSync('/proc').map(Number).filter(Number.isInteger);
  return pids.flatMap((pid) => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
      const end = stat.lastIndexOf(')');
      const parent = Number(stat.slice(end + 2).split(' ')[1]);
      return [{ pid, parent, name: stat.slice(stat.indexOf('(') + 1, end) }];
    } catch {
      return [];
    }
  });
}
