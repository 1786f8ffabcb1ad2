/**
 * The proposal: what the gap is believed to have held, as plain data that a page can show, a person can
 * choose in, and a quorum can sign. Each cell has its options with the records that say so. Nothing here
 * runs, and nothing here is SQL.
 *
 * The digest covers all of it, choices included: `SHA-256("holdfast/rebuild/1\n" + canonical JSON)`.
 */
import { createHash } from 'node:crypto';
import { canonicalJson } from '../../model/canonical.ts';
import { atOnce, type Steps } from '../../model/steps.ts';
import type { Provenance, SourceKind } from './source-record.ts';
import type { Value, ValueKind } from './values/reading.ts';

export const PROPOSAL_FORMAT = 'holdfast/rebuild/1';
/** Of canonical JSON, between two steps: two milliseconds or so. */
const STEP_CHARS = 64 * 1024;

export const ROW_STATES = ['READY', 'CONFLICT', 'INCOMPLETE', 'EXISTS', 'LEFT_OUT'] as const;
/** A record that could not be read is no row: those are `Proposal.unreadable` (UNREADABLE). */
export type RowState = (typeof ROW_STATES)[number];

export interface Proposal {
  readonly format: typeof PROPOSAL_FORMAT;
  /** Where it goes: the target whose restored copy this is about. */
  readonly target: string;
  readonly schema: string;
  readonly table: string;
  readonly mappingSha256: string;
  readonly sources: readonly SourceSummary[];
  readonly columns: readonly ProposedColumn[];
  /** Everything that is referred to by number below, in one order whatever order it was read in. */
  readonly records: readonly Provenance[];
  /** By key. */
  readonly rows: readonly ProposedRow[];
  /** UNREADABLE: found, and not read. */
  readonly unreadable: readonly Unreadable[];
  /** Read, and of no row: numbers of `records`, each with the reason. */
  readonly loose: readonly Loose[];
  /** Who chose what, in the order it was said. */
  readonly reviews: readonly Review[];
}

export interface SourceSummary {
  readonly source: string;
  readonly kind: SourceKind;
  readonly file: string;
  readonly sha256: string;
  readonly bytes: number;
  readonly records: number;
  readonly unread: number;
  /** Left out by `where`. */
  readonly ignored: number;
}

export interface ProposedColumn {
  readonly name: string;
  readonly kind: ValueKind;
  readonly stored: 'minor' | 'major';
  readonly isRequired: boolean;
  readonly isCaseless: boolean;
  readonly lines: 'one' | 'many';
  readonly role: 'key' | 'generated' | 'plain';
}

export interface ProposedRow {
  /** The external id. */
  readonly key: string;
  /** Value of the column that is made of the key; null: there is none. */
  readonly generated: string | null;
  readonly state: RowState;
  readonly cells: readonly Cell[];
  readonly reasons: readonly Reason[];
  /** By the mapping (a refund), or by a person. */
  readonly leftOut: string | null;
  /** What stands in the restored table under this key; null: nothing. */
  readonly existing: readonly ExistingCell[] | null;
}

export const CELL_STATES = [
  /** All that say something say this, or what they say is outweighed. */
  'agreed',
  'constant',
  /** Nobody says anything, and nobody has to. */
  'empty',
  /** Nobody says anything, and somebody has to. */
  'missing',
  'conflict',
  /** Money that only a mail or a calendar speaks of. */
  'unbacked',
  /** Only a record that may not belong here says it. */
  'suggested',
  /** By a person. */
  'chosen',
] as const;
export type CellState = (typeof CELL_STATES)[number];

export interface Cell {
  readonly column: string;
  readonly state: CellState;
  /** What would be written; null: NULL, or the column's default where the state is `empty`. */
  readonly value: Value | null;
  readonly options: readonly Option[];
}

export interface Option {
  /** Null: the database had NULL here, or it is `unread`. */
  readonly value: Value | null;
  /** Why it could not be read; null: it could. */
  readonly unread: string | null;
  /** The heaviest of those that say so. */
  readonly kind: SourceKind;
  /** Linked by e-mail and time only. */
  readonly isSuggested: boolean;
  /** Numbers of `Proposal.records`. */
  readonly by: readonly number[];
}

export interface Reason {
  readonly code: ReasonCode;
  readonly says: string;
  readonly blocks: 'conflict' | 'incomplete';
  readonly by: readonly number[];
  /** By whom it was looked at and taken; null: it still stands. */
  readonly accepted: string | null;
}

