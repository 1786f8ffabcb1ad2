/**
 * A record of the world outside as it was read: one line of an export, one event, one message, one
 * captured row. Words only; each has its provenance, and all of it is text that strangers wrote.
 */

export const SOURCE_KINDS = ['captured', 'payments', 'calendar', 'mail'] as const;
export type SourceKind = (typeof SOURCE_KINDS)[number];

/** Where a record lies. `file`, `sha256`, `record` and `offset` find it again in the kept copy. */
export interface Provenance {
  /** Name of the source in the mapping. */
  readonly source: string;
  readonly kind: SourceKind;
  /** As whoever handed it in called it. */
  readonly file: string;
  /** Lower-case hex, of the whole file. */
  readonly sha256: string;
  /** 1 for the first. */
  readonly record: number;
  /** Bytes from the start of the file. */
  readonly offset: number;
  /** The start of it, inert, for the reviewer. */
  readonly snippet: string;
}

export interface SourceRecord {
  readonly by: Provenance;
  /** By the name of the field; nested ones with a dot: `metadata.booking`. */
  readonly fields: ReadonlyMap<string, string>;
  /** Fields that are there and could not be told, with the reason. */
  readonly troubled: ReadonlyMap<string, string>;
}

/** Found, and not read. `text` is what was there: whatever it names is not certain any more. */
export interface UnreadRecord {
  readonly by: Provenance;
  readonly why: string;
  readonly text: string;
}

export interface ReadFile {
  readonly records: readonly SourceRecord[];
  readonly unread: readonly UnreadRecord[];
}

/** One file that was kept, and whose it is. */
export interface SourceFile {
  readonly source: string;
  readonly kind: SourceKind;
  readonly file: string;
  readonly sha256: string;
  readonly bytes: Buffer;
}
