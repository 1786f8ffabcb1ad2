/**
 * Keeps the processes that share one data folder from treading on each other.
 *
 * Two things lie in the folder, and neither outlives its process by more than one look:
 * - `lock`: held only while somebody starts or stops the server (seconds). It is made by `link`, so
 *   it appears whole or not at all. A lock whose process is gone is broken by whoever holds
 *   `lock.break` and still reads the same dead owner in it, so that two waiters cannot both break it
 *   and take away each other's fresh one.
 * - `users/`: one file for each process that uses the server. The last to leave turns the server off.
 *
 * Should all of this fail (a shared folder of two machines, say), PostgreSQL's own postmaster.pid and
 * shared-memory check still let only one server run on the data: the loser adopts or reports it.
 */
import {
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../model/clock.ts';
import { HoldfastError, hasCode } from '../model/errors.ts';
import { pause } from '../programs/pause.ts';
import { formatMark, isSame, markOf, parseMark } from '../programs/process-mark.ts';

/** Longer than initdb and a crash recovery on a slow machine take together. */
const LOCK_WAIT_MS_MAX = 120_000;
const LOCK_LOOK_MS = 50;
/** Breaking takes microseconds; a breaker this old died on the way. */
const BREAK_AGE_MS_MAX = 10_000;

export class FolderLock {
  readonly #folder: string;
  readonly #clock: Clock;
  /** Unique, since one process may use a folder twice. */
  readonly #name: string;

  constructor(folder: string, clock: Clock) {
    this.#folder = folder;
    this.#clock = clock;
    this.#name = `${process.pid}-${clock.random(6).toString('hex')}`;
  }

  /** Runs `work` while nobody else starts or stops the server of this folder. */
  async hold<T>(work: () => Promise<T>): Promise<T> {
    await this.#take();
    try {
      return await work();
    } finally {
      rmSync(this.#path('lock'), { force: true });
    }
  }

  enter(): void {
    mkdirSync(this.#path('users'), { recursive: true, mode: 0o700 });
    writeFileSync(this.#path('users', this.#name), ownMark(), { mode: 0o600 });
  }

  leave(): void {
    rmSync(this.#path('users', this.#name), { force: true });
  }

  /** True while another live process, or another part of this one, uses the server. */
  isShared(): boolean {
    const others = readNames(this.#path('users')).filter((name) => name !== this.#name);
    const live = others.filter((name) => {
      const path = this.#path('users', name);
      if (isHeld(path)) return true;
      rmSync(path, { force: true });
      return false;
    });
    return live.length > 0;
  }

  async #take(): Promise<void> {
    const lock = this.#path('lock');
    const own = this.#path(`lock.${this.#name}`);
    const started = this.#clock.monotonicMs();
    writeFileSync(own, ownMark(), { mode: 0o600 });
    try {
      while (!tryLink(own, lock)) {
        if (this.#clock.monotonicMs() - started > LOCK_WAIT_MS_MAX) throw stuck(lock);
        if (isHeld(lock)) await pause(LOCK_LOOK_MS);
        else if (!this.#break(own, lock)) await pause(1);
      }
    } finally {
      rmSync(own, { force: true });
    }
  }

  /** False when somebody else is at it. */
  #break(own: string, lock: string): boolean {
    const breaker = this.#path('lock.break');
    if (!tryLink(own, breaker)) {
      if (!isHeld(breaker) || ageMs(breaker, this.#clock) > BREAK_AGE_MS_MAX) {
        rmSync(breaker, { force: true });
      }
      return false;
    }
    if (!isHeld(lock)) rmSync(lock, { force: true });
    rmSync(breaker, { force: true });
    return true;
  }

  #path(...names: string[]): string {
    return join(this.#folder, ...names);
  }
}

function ownMark(): string {
  const mark = markOf(process.pid);
  return mark === null ? '' : formatMark(mark);
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}

/** True when the file names a process that lives. */
function isHeld(path: string): boolean {
  try {
    const mark = parseMark(readFileSync(path, 'utf8'));
    return mark !== undefined && isSame(mark);
  } catch {
    return false;
  }
}

function ageMs(path: string, clock: Clock): number {
  try {
    return clock.now().getTime() - statSync(path).mtimeMs;
  } catch {
    return 0;
  }
}

function readNames(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function stuck(lock: string): HoldfastError {
  let holder = '';
  try {
    holder = readFileSync(lock, 'utf8').trim();
  } catch {}
  return new HoldfastError('HF_STORE_NOT_STARTED', {
    expected: `the lock ${lock} within ${LOCK_WAIT_MS_MAX / 1000} s`,
    found: `it is still held by process ${holder.split(' ')[0] || 'unknown'}`,
    hint: 'See what that process is doing; if it hangs, end it: its lock is void at once.',
  });
}
