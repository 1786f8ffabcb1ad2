/**
 * How full the vault of undo data is, for whoever fills it and for people. What bounds it is the clock (48 h
 * of everything) and the disk; of a store of yours elsewhere we see the first only, and learn of the second
 * when it says no.
 */
import { statfs } from 'node:fs/promises';
import { sql } from 'kysely';
import { HoldfastError } from '../model/errors.ts';
import type { Database } from './database.ts';

/** What is kept of one target, undone and pending purges included. */
export interface KeptOfTarget {
  readonly target: string;
  readonly items: number;
  readonly oldestAt: Date;
  /** Of watched time until the first of them may be purged; 0: it is due. */
  readonly nextPurgeMs: number;
}

export interface VaultState {
  /** On disk, indexes included. */
  readonly bytes: number;
  /** Null: the store is a database of yours, whose disk we do not see. */
  readonly freeBytes: number | null;
  readonly kept: readonly KeptOfTarget[];
}

export class VaultLook {
  readonly #database: Database;
  readonly #isEmbedded: boolean;
  #folder: string | null = null;

  constructor(database: Database, isEmbedded: boolean) {
    this.#database = database;
    this.#isEmbedded = isEmbedded;
  }

  async state(): Promise<VaultState> {
    const [bytes, kept, freeBytes] = [
      await this.#bytes(),
      await this.#kept(),
      await this.freeBytes(),
    ];
    return { bytes, freeBytes, kept };
  }

  /** Rejects with HF_VAULT_FULL when less than `freeBytesMin` is free where the vault lies. */
  async requireRoom(freeBytesMin: number): Promise<void> {
    const freeBytes = await this.freeBytes();
    if (freeBytes === null || freeBytes >= freeBytesMin) return;
    throw new HoldfastError('HF_VAULT_FULL', {
      expected: `${freeBytesMin} bytes free on the disk of our store (limits.vaultFreeBytesMin)`,
      found: `${freeBytes}`,
      hint: 'Make room there; nothing that is kept is deleted for it.',
    });
  }

  async freeBytes(): Promise<number | null> {
    if (!this.#isEmbedded) return null;
    this.#folder ??= await this.#dataFolder();
    const { bavail, bsize } = await statfs(this.#folder);
    return bavail * bsize;
  }

  async #dataFolder(): Promise<string> {
    const { rows } = await this.#database.run((db) =>
      sql<{ data_directory: string }>`show data_directory`.execute(db),
    );
    return rows[0]?.data_directory ?? '/';
  }

  async #bytes(): Promise<number> {
    const { rows } = await this.#database.run((db) =>
      sql<{ bytes: string }>`
        select coalesce(sum(pg_total_relation_size(c.oid)), 0)::text as bytes
        from pg_class c
        where c.relnamespace = 'holdfast'::regnamespace and c.relkind = 'r'
          and starts_with(c.relname, 'undo_')`.execute(db),
    );
    return Number(rows[0]?.bytes ?? 0);
  }

  async #kept(): Promise<readonly KeptOfTarget[]> {
    const { rows } = await this.#database.run((db) =>
      sql<{ target: string; items: string; oldest: Date; left_ms: string }>`
        select i.target, count(*)::text as items, min(i.at) as oldest,
          (min(coalesce(i.purge_at_tick_ms, i.kept_until_tick_ms))
            - (select l.tick_ms from holdfast.undo_ledger l))::text as left_ms
        from holdfast.undo_items i
        where i.state in ('kept', 'undone', 'purging')
        group by i.target order by i.target`.execute(db),
    );
    return rows.map(({ items, left_ms, oldest, target }) => ({
      target,
      items: Number(items),
      oldestAt: oldest,
      nextPurgeMs: Math.max(0, Number(left_ms)),
    }));
  }
}