export const REASON_CODES = [
  'ambiguous-link',
  'captured-delete',
  'currency',
  'named-by-unread',
  'only-mail',
  'refund',
  'refund-unclear',
  'suggested-money',
  'two-payments',
] as const;
export type ReasonCode = (typeof REASON_CODES)[number];

/** Those about money that was paid or given back, and in what: taken as looked at with a reason only. */
export const MONEY_REASONS: readonly ReasonCode[] = [
  'currency',
  'refund',
  'refund-unclear',
  'suggested-money',
  'two-payments',
];

export interface ExistingCell {
  readonly column: string;
  /** Null: NULL, or not readable as the mapping has it. */
  readonly value: Value | null;
  /** From what this proposal would have written. */
  readonly differs: boolean;
}

export interface Unreadable {
  readonly record: number;
  readonly why: string;
}

export interface Loose {
  readonly record: number;
  readonly why: string;
}

export interface Review {
  readonly row: string;
  readonly choice: Choice;
  /** Id of the person, and what they are called. */
  readonly by: string;
  readonly name: string;
  /** RFC 3339. */
  readonly at: string;
}

/** `why`: wanted where it is against what a payment says, or money that no payment backs. */
export type Choice =
  /** `option`: number of the cell's option. */
  | {
      readonly kind: 'option';
      readonly column: string;
      readonly option: number;
      readonly why?: string | undefined;
    }
  /** Typed by the person; never an amount or a currency. */
  | { readonly kind: 'typed'; readonly column: string; readonly text: string }
  | { readonly kind: 'nothing'; readonly column: string; readonly why?: string | undefined }
  /** A reason of the row was looked at, and does not hold. */
  | { readonly kind: 'accept'; readonly reason: ReasonCode; readonly why?: string | undefined }
  | { readonly kind: 'leave-out' }
  /** Not left out after all. */
  | { readonly kind: 'keep' };

/** Lower-case hex. */
export function digestOfProposal(proposal: Proposal): string {
  return atOnce(digestSteps(proposal));
}

/** As `digestOfProposal`: a proposal may be a hundred megabytes. */
export function* digestSteps(proposal: Proposal): Steps<string> {
  const hash = createHash('sha256').update(`${PROPOSAL_FORMAT}\n`);
  let text = '';
  for (const piece of canonicalPieces(proposal)) {
    text += piece;
    if (text.length < STEP_CHARS) continue;
    hash.update(text);
    text = '';
    yield;
  }
  return hash.update(text).digest('hex');
}

/** `canonicalJson`, an element of a list after the other. */
function* canonicalPieces(proposal: Proposal): Generator<string, void, void> {
  const members = Object.entries(proposal).sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [at, [name, value]] of members.entries()) {
    yield `${at === 0 ? '{' : ','}${canonicalJson(name)}:`;
    if (!Array.isArray(value)) {
      yield canonicalJson(value, 1);
      continue;
    }
    yield '[';
    for (const [place, item] of value.entries()) {
      yield `${place === 0 ? '' : ','}${canonicalJson(item, 2)}`;
    }
    yield ']';
  }
  yield '}';
}

export function countsOf({ rows, unreadable }: Proposal): Record<RowState | 'UNREADABLE', number> {
  const count = (state: RowState): number => rows.filter((row) => row.state === state).length;
  return {
    READY: count('READY'),
    CONFLICT: count('CONFLICT'),
    INCOMPLETE: count('INCOMPLETE'),
    EXISTS: count('EXISTS'),
    LEFT_OUT: count('LEFT_OUT'),
    UNREADABLE: unreadable.length,
  };
}

/** The one rule of what a row is. Made anew wherever it counts: a state that was handed in is believed by nobody. */
export function stateOf(row: Omit<ProposedRow, 'state'>): RowState {
  if (row.existing !== null) return 'EXISTS';
  if (row.leftOut !== null) return 'LEFT_OUT';
  const open = row.reasons.filter(({ accepted }) => accepted === null);
  const has = (...states: readonly CellState[]): boolean =>
    row.cells.some(({ state }) => states.includes(state));
  if (has('conflict') || open.some(({ blocks }) => blocks === 'conflict')) return 'CONFLICT';
  if (has('missing', 'unbacked', 'suggested') || open.length > 0) return 'INCOMPLETE';
  return 'READY';
}
