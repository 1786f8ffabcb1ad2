/**
 * How records of the world outside become rows of one table. Data only: there is no code, no pattern and
 * no SQL in a mapping, so whoever may write one can say what a row is made of and nothing else.
 */
import type { Encoding } from '../sources/decode.ts';
import type { DayFormat, MomentFormat } from '../values/moment.ts';
import type { Value } from '../values/reading.ts';
import type { Stored } from '../values/value.ts';

export interface Mapping {
  /** Lower-case hex, of its text. */
  readonly sha256: string;
  readonly schema: string;
  readonly table: string;
  readonly key: KeyMapping;
  readonly sources: ReadonlyMap<string, SourceMapping>;
  readonly columns: readonly ColumnMapping[];
  /** Null: what carries no id of a row belongs to none. */
  readonly suggestWithinMs: number | null;
}

export interface KeyMapping {
  /** Holds the external id; unique in the table. */
  readonly column: string;
  readonly kind: 'text' | 'integer' | 'uuid';
  /** Name of the id that names one row (`booking`), as the sources give it. */
  readonly id: string;
  /** A uuid column that is filled from the external id, always with the same; null: none. */
  readonly generate: string | null;
}

export interface SourceMapping {
  readonly name: string;
  readonly kind: 'payments' | 'calendar' | 'mail';
  readonly encoding: Encoding;
  /** Of CSV; null: found out. */
  readonly delimiter: string | null;
  /** Of JSON: the name of the array. */
  readonly list: string | null;
  /** Records that count: each of these fields has one of these texts. */
  readonly where: Condition;
  /** Exact ids a record carries, by name. */
  readonly ids: ReadonlyMap<string, Extract>;
  /** What makes a record the same in two exports. */
  readonly record: Extract | null;
  /** For suggestions only. */
  readonly email: Extract | null;
  readonly at: MomentExtract | null;
  readonly refund: RefundMapping | null;
}

export type Condition = ReadonlyMap<string, readonly string[]>;

/** Where a text is taken from. */
export interface Extract {
  readonly field: string;
  /** What stands behind this label, up to the end of the line. */
  readonly after: string | null;
  /** The word that begins so: `BK-` takes `BK-1042`. */
  readonly word: string | null;
}

export interface MomentExtract extends Extract {
  readonly format: MomentFormat;
  readonly zone: string | null;
}

export interface MoneyExtract extends Extract {
  readonly unit: 'minor' | 'major';
  readonly decimal: '.' | ',' | 'either';
  /** Null: it stands in the text. */
  readonly currency: { readonly field: string } | { readonly is: string } | null;
}

export interface RefundMapping {
  readonly when: Condition | 'negative';
  /** In place of the source's, for records that are refunds. */
  readonly ids: ReadonlyMap<string, Extract>;
  readonly amount: MoneyExtract;
  /** The money column it takes from. */
  readonly against: string;
  /** The money column that holds what was given back; null: none. */
  readonly into: string | null;
  readonly full: RefundMeaning;
  readonly partial: RefundMeaning;
}

export type RefundMeaning =
  /** A person says what it means for the row. */
  | { readonly kind: 'ask' }
  /** The row is not put back. */
  | { readonly kind: 'leave-out' }
  | { readonly kind: 'set'; readonly values: ReadonlyMap<string, Value> };

export interface ColumnMapping extends Stored {
  readonly isRequired: boolean;
  /** Of money: one amount, or all payments added up. */
  readonly combine: 'same' | 'sum';
  /** When two sources of different weight disagree. */
  readonly whenDifferent: 'conflict' | 'heavier';
  /** Of money: all of the column is in this currency, or in that of another column. */
  readonly currency: { readonly is: string } | { readonly column: string } | null;
  readonly from: ReadonlyMap<string, ColumnExtract>;
  /** When no source says anything. */
  readonly constant: Value | null;
}

export interface ColumnExtract extends Extract {
  readonly money: Omit<MoneyExtract, keyof Extract> | null;
  readonly format: MomentFormat;
  readonly dayFormat: DayFormat;
  readonly zone: string | null;
}
