/**
 * From what the records of one row say to its cells. Order of what is believed: captured row, payment,
 * calendar, mail. Disagreement is a CONFLICT unless the mapping lets the heavier win, with two exceptions:
 * the database's own row outweighs what others say of it, and money always has to agree.
 *
 * Money is never invented: it comes of a captured row or of a payment. What only a mail says of it is
 * shown, and is not enough.
 */
import { type Candidate, candidatesOf, paymentsOf } from './candidates.ts';
import type { Interpreted } from './interpret.ts';
import { type Entity, WEIGHTS } from './link.ts';
import type { ColumnMapping, Mapping } from './mapping/mapping.ts';
import type { CellState, ReasonCode } from './proposal.ts';
import { type RefundFinding, refundsOf } from './refunds.ts';
import type { Provenance } from './source-record.ts';
import type { Value } from './values/reading.ts';
import { sameAs } from './values/value.ts';

export interface MergedCell {
  readonly column: string;
  readonly state: CellState;
  readonly value: Value | null;
  readonly options: readonly Candidate[];
}

export interface MergedReason {
  readonly code: ReasonCode;
  readonly says: string;
  readonly blocks: 'conflict' | 'incomplete';
  readonly by: readonly Provenance[];
}

export interface MergedRow {
  readonly key: string;
  readonly cells: readonly MergedCell[];
  readonly reasons: readonly MergedReason[];
  readonly leftOut: string | null;
}

export function merge(entity: Entity, mapping: Mapping): MergedRow {
  const says = entity.firm.filter(({ role }) => role === 'says');
  const suggested = entity.suggested.filter(({ role }) => role === 'says');
  const said = new Map(
    mapping.columns.map((column) => [column.name, candidatesOf(column, says, suggested)]),
  );
  const refund = refundsOf(entity.firm, mapping, (column) => paidOf(said.get(column) ?? []));
  const cells = mapping.columns.map((column) =>
    cellOf(column, said.get(column.name) ?? [], ofRefund(column, refund)),
  );
  const isLeftOut = refund.kind === 'clear' && refund.mapping[refund.extent].kind === 'leave-out';
  return {
    key: entity.key,
    cells,
    reasons: [
      ...linkReasons(entity),
      ...refundReasons(refund),
      ...paymentReasons(says, suggested, mapping),
      ...currencyReasons(cells, mapping),
    ],
    leftOut: isLeftOut ? refund.says : null,
  };
}

/** What payments say; an amount that cannot be read is null. */
function paidOf(candidates: readonly Candidate[]): readonly (Value | null)[] {
  return candidates
    .filter(({ isSuggested, by }) => !isSuggested && by.some(({ kind }) => kind === 'payments'))
    .map(({ value }) => value);
}

/** What a refund makes of the column; null: nothing. */
function ofRefund(column: ColumnMapping, refund: RefundFinding): Candidate | null {
  if (refund.kind !== 'clear') return null;
  const meaning = refund.mapping[refund.extent];
  const set = meaning.kind === 'set' ? meaning.values.get(column.name) : undefined;
  const value = refund.mapping.into === column.name ? refund.total : set;
  if (value === undefined) return null;
  return { value, unread: null, kind: 'payments', isSuggested: false, by: refund.by };
}

function cellOf(
  column: ColumnMapping,
  said: readonly Candidate[],
  refund: Candidate | null,
): MergedCell {
  const options = refund === null ? said : [refund, ...said];
  const cell = (state: CellState, value: Value | null): MergedCell => ({
    column: column.name,
    state,
    value,
    options,
  });
  const firm = said.filter(({ isSuggested }) => !isSuggested);
  if (refund !== null) {
    // What was known before it was given back does not outweigh that it was, nor the other way round.
    const isSame = firm.every((one) => one.value !== null && same(column, one.value, refund.value));
    return isSame ? cell('agreed', refund.value) : cell('conflict', null);
  }
  if (firm.length === 0) {
    if (options.length > 0) return cell('suggested', null);
    if (column.constant !== null) return cell('constant', column.constant);
    return cell(column.isRequired ? 'missing' : 'empty', null);
  }
  const chosen = agreed(column, firm);
  if (chosen === null) return cell('conflict', null);
  if (chosen.value === null) return cell(column.isRequired ? 'missing' : 'agreed', null);
  const isBacked = column.kind !== 'money' || WEIGHTS[chosen.kind] >= WEIGHTS.payments;
  return isBacked ? cell('agreed', chosen.value) : cell('unbacked', null);
}

