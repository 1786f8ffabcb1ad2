/**
 * A record that never changes, with a body that may be large, and a journal that is only added to: what the
 * room that keeps something so is handed. `store/rebuild-store.ts` keeps it in our own PostgreSQL, so that
 * people on any gateway add to one and the same journal, one after the other.
 *
 * Duties: a record or an entry that somebody else wrote, or changed, is an error (HF_REBUILD_STATE), never less
 * data; entries come in the order in which they were added. Facts and entries are JSON; whoever asks parses it.
 */
import type { HoldfastError } from './errors.ts';
import type { Signed, Spoken } from './signed.ts';

export interface JournalRecord {
  readonly id: string;
  readonly target: string;
  readonly at: Date;
  readonly by: string;
  /** Of the body, lower-case hex. */
  readonly bodySha256: string;
  readonly facts: unknown;
}

/** Who adds to the journal: somebody who proves it, or the machine itself. */
export type Adder =
  | { readonly kind: 'person'; readonly signed: Signed }
  | { readonly kind: 'machine' };

/** Found under the locks. */
export interface AddedBy extends Spoken {
  readonly id: string;
}

export type MakeEntries = (
  entries: readonly unknown[],
  by: AddedBy | null,
) => Promise<readonly unknown[] | HoldfastError>;

export interface RecordJournal {
  add(record: Omit<JournalRecord, 'bodySha256'>, body: string): Promise<void>;
  /** Newest first. */
  list(page: {
    readonly limit: number;
    readonly after: { readonly at: Date; readonly id: string } | null;
  }): Promise<readonly JournalRecord[]>;
  get(id: string): Promise<JournalRecord | null>;
  /** The text whose SHA-256 the record has, as UTF-8. */
  body(record: JournalRecord): Promise<Buffer>;
  entries(id: string): Promise<readonly unknown[]>;
  /**
   * One adder at a time: `make` is handed what stands and who adds, and says what is added, or why not.
   * A code is spent either way. Resolves to all entries afterwards; HF_NOT_FOUND where there is no such record.
   */
  append(id: string, adder: Adder, now: Date, make: MakeEntries): Promise<readonly unknown[]>;
}
