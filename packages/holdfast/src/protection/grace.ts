/**
 * The end of undo data: what is past its time by the ledger of watched time is purged, first the trash
 * in the target, then the rows in the vault. `begun` is written down before anything is dropped, so that
 * from that moment nobody can cancel, extend or undo what is half gone; a sweep that dies is taken up by
 * the next one, on any replica.
 *
 * It will not: look at the wall clock, purge sooner on anybody's word but a quorum's (`requestPurge` is
 * for after its signatures), and even then not without a time in which that can be cancelled.
 */
import { messageOf } from '../model/errors.ts';
import { PURGE_CANCEL_MS, PURGE_ITEMS_MAX, PURGE_SWEEP_MS } from '../model/limits.ts';
import type { TargetDatabase } from './target-database.ts';
import type { DuePurge, UndoStore } from './undo-store.ts';

export interface GraceOptions {
  readonly store: UndoStore;
  /** Null: no target of that name is declared here any more. */
  readonly targetOf: (name: string) => TargetDatabase | null;
  /** Idempotent: a trash schema that is gone is gone. */
  readonly dropTrash: (target: TargetDatabase, name: string) => Promise<void>;
  readonly onSweep?: (report: SweepReport) => void;
}

export interface SweepReport {
  readonly purged: readonly string[];
  /** Begun and not finished, with the reason; tried again at the next sweep. */
  readonly waiting: readonly { readonly id: string; readonly reason: string }[];
}

export class Grace {
  readonly #options: GraceOptions;
  #timer: NodeJS.Timeout | null = null;
  #sweeping: Promise<unknown> = Promise.resolve();

  constructor(options: GraceOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer ??= setInterval(() => void this.sweep().catch(() => {}), PURGE_SWEEP_MS).unref();
  }

  async stop(): Promise<void> {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
    await this.#sweeping.catch(() => {});
  }

  /** Purges all that is due. Rejects with HF_STORE_UNAVAILABLE; a target that is away only waits. */
  sweep(): Promise<SweepReport> {
    const swept = this.#sweeping.catch(() => {}).then(() => this.#sweep());
    this.#sweeping = swept;
    return swept;
  }

  /** After a quorum signed it. Can be cancelled for PURGE_CANCEL_MS of watched time. How many changed. */
  requestPurge(ids: readonly string[]): Promise<number> {
    return this.#options.store.requestPurge(ids, PURGE_CANCEL_MS);
  }

  cancelPurge(ids: readonly string[]): Promise<number> {
    return this.#options.store.cancelPurge(ids);
  }

  extend(ids: readonly string[], byMs: number): Promise<number> {
    return this.#options.store.extend(ids, byMs);
  }

  async #sweep(): Promise<SweepReport> {
    const { store, onSweep } = this.#options;
    const purged: string[] = [];
    const waiting: { id: string; reason: string }[] = [];
    for (;;) {
      const due = await store.beginPurge(PURGE_ITEMS_MAX);
      const before = purged.length;
      for (const item of due) {
        const reason = await this.#emptyTrash(item);
        if (reason === null) {
          await store.finishPurge(item.id);
          purged.push(item.id);
        } else if (!waiting.some(({ id }) => id === item.id)) {
          waiting.push({ id: item.id, reason });
        }
      }
      // A whole page that only waits would come again, and again.
      if (due.length < PURGE_ITEMS_MAX || purged.length === before) break;
    }
    const report = { purged, waiting };
    if (purged.length > 0 || waiting.length > 0) onSweep?.(report);
    return report;
  }

  /** Null when all of it is gone; else why not. */
  async #emptyTrash({ target: name, trash }: DuePurge): Promise<string | null> {
    if (trash.length === 0) return null;
    const target = this.#options.targetOf(name);
    if (target === null) return `${name} is not declared here, and ${trash.join(', ')} lies there`;
    try {
      for (const schema of trash) await this.#options.dropTrash(target, schema);
      return null;
    } catch (error) {
      return messageOf(error);
    }
  }
}
