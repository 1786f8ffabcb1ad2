/** Who types `holdfast` on one machine: the built command line, and the gateway beside it. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { type Finished, typed } from '../support/typed-commands.ts';
import { until } from './pull-ground.ts';

const MAIN = resolve(import.meta.dirname, '../../dist/cli/main.js');
const OUT_BYTES_MAX = 64 * 1024 * 1024;

export interface Said extends Finished {
  // biome-ignore lint/suspicious/noExplicitAny: what a command prints, looked at by each case
  readonly said: any;
}

export class Operator {
  readonly #config: string;
  #gateway: ChildProcess | null = null;
  /** What the gateway said since its last start. */
  log = '';

  constructor(config: string) {
    this.#config = config;
  }

  holdfast(
    words: readonly string[],
    more: Readonly<Record<string, string>> = {},
  ): Promise<Finished> {
    const env = { ...process.env, HOLDFAST_CONFIG: this.#config, ...more };
    return typed({ words, env });
  }

  /** `--json`; null where nothing was printed. */
  async json(words: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<Said> {
    const done = await this.holdfast([...words, '--json'], more);
    return { ...done, said: done.out === '' ? null : JSON.parse(done.out) };
  }

  started(
    words: readonly string[],
    more: Readonly<Record<string, string>> = {},
  ): { readonly child: ChildProcess; readonly finished: Promise<Finished> } {
    const env = { ...process.env, HOLDFAST_CONFIG: this.#config, ...more };
    const options = { env, maxBuffer: OUT_BYTES_MAX };
    let tell: (finished: Finished) => void = () => {};
    const finished = new Promise<Finished>((done) => {
      tell = done;
    });
    const child = execFile(process.execPath, [MAIN, ...words], options, (_, out, err) =>
      tell({ exit: child.exitCode, out, err }),
    );
    return { child, finished };
  }

  /** Resolves when agents can connect. */
  async up(): Promise<void> {
    this.log = '';
    const child = spawn(process.execPath, [MAIN, 'up', '--config', this.#config], {
      stdio: 'pipe',
    });
    this.#gateway = child;
    child.stdout?.resume();
    child.stderr?.on('data', (chunk: Buffer) => {
      this.log += chunk.toString();
    });
    await until(() => {
      if (child.exitCode !== null) throw new Error(`up ended: ${this.log}`);
      return this.log.includes('Holdfast listens');
    });
  }

  async down(signal: NodeJS.Signals): Promise<void> {
    const child = this.#gateway;
    this.#gateway = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((done) => child.once('exit', done));
    child.kill(signal);
    await gone;
  }
}
