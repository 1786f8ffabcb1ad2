/**
 * Where the command line keeps its sessions: `holdfast/sessions.json` under $XDG_CONFIG_HOME, else under
 * ~/.config, by the origin of the gateway. Whoever reads it is signed in as its owner until it runs out
 * (SESSION_LIFE_MS_MAX), so it is written for its owner alone, and not used when others can read it.
 */
import {
  chmodSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { HoldfastError, hasCode, messageOf } from '../../model/errors.ts';
import type { Streams } from '../print.ts';

const KEPT = z.object({
  secret: z.string(),
  person: z.string(),
  expiresAt: z.iso.datetime(),
});
const FILE = z.object({ sessions: z.record(z.string(), KEPT) });

export type KeptSession = z.output<typeof KEPT>;

export class SessionFile {
  readonly path: string;

  constructor(env: Streams['env']) {
    const { HOME, XDG_CONFIG_HOME } = env;
    const base = XDG_CONFIG_HOME || join(HOME || homedir(), '.config');
    this.path = join(base, 'holdfast', 'sessions.json');
  }

  /** Null: none for this origin. HF_SIGN_IN when the file cannot be trusted or read. */
  find({ origin }: URL): KeptSession | null {
    const sessions = this.#read();
    return Object.hasOwn(sessions, origin) ? (sessions[origin] ?? null) : null;
  }

  keep({ origin }: URL, session: KeptSession): void {
    this.#write({ ...this.#read(), [origin]: session });
  }

  forget({ origin }: URL): void {
    const { [origin]: gone, ...rest } = this.#read();
    if (gone !== undefined) this.#write(rest);
  }

  #read(): Readonly<Record<string, KeptSession>> {
    let text: string;
    try {
      const { mode } = statSync(this.path);
      if ((mode & 0o077) !== 0) throw this.#unusable('that others may read or write it');
      text = readFileSync(this.path, 'utf8');
    } catch (error) {
      if (error instanceof HoldfastError) throw error;
      if (hasCode(error, 'ENOENT')) return {};
      throw this.#unusable(messageOf(error));
    }
    const parsed = FILE.safeParse(jsonOf(text));
    if (parsed.success) return parsed.data.sessions;
    throw this.#unusable('something else in it');
  }

  /** Whole or not at all: beside it first, then in its place. */
  #write(sessions: Readonly<Record<string, KeptSession>>): void {
    const beside = `${this.path}.${process.pid}`;
    mkdirSync(dirname(this.path), { recursive: true, mode: 0o700 });
    try {
      writeFileSync(beside, `${JSON.stringify({ sessions }, null, 2)}\n`, {
        mode: 0o600,
        flag: 'wx',
      });
      chmodSync(beside, 0o600);
      renameSync(beside, this.path);
    } catch (error) {
      rmSync(beside, { force: true });
      throw this.#unusable(messageOf(error));
    }
  }

  #unusable(found: string): HoldfastError {
    return new HoldfastError('HF_SIGN_IN', {
      expected: `${this.path} to hold your sessions, for you alone (mode 600)`,
      found,
      hint: `Remove it and sign in again: rm '${this.path}'; holdfast login`,
    });
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
