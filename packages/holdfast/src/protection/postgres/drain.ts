/**
 * Takes captured rows out of a target's reach: read in one snapshot, kept in the vault (durable), and
 * only then deleted in the target, exactly what was read. A crash anywhere between leaves the rows in
 * the target, and the vault knows what it has already.
 *
 * One process drains a target at a time (the lock); that two would do no harm is the vault's doing. A
 * process without the lock still looks how far behind the target is, because its agents depend on it.
 *
 * It will not: delete what was not read, keep more than one batch in memory, or call itself well
 * without having seen both the target and the vault.
 */
import pg from 'pg';
import type { Clock } from '../../model/clock.ts';
import { HoldfastError, messageOf } from '../../model/errors.ts';
import { DRAIN_BEHIND_MS_MAX, DRAIN_MS, FORMER_SHAPES_MS } from '../../model/limits.ts';
import type { TargetDatabase } from '../target-database.ts';
import type { RowChunk, UndoStore } from '../undo-store.ts';
import { type AgentOfRole, type DrainBatch, pruneBatch, readBatch } from './drain-batch.ts';
import { dropFormerShapes } from './former-shapes.ts';
import { ident, SCHEMA } from './layout.ts';

/** Held by one process; implemented by `store/advisory-lock.ts`. */
export interface DrainLock {
  /** Whether it is ours now; rejects when the store is away. */
  tryHold(): Promise<boolean>;
  release(): Promise<void>;
}

export interface DrainOptions {
  readonly target: TargetDatabase;
  readonly store: UndoStore;
  readonly lock: DrainLock;
  readonly clock: Clock;
  /** How long each item is kept, in watched time. */
  readonly graceMs: number;
  readonly agentOf: AgentOfRole;
  /** Before anything is taken out; rejects with HF_VAULT_FULL. Left out: only the store itself says no. */
  readonly requireRoom?: () => Promise<void>;
  /** When `health.trouble` appears, changes or goes. */
  readonly onHealth?: (health: DrainHealth) => void;
}

export interface DrainHealth {
  /** Age of the oldest captured statement that is not in the vault yet; 0: none. */
  readonly lagMs: number;
  /** For people: what keeps undo data in the target, and what to do. */
  readonly trouble: string | null;
}

const LOOK = `
  select (extract(epoch from clock_timestamp() - min(j.at)) * 1000)::float8 as age_ms
  from ${ident(SCHEMA)}.journal j`;
const INSTALL = `select value #>> '{}' as install from ${ident(SCHEMA)}.meta where key = 'install'`;
const DISK_FULL = '53100';

export class Drain {
  readonly #options: DrainOptions;
  #passing: Promise<unknown> = Promise.resolve();
  #running: Promise<void> | null = null;
  #wake: (() => void) | null = null;
  #isStopped = false;
  #install: string | null = null;
  #formerLookedAtMs = Number.NEGATIVE_INFINITY;
  /** Age of the oldest statement when it was looked at, and when that was. */
  #behind: { readonly ageMs: number; readonly seenAtMs: number } | null = null;
  #failure: string | null = null;
  #saidTrouble: string | null = null;
  /** The last sign of life of a pass that is under way. */
  #passAliveAtMs: number | null = null;

  constructor(options: DrainOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running ??= this.#loop();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#wake?.();
    await this.#running;
    await this.#passing.catch(() => {});
    await this.#options.lock.release();
  }

  /**
   * Takes out all that is committed now, with or without the lock. How many items were new in the vault.
   * Rejects with HF_STORE_UNAVAILABLE, HF_UPSTREAM_UNREACHABLE or HF_PROTECTION_LOST.
   */
  async drainOnce(): Promise<number> {
    let kept = 0;
    for (;;) {
      const pass = await this.#guarded(() => this.#pass());
      kept += pass.kept;
      if (pass.isAll) return kept;
    }
  }

  get health(): DrainHealth {
    return { lagMs: this.#lagMs(), trouble: this.#trouble() };
  }

  async #loop(): Promise<void> {
    while (!this.#isStopped) {
      let isAll = true;
      try {
        isAll = await this.#guarded(() => this.#turn());
      } catch {
        // Said by `health`; the rows stay where they are until the next turn.
      }
      if (isAll && !this.#isStopped) await this.#pause();
    }
  }

  /** One at a time in this process: a pass that overlaps another reads everything twice. */
  #guarded<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#passing
      .catch(() => {})
      .then(async () => {
        this.#alive();
        try {
          const result = await work();
          this.#failure = null;
          return result;
        } catch (error) {
          this.#failure = this.#explained(error);
          throw error;
        } finally {
          this.#passAliveAtMs = null;
          this.#sayHealth();
        }
      });
    this.#passing = done;
    return done;
  }

