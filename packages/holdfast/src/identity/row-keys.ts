/**
 * MACs over rows of our own tables that say who may come in, what they may and where they are told of it: every
 * kind of model/row-macs.ts. The key is derived from the seal key, which is not in the database: who writes there
 * without it makes nobody and opens nothing.
 *
 * A row whose MAC does not fit counts as not there, and is told once to whoever listens. What it will not do:
 * tell a true row of before from a true row of now. Who kept a copy can put it back.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { canonicalJson } from '../model/canonical.ts';
import { FOREIGN_ROWS_TOLD_MAX } from '../model/limits.ts';
import type { ForeignRow, RowFacts, RowKind, RowMacs } from '../model/row-macs.ts';
import type { Seal } from './seal.ts';

const PURPOSE = 'rows of ours';

export class RowKeys implements RowMacs {
  readonly #key: Buffer;
  readonly #told = new Map<string, ForeignRow>();
  readonly #listeners = new Set<(row: ForeignRow) => void>();

  constructor(seal: Seal) {
    this.#key = seal.derive(PURPOSE);
  }

  /** HMAC-SHA256, base64url. */
  mac(kind: RowKind, id: string, facts: RowFacts): string {
    const text = canonicalJson({ domain: `holdfast/row/${kind}/1`, id, ...plain(facts) });
    return createHmac('sha256', this.#key).update(text).digest('base64url');
  }

  /** False: somebody else wrote it, or changed it since; whoever listens has been told. */
  fits(kind: RowKind, id: string, facts: RowFacts, mac: string | null): boolean {
    if (mac !== null && this.#isMac(kind, id, facts, mac)) return true;
    this.#tell({ kind, id });
    return false;
  }

  #isMac(kind: RowKind, id: string, facts: RowFacts, mac: string): boolean {
    let own: Buffer;
    try {
      own = Buffer.from(this.mac(kind, id, facts));
    } catch {
      // What has no canonical form (a date of infinity) was never ours.
      return false;
    }
    const given = Buffer.from(mac);
    return own.length === given.length && timingSafeEqual(own, given);
  }

  /** Once for each row, for as long as this process lives. */
  onForeign(listener: (row: ForeignRow) => void): void {
    this.#listeners.add(listener);
  }

  /** That were met so far. */
  foreign(): readonly ForeignRow[] {
    return [...this.#told.values()];
  }

  #tell(row: ForeignRow): void {
    const key = `${row.kind} ${row.id}`;
    // Who can write a row can write a million: the first ones say it.
    if (this.#told.has(key) || this.#told.size >= FOREIGN_ROWS_TOLD_MAX) return;
    this.#told.set(key, row);
    for (const listener of this.#listeners) listener(row);
  }
}

function plain(facts: RowFacts): Readonly<Record<string, string | null | readonly string[]>> {
  return Object.fromEntries(
    Object.entries(facts).map(([name, value]) => {
      if (value instanceof Date) return [name, value.toISOString()];
      if (Buffer.isBuffer(value)) return [name, value.toString('base64url')];
      return [name, value ?? null];
    }),
  );
}
