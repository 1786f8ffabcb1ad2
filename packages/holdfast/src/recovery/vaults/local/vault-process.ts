/**
 * The vault's process, from outside: started when first asked, ended with us, started anew when it died.
 * It inherits one end of a socket pair and nothing else of ours: no environment, no descriptor, no
 * folder. As root with a user for it, it keeps CAP_LINUX_IMMUTABLE where `setpriv` can hand that on.
 *
 * It is told first what was seen of the vault before. Where that is not to be opened as it should be, it is
 * asked again with a later call: a disk may have been mounted by then.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdirSync } from 'node:fs';
import { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { HoldfastError, hasCode, messageOf } from '../../../model/errors.ts';
import { type Call, errorOf, openedOf } from './calls.ts';
import type { Head, Seen } from './manifest.ts';
import { notThere } from './troubles.ts';
import { type Lane, Wire } from './wire.ts';

const SETPRIV = '/usr/bin/setpriv';
const WORDS_CHARS_MAX = 2_000;
const END_MS_MAX = 10_000;

export interface RunAs {
  readonly uid: number;
  readonly gid: number;
}

export interface ProcessParts {
  readonly name: string;
  readonly folder: string;
  /** Null: as whoever Holdfast runs as. */
  readonly user: RunAs | null;
  /** Of the vault in this folder, as it is known when asked for; null: nothing. */
  readonly seen: () => Seen | null;
  /** It was opened for writing, and its manifest ends so. */
  readonly opened: (head: Head) => void;
}

/** How its store was opened, as far as we were told. */
type Ground = 'unasked' | 'asked' | 'refused' | 'for reading' | 'open';

interface Running {
  ground: Ground;
  readonly child: ChildProcess;
  readonly wire: Wire;
  readonly gone: Promise<void>;
}

export class VaultProcess {
  readonly #parts: ProcessParts;
  #running: Running | null = null;
  #words = '';

  constructor(parts: ProcessParts) {
    this.#parts = parts;
  }

  /** Throws HF_VAULT_REFUSED where the folder of a vault that was seen before is away. */
  call(call: Call): Lane {
    const before = this.#running;
    if (before !== null && !asksAgain(before.ground, call)) return before.wire.call(call);
    const seen = this.#parts.seen();
    this.#prepare(seen);
    this.#running ??= this.#start();
    this.#open(this.#running, seen);
    return this.#running.wire.call(call);
  }

  forget(lane: Lane): void {
    this.#running?.wire.forget(lane);
  }

  /** Its pid; null while it does not run. */
  get pid(): number | null {
    return this.#running?.child.pid ?? null;
  }

  async close(): Promise<void> {
    const running = this.#running;
    if (running === null) return;
    running.child.stdio[3]?.destroy();
    const timer = setTimeout(() => running.child.kill('SIGKILL'), END_MS_MAX);
    await running.gone;
    clearTimeout(timer);
  }

  #open(running: Running, seen: Seen | null): void {
    running.ground = 'asked';
    const lane = running.wire.call({ method: 'open', seen });
    void lane
      .answer()
      .then((answer) => {
        const { head, isForReading } = openedOf(answer);
        if (!isForReading) this.#parts.opened(head);
        running.ground = isForReading ? 'for reading' : 'open';
      })
      // Whoever called has the same error; where only the head could not be kept, each look has.
      .catch(() => {
        running.ground = 'refused';
      })
      .finally(() => running.wire.forget(lane));
  }

  #start(): Running {
    const [program, ...words] = commandOf(this.#parts);
    const child = spawn(program, words, {
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
      env: {},
      cwd: '/',
    });
    this.#words = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#words = (this.#words + chunk.toString('utf8')).slice(-WORDS_CHARS_MAX);
    });
    const socket = child.stdio[3];
    if (!(socket instanceof Duplex)) throw this.#away('a process without a socket');
    let ended = (): void => {};
    const gone = new Promise<void>((done) => {
      ended = done;
    });
    const wire = new Wire({
      socket,
      called: (_what, lane) => lane.fail({}),
      errorOf,
      ended: () => {},
    });
    const running: Running = { ground: 'unasked', child, wire, gone };
    const over = (found: string): void => {
      if (this.#running === running) this.#running = null;
      wire.breakAll(this.#away(found));
      ended();
    };
    child.once('error', (error) => over(error.message));
    child.once('close', (code, signal) => over(`its process ended (${signal ?? code})`));
    return running;
  }

  /** A folder is made for a new vault only. */
  #prepare(seen: Seen | null): void {
    const { folder, name, user } = this.#parts;
    if (seen !== null) {
      if (!existsSync(folder)) throw notThere(folder, `no folder ${folder}`, seen.keptAt);
      return;
    }
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      if (user !== null && process.getuid?.() === 0) chownSync(folder, user.uid, user.gid);
    } catch (cause) {
      // On a read-only disk it is whose it is; the process looks whether it can be read.
      if (existsSync(folder) && hasCode(cause, 'EROFS')) return;
      throw new HoldfastError('HF_VAULT_REFUSED', {
        expected: `a folder for the vault ${name}`,
        found: messageOf(cause),
        hint: 'Is its disk mounted, and writable for whoever Holdfast runs as?',
        cause,
      });
    }
  }

  #away(found: string): HoldfastError {
    const words = this.#words.trim().split('\n').slice(-3).join(' ');
    return new HoldfastError('HF_VAULT_UNREACHABLE', {
      expected: `the process of the vault ${this.#parts.name} to answer`,
      found: words === '' ? found : `${found}: ${words}`,
      hint: 'What was being stored is not in the vault. The next call starts its process anew.',
    });
  }
}

/** Of what is open for reading only these two care; each call of a restore would ask. */
function asksAgain(ground: Ground, { method }: Call): boolean {
  if (ground === 'for reading') return method === 'put' || method === 'look';
  return ground === 'unasked' || ground === 'refused';
}

/**
 * As another user with the one capability that freezes files, where `setpriv` is and that user can read
 * the program; else the program becomes the user by itself, and its files are not frozen.
 */
function commandOf({ folder, user }: ProcessParts): readonly [string, ...string[]] {
  const program = vaultdFile();
  const node = [process.execPath, program, folder] as const;
  if (user === null || process.getuid?.() !== 0) return node;
  const { uid, gid } = user;
  const keep = ['--inh-caps=-all,+linux_immutable', '--ambient-caps=-all,+linux_immutable'];
  const become = [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', ...keep];
  try {
    const readable = ['test', '-r', program, '-a', '-x', process.execPath];
    execFileSync(SETPRIV, [...become, ...readable], { cwd: '/', stdio: 'ignore' });
    return [SETPRIV, ...become, ...node];
  } catch {
    return [...node, String(uid), String(gid)];
  }
}

/** The built file, also when the sources themselves are run (by the tests): Node 20 reads no types. */
function vaultdFile(): string {
  const here = new URL('./vaultd.js', import.meta.url);
  if (import.meta.url.endsWith('.js')) return fileURLToPath(here);
  return fileURLToPath(here).replace(/([\\/])src([\\/]recovery[\\/])/, '$1dist$2');
}
