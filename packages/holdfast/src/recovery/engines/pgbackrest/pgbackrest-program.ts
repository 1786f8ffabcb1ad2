/**
 * Drives the program `pgbackrest` that is installed here, on the stanza and the configuration that the user
 * already has (pgbackrest.org, User Guide and Command Reference; tried with 2.45). It is started with nothing of
 * our environment, by the user that PostgreSQL runs as when we are root, and no shell reads what it is told.
 *
 * It will not write a configuration, make a stanza, or expire anything: that stays with the user.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { HoldfastError } from '../../../model/errors.ts';
import { jsonOf } from '../../../model/json.ts';
import { bareEnvironment } from '../../../programs/bare-environment.ts';
import type { RunAs } from '../../../programs/embedded-engine.ts';

export interface PgBackRestWay {
  readonly stanza: string;
  /** Null: where pgbackrest itself looks, /etc/pgbackrest.conf. */
  readonly config: string | null;
  /** The number of one of its repositories; null: the first. */
  readonly repo: number | null;
  readonly program: string;
}

const whole = z.int().nonnegative();
const backup = z.object({
  label: z.string().regex(/^[0-9A-Z_-]{8,80}$/),
  error: z.boolean().nullish(),
  archive: z.object({ start: z.string().nullable(), stop: z.string().nullable() }),
  lsn: z.object({ start: z.string(), stop: z.string() }).nullish(),
  info: z.object({ size: whole, repository: z.object({ delta: whole.nullish() }) }),
  timestamp: z.object({ start: whole, stop: whole }),
  database: z.object({ id: whole }),
});
const stanzas = z.array(
  z.object({
    name: z.string(),
    status: z.object({ code: z.int(), message: z.string() }),
    archive: z.array(
      z.object({
        database: z.object({ id: whole }),
        min: z.string().nullable(),
        max: z.string().nullable(),
      }),
    ),
    backup: z.array(backup),
    db: z.array(z.object({ id: whole, 'system-id': z.union([z.number(), z.string()]) })),
  }),
);
export type RepoBackup = Readonly<z.output<typeof backup>>;

export interface StanzaInfo {
  /** Oldest first. */
  readonly backups: readonly RepoBackup[];
  /** The name of the newest WAL segment of the newest database of the stanza; null: there is none. */
  readonly newestSegment: string | null;
}

const STOP_MS = 10_000;
const WORDS_MAX = 600;

export class PgBackRest {
  readonly #way: PgBackRestWay;
  readonly #runAs: RunAs | null;

  constructor(way: PgBackRestWay, runAs: RunAs | null) {
    this.#way = way;
    this.#runAs = runAs;
  }

  /** What the repository has. Rejects with HF_RECOVERY_PROGRAM. */
  async info(signal: AbortSignal): Promise<StanzaInfo> {
    const { stanza } = this.#way;
    const text = await this.run('info', ['--output=json'], [], signal);
    const read = stanzas.safeParse(jsonOf(text));
    const found = read.success ? read.data.find(({ name }) => name === stanza) : undefined;
    if (found === undefined) {
      throw failed(`what pgbackrest has of the stanza ${stanza}`, read.error?.message ?? 'nothing');
    }
    if (found.db.length === 0) throw failed(`the stanza ${stanza}`, found.status.message);
    const newestDb = Math.max(...found.db.map(({ id }) => id));
    const archive = found.archive.find(({ database }) => database.id === newestDb);
    return {
      backups: found.backup.filter(({ database, error }) => database.id === newestDb && !error),
      newestSegment: archive?.max ?? null,
    };
  }

  /**
   * Runs one command to its end and resolves with its output. `onLine` is told each line. Rejects with
   * HF_RECOVERY_PROGRAM, with what pgbackrest said.
   */
  run(
    command: string,
    options: readonly string[],
    words: readonly string[],
    signal: AbortSignal,
    onLine: (line: string) => void = () => {},
  ): Promise<string> {
    const { config, program, repo, stanza } = this.#way;
    const args = [
      `--stanza=${stanza}`,
      ...(config === null ? [] : [`--config=${config}`]),
      ...(repo === null ? [] : [`--repo=${repo}`]),
      ...options,
      command,
      ...words,
    ];
    return new Promise((done, fail) => {
      const child = spawn(program, args, {
        cwd: '/',
        env: bareEnvironment(),
        stdio: ['ignore', 'pipe', 'pipe'],
        ...this.#runAs,
      });
      const out: string[] = [];
      let said = '';
      // What it began must not go on by itself; what does not end in order is ended.
      const stop = (): void => {
        child.kill('SIGTERM');
        setTimeout(() => child.kill('SIGKILL'), STOP_MS).unref();
      };
      signal.addEventListener('abort', stop, { once: true });
      createInterface({ input: child.stdout }).on('line', (line) => {
        out.push(line);
        onLine(line);
      });
      child.stderr.on('data', (chunk: Buffer) => {
        said = (said + chunk.toString('utf8')).slice(-WORDS_MAX);
      });
      child.once('error', (error) => {
        signal.removeEventListener('abort', stop);
        fail(failed(`${program} to run`, error.message));
      });
      child.once('close', (code) => {
        signal.removeEventListener('abort', stop);
        if (signal.aborted) fail(signal.reason);
        else if (code === 0) done(out.join('\n'));
        else fail(failed(`pgbackrest ${command} to end well`, wordsOf(code, said, out)));
      });
      if (signal.aborted) stop();
    });
  }
}

/** How far it is, from a line of its log at level `detail`: `... (8KB, 12.34%) checksum ...`. Null: it says nothing of it. */
export function shareIn(line: string): number | null {
  const found = /\((?:[\d.]+(?:B|KB|MB|GB|TB), )?([\d.]+)%\)/.exec(line);
  return found === null ? null : Number(found[1]) / 100;
}

/** `ERROR: [056]: ...` is its own way to say why. */
function wordsOf(code: number | null, said: string, out: readonly string[]): string {
  const text = `${said}\n${out.slice(-5).join('\n')}`;
  const error = /ERROR: (\[\d{3}\]: .*)/.exec(text)?.[1];
  return error ?? `exit code ${code}: ${text.trim().slice(-200)}`;
}

export function failed(expected: string, found: string): HoldfastError {
  return new HoldfastError('HF_RECOVERY_PROGRAM', {
    expected,
    found,
    hint: 'Try `pgbackrest check` as the user that PostgreSQL runs as, and see recovery.pgbackrest in holdfast.yaml.',
  });
}
