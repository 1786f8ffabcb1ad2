/**
 * The seal key from a program: `aws kms decrypt`, `vault`, `systemd-creds`, `age -d`. It is run once when
 * Holdfast or a command of it starts; then no key lies in a file of ours.
 *
 * What it will not do: go by a shell, wait for ever, read on when more comes than a key, take anything for
 * a key that is not one, or repeat what the program wrote to stdout, in whatever error.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { HoldfastError } from '../model/errors.ts';
import {
  SEAL_PROGRAM_MS_MAX,
  SEAL_PROGRAM_OUTPUT_BYTES_MAX,
  SEAL_PROGRAM_WORDS_BYTES_MAX,
} from '../model/limits.ts';
import { KEY_BYTES } from './seal.ts';

export interface SealProgram {
  /** The program, and its arguments as they are. */
  readonly command: readonly [string, ...string[]];
  /** Where it runs: relative paths start here. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** For tests; the limit's own when left out. */
  readonly msMax?: number;
}

/** One line: 32 bytes in base64 (RFC 4648 section 4). */
const KEY_LINE = /^[A-Za-z0-9+/]{43}=\r?\n?$/;

/** Rejects with HF_SEAL. */
export async function sealKeyFromProgram(program: SealProgram): Promise<Buffer> {
  const ended = await run(program);
  const text = ended.stdout.toString('latin1');
  ended.stdout.fill(0);
  if (ended.fault !== null) throw failed(program, ended.fault, toldBy(ended.stderr, text));
  const key = KEY_LINE.test(text) ? Buffer.from(text, 'base64') : null;
  // Bits behind the last byte must be none: one key is written in one way.
  if (key !== null && key.toString('base64') === text.trim()) return key;
  const found = `${text.length} characters that are no such line`;
  throw failed(program, text === '' ? 'nothing' : found, toldBy(ended.stderr, text));
}

interface Ended {
  /** Null: it ended well. */
  readonly fault: string | null;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

function run({ command, env, folder, msMax = SEAL_PROGRAM_MS_MAX }: SealProgram): Promise<Ended> {
  const [file, ...args] = command;
  return new Promise((done) => {
    const child = spawn(file, args, {
      cwd: folder,
      env: { ...env },
      shell: false,
      // A group of its own, so that what it has started can be ended with it.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    let bytes = 0;
    let fault: string | null = null;
    const finish = (found: string | null): void => {
      clearTimeout(late);
      child.stdout.destroy();
      child.stderr.destroy();
      done({ fault: fault ?? found, ...joined(stdout, stderr) });
    };
    const cut = (found: string): void => {
      fault ??= found;
      endGroup(child);
      finish(null);
    };
    const late = setTimeout(() => cut(`no end within ${msMax} ms`), msMax);
    child.stdout.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      stdout.push(chunk);
      if (bytes > SEAL_PROGRAM_OUTPUT_BYTES_MAX)
        cut(`more than ${SEAL_PROGRAM_OUTPUT_BYTES_MAX} bytes`);
    });
    child.stderr.on('data', (chunk: Buffer) => keepLast(stderr, chunk));
    child.on('error', (error) => finish(error.message));
    child.on('close', (code, signal) => {
      finish(code === 0 ? null : signal === null ? `exit code ${code}` : `an end by ${signal}`);
    });
  });
}

function endGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    child.kill('SIGKILL');
  }
}

/** The reason stands at the end of what a program says. */
function keepLast(chunks: Buffer[], chunk: Buffer): void {
  const all = Buffer.concat([...chunks, chunk]);
  chunks.splice(0, chunks.length, all.subarray(-SEAL_PROGRAM_WORDS_BYTES_MAX));
}

function joined(stdout: Buffer[], stderr: Buffer[]): { stdout: Buffer; stderr: Buffer } {
  const all = Buffer.concat(stdout);
  for (const chunk of stdout) chunk.fill(0);
  return { stdout: all, stderr: Buffer.concat(stderr) };
}

/** On one line, and without what it wrote to stdout, should it have said that twice. */
function toldBy(stderr: Buffer, stdout: string): string {
  const secrets = stdout.split(/\s+/).filter((one) => one.length >= 8);
  const words = secrets.reduce(
    (text, secret) => text.replaceAll(secret, '[not shown]'),
    stderr.toString('utf8'),
  );
  return words.replaceAll(/[\p{Cc}\s]+/gu, ' ').trim();
}

function failed({ command }: SealProgram, found: string, words: string): HoldfastError {
  return new HoldfastError('HF_SEAL', {
    expected: `one line with ${KEY_BYTES} bytes in base64 from ${command[0]} (seal.key.command)`,
    found: words === '' ? found : `${found}; it says: ${words}`,
    hint: 'Run the command by hand as the user that Holdfast runs as; it has no terminal, and asks nobody.',
  });
}