  /** Whether nothing is left to take at once. */
  async #turn(): Promise<boolean> {
    const { lock, target, clock } = this.#options;
    if (!(await lock.tryHold())) {
      await this.#look();
      return true;
    }
    const { isAll } = await this.#pass();
    const nowMs = clock.monotonicMs();
    if (isAll && nowMs - this.#formerLookedAtMs > FORMER_SHAPES_MS) {
      this.#formerLookedAtMs = nowMs;
      // Housekeeping: what it cannot clear away now keeps no row from leaving.
      await dropFormerShapes(target).catch(() => false);
    }
    return isAll;
  }

  async #pass(): Promise<{ readonly kept: number; readonly isAll: boolean }> {
    const { target } = this.#options;
    if (!(await this.#look())) return { kept: 0, isAll: true };
    await this.#options.requireRoom?.();
    const install = await this.#installOf();
    const read = await target.transaction('repeatable read', async (session) => {
      const batch = await readBatch(session, this.#options.agentOf);
      return batch && { batch, kept: await this.#keep(batch, install) };
    });
    if (read === null) return { kept: 0, isAll: true };
    this.#alive();
    await target.transaction('read committed', (session) => pruneBatch(session, read.batch));
    if (read.batch.isAll) this.#behind = null;
    return { kept: read.kept, isAll: read.batch.isAll };
  }

  async #keep(batch: DrainBatch, install: string): Promise<number> {
    const { target, store, graceMs } = this.#options;
    const { items, shapes } = batch;
    const chunks = this.#watched(batch.rows());
    const { kept, known } = await store.keep({
      target: target.target,
      install,
      shapes,
      items,
      chunks,
      graceMs,
    });
    if (kept + known === items.length) return kept;
    // Never to be deleted in the target on a word that does not add up.
    throw new HoldfastError('HF_PROTECTION_LOST', {
      expected: `the vault to have ${items.length} transactions of ${target.target}`,
      found: `${kept + known}`,
      hint: 'A fault of Holdfast itself; the rows stay in the target.',
    });
  }

  async *#watched(chunks: AsyncIterable<RowChunk>): AsyncIterable<RowChunk> {
    for await (const chunk of chunks) {
      this.#alive();
      yield chunk;
    }
  }

  /** Whether anything is waiting. */
  async #look(): Promise<boolean> {
    const rows = await this.#options.target.query(LOOK);
    const age = rows[0]?.['age_ms'];
    const seenAtMs = this.#options.clock.monotonicMs();
    this.#behind = typeof age === 'number' ? { ageMs: Math.max(0, age), seenAtMs } : null;
    return this.#behind !== null;
  }

  async #installOf(): Promise<string> {
    if (this.#install !== null) return this.#install;
    const rows = await this.#options.target.query(INSTALL);
    const install = rows[0]?.['install'];
    if (typeof install !== 'string' || install === '') {
      throw new HoldfastError('HF_PROTECT', {
        expected: `${SCHEMA}.meta of ${this.#options.target.target} with the id of the installation`,
        found: 'none',
        hint: 'Run holdfast protect again; until then captured rows stay in the target.',
      });
    }
    this.#install = install;
    return install;
  }

  #alive(): void {
    this.#passAliveAtMs = this.#options.clock.monotonicMs();
  }

  #lagMs(): number {
    if (this.#behind === null) return 0;
    const { ageMs, seenAtMs } = this.#behind;
    return ageMs + Math.max(0, this.#options.clock.monotonicMs() - seenAtMs);
  }

  #trouble(): string | null {
    if (this.#failure !== null) return this.#failure;
    const { clock, target } = this.#options;
    const silentMs = clock.monotonicMs() - (this.#passAliveAtMs ?? clock.monotonicMs());
    if (silentMs > DRAIN_BEHIND_MS_MAX) {
      return `Taking undo data out of ${target.target} hangs for ${seconds(silentMs)}: see that the target and our own database answer.`;
    }
    if (this.#passAliveAtMs === null && this.#lagMs() > DRAIN_BEHIND_MS_MAX) {
      return `Undo data of ${target.target} is ${seconds(this.#lagMs())} behind on its way to the vault.`;
    }
    return null;
  }

  #explained(error: unknown): string {
    const name = this.#options.target.target;
    const found = messageOf(error);
    if (error instanceof HoldfastError && error.code === 'HF_UPSTREAM_UNREACHABLE') {
      return `${name} cannot be reached by Holdfast itself, so its undo data stays there: ${error.found}. ${error.hint}`;
    }
    if (isDiskFull(error)) {
      return `A disk is full, so undo data stays in ${name}: ${rootOf(error)}. Make room, or give our database a larger disk; nothing kept is deleted for it.`;
    }
    if (error instanceof HoldfastError && error.code === 'HF_VAULT_FULL') {
      return fullWords(name, error);
    }
    if (error instanceof HoldfastError && error.code === 'HF_STORE_UNAVAILABLE') {
      return `The vault of undo data is away, so undo data stays in ${name}: ${error.found}. ${error.hint}`;
    }
    return `Undo data cannot be taken out of ${name}: ${found}`;
  }

  #sayHealth(): void {
    const { health } = this;
    if (health.trouble === this.#saidTrouble) return;
    this.#saidTrouble = health.trouble;
    this.#options.onHealth?.(health);
  }

  #pause(): Promise<void> {
    return new Promise((done) => {
      const timer = setTimeout(done, DRAIN_MS);
      this.#wake = () => {
        clearTimeout(timer);
        done();
      };
    });
  }
}

/** The same words before anything had to be taken out. */
export function fullWords(target: string, { expected, found, hint }: HoldfastError): string {
  return `The vault of undo data has no room, so undo data stays in ${target}: ${found} of ${expected}. ${hint}`;
}

function isDiskFull(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at instanceof pg.DatabaseError && at.code === DISK_FULL) return true;
  }
  return false;
}

function rootOf(error: unknown): string {
  let at = error;
  while (at instanceof Error && at.cause instanceof Error) at = at.cause;
  return messageOf(at);
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}
