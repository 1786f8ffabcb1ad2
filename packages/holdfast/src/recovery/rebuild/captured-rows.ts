/**
 * What Holdfast captured itself since the restored state: rows as the database had them, by transaction.
 * The rebuild owns this interface; `captured-undo.ts` fills it from the vault of undo data.
 */

export interface CapturedRow {
  /** Text of each column, as the server writes it; null is NULL. */
  readonly values: ReadonlyMap<string, string | null>;
  /** `after`: the row as a statement left it. `before`: as it found it; gone, unless there is an after. */
  readonly side: 'before' | 'after';
  /** Order of the statements within the target. */
  readonly seq: bigint;
  /** Transaction (xid8) and when its first captured statement ran. */
  readonly txid: string;
  readonly at: Date;
  readonly role: string;
  /** Undo item it lies in. */
  readonly item: string;
}

export interface CapturedRows {
  /** Rows of one table, in any order. */
  of(schema: string, table: string): AsyncIterable<CapturedRow>;
}