function same(column: ColumnMapping, value: Value, other: Value | null): boolean {
  return other !== null && sameAs(value, column) === sameAs(other, column);
}

/** The one that counts, or null: they disagree, or nobody can be read. */
function agreed(column: ColumnMapping, firm: readonly Candidate[]): Candidate | null {
  const [first, ...others] = firm;
  if (first === undefined) return null;
  if (others.length === 0) return first.unread === null ? first : null;
  const [captured] = firm.filter(({ kind }) => kind === 'captured');
  if (column.kind !== 'money' && captured?.unread === null) return captured;
  if (column.whenDifferent !== 'heavier') return null;
  const most = firm.reduce((weight, { kind }) => Math.max(weight, WEIGHTS[kind]), 0);
  const [heaviest, ...equals] = firm.filter(({ kind }) => WEIGHTS[kind] === most);
  return heaviest?.unread === null && equals.length === 0 ? heaviest : null;
}

function* linkReasons({ ambiguous, firm, suggested }: Entity): Iterable<MergedReason> {
  if (ambiguous.length > 0) {
    yield {
      code: 'ambiguous-link',
      says: `${ambiguous.length} record(s) that are of this row or of another`,
      blocks: 'conflict',
      by: placesOf(ambiguous),
    };
  }
  if (firm.every(({ by }) => by.kind === 'mail')) {
    yield {
      code: 'only-mail',
      says: 'nothing but mail speaks of it, and anybody can write a mail',
      blocks: 'incomplete',
      by: placesOf(firm),
    };
  }
  const refunds = suggested.filter(({ role }) => role === 'refund');
  if (refunds.length > 0) {
    yield {
      code: 'suggested-money',
      says: 'a refund that may be of this row',
      blocks: 'incomplete',
      by: placesOf(refunds),
    };
  }
}

function* refundReasons(refund: RefundFinding): Iterable<MergedReason> {
  if (refund.kind === 'none') return;
  if (refund.kind === 'unclear') {
    yield { code: 'refund-unclear', says: refund.why, blocks: 'conflict', by: refund.by };
  } else if (refund.mapping[refund.extent].kind === 'ask') {
    yield { code: 'refund', says: refund.says, blocks: 'conflict', by: refund.by };
  }
}

function* paymentReasons(
  says: readonly Interpreted[],
  suggested: readonly Interpreted[],
  mapping: Mapping,
): Iterable<MergedReason> {
  for (const column of mapping.columns.filter(({ kind }) => kind === 'money')) {
    const isSummed = column.combine === 'sum';
    const twice = isSummed ? [] : paymentsOf(column, says).filter((own) => own.length > 1);
    if (twice.length > 0) {
      yield {
        code: 'two-payments',
        says: `more than one payment, where ${column.name} is of one`,
        blocks: 'conflict',
        by: placesOf(twice.flat()),
      };
    }
    const further = isSummed ? paymentsOf(column, suggested).flat() : [];
    if (further.length > 0) {
      yield {
        code: 'suggested-money',
        says: `a further payment that may be of this row, for ${column.name}`,
        blocks: 'incomplete',
        by: placesOf(further),
      };
    }
  }
}

/** Amounts whose currency stands in a column of its own have to be in that currency. */
function* currencyReasons(cells: readonly MergedCell[], mapping: Mapping): Iterable<MergedReason> {
  const cellValue = (name: string): Value | null =>
    cells.find(({ column }) => column === name)?.value ?? null;
  for (const { currency, name } of mapping.columns) {
    if (currency === null || 'is' in currency) continue;
    const amount = cellValue(name);
    const told = cellValue(currency.column);
    if (amount?.kind !== 'money') continue;
    if (told?.kind === 'currency' && told.text === amount.currency) continue;
    yield {
      code: 'currency',
      says: `${name} is in ${amount.currency}, which ${currency.column} does not say`,
      blocks: 'conflict',
      by: [],
    };
  }
}

function placesOf(records: readonly Interpreted[]): readonly Provenance[] {
  return records.map(({ by }) => by);
}
