/**
 * What a person says to a proposal: which of the sources is right, a text of their own, or that the row
 * stays out. Returns another proposal, with another digest; the choice stays in it with who made it.
 *
 * It will not: take an amount or a currency that no source has (money is chosen, never typed), or turn a row
 * that is there already into one that is put back. Money against what a payment says, or that no payment and no
 * captured row backs, wants a reason in the person's own words; it stays in the proposal, and on the card.
 */
import { HoldfastError } from '../../model/errors.ts';
import { atOnce, type Steps } from '../../model/steps.ts';
import { storable } from '../../model/text.ts';
import {
  type Cell,
  type Choice,
  MONEY_REASONS,
  type Proposal,
  type ProposedColumn,
  type ProposedRow,
  stateOf,
} from './proposal.ts';
import { readMoment } from './values/moment.ts';
import type { Value } from './values/reading.ts';
import { plainOf, readPlain, sameAs } from './values/value.ts';

export interface Reviewed {
  /** Key of the row. */
  readonly row: string;
  readonly choice: Choice;
  readonly person: { readonly id: string; readonly name: string };
  readonly at: Date;
}

const REVIEWS_MAX = 100_000;
/** Made between two steps. */
const STEP_CHOICES = 500;

/** Throws HF_REBUILD_STATE, in a sentence, for a choice that there is not. */
export function review(proposal: Proposal, reviewed: Reviewed): Proposal {
  return atOnce(reviewSteps(proposal, [reviewed]));
}

/** One after the other, as `review` each: those of a week are thousands. */
export function* reviewSteps(proposal: Proposal, given: readonly Reviewed[]): Steps<Proposal> {
  if (given.length === 0) return proposal;
  const rows = [...proposal.rows];
  const places = new Map(rows.map(({ key }, at) => [key, at]));
  const reviews = [...proposal.reviews];
  for (const [number, { at, choice, person, row: key }] of given.entries()) {
    if (number % STEP_CHOICES === STEP_CHOICES - 1) yield;
    const place = places.get(key) ?? -1;
    const row = rows[place];
    if (row === undefined) throw no('a row of the proposal', JSON.stringify(key.slice(0, 100)));
    if (row.existing !== null) throw no('a row that is missing', 'one that is there already');
    if (reviews.length >= REVIEWS_MAX) throw no(`at most ${REVIEWS_MAX} choices`, 'more');
    const chosen = chosenIn(row, choice, proposal.columns, person.id);
    rows[place] = { ...chosen, state: stateOf(chosen) };
    const name = storable(person.name);
    reviews.push({ row: row.key, choice, by: person.id, name, at: at.toISOString() });
  }
  return { ...proposal, rows, reviews };
}

function chosenIn(
  row: ProposedRow,
  choice: Choice,
  columns: readonly ProposedColumn[],
  person: string,
): ProposedRow {
  switch (choice.kind) {
    case 'leave-out':
      return { ...row, leftOut: `left out by ${person}` };
    case 'keep':
      return { ...row, leftOut: null };
    case 'accept': {
      if (!row.reasons.some(({ code }) => code === choice.reason)) {
        throw no(`a row with the reason ${choice.reason}`, 'one without');
      }
      if (MONEY_REASONS.includes(choice.reason))
        mustSayWhy(choice.reason, 'it is about money', choice.why);
      const reasons = row.reasons.map((one) =>
        one.code === choice.reason ? { ...one, accepted: person } : one,
      );
      return { ...row, reasons };
    }
    case 'option':
      return withCell(row, choice.column, (cell) => {
        const value = optionOf(cell, choice.option);
        mustSayWhy(cell.column, overriddenBy(cell, columnOf(columns, cell), value), choice.why);
        return value;
      });
    case 'typed':
      return withCell(row, choice.column, (cell) => typed(columnOf(columns, cell), choice.text));
    case 'nothing':
      return withCell(row, choice.column, (cell) => {
        const column = columnOf(columns, cell);
        if (column.isRequired) {
          throw no(`a value for ${cell.column}, which has to have one`, 'nothing');
        }
        mustSayWhy(cell.column, overriddenBy(cell, column, null), choice.why);
        return null;
      });
  }
}

function withCell(
  row: ProposedRow,
  column: string,
  choose: (cell: Cell) => Value | null,
): ProposedRow {
  const cell = row.cells.find((one) => one.column === column);
  if (cell === undefined)
    throw no('a column of the proposal', JSON.stringify(column.slice(0, 100)));
  const chosen: Cell = { ...cell, state: 'chosen', value: choose(cell) };
  return { ...row, cells: row.cells.map((one) => (one === cell ? chosen : one)) };
}

function optionOf({ options }: Cell, number: number): Value {
  const option = options[number];
  if (option === undefined) throw no(`an option from 0 to ${options.length - 1}`, String(number));
  if (option.value === null) throw no('an option with a value', option.unread ?? 'NULL');
  return option.value;
}

function typed(column: ProposedColumn, text: string): Value {
  if (isMoney(column)) {
    const what = column.kind === 'money' ? 'an amount' : 'a currency';
    throw no(`${what} that a source has`, 'one that was typed: money is never invented');
  }
  const reading =
    column.kind === 'moment'
      ? readMoment(text, { format: 'iso', zone: null })
      : readPlain(text, column);
  if (reading.kind === 'value') return reading.value;
  throw no(`a value that is ${column.kind}`, reading.why);
}

/** Eighty of another currency is another amount. */
function isMoney({ kind }: Pick<ProposedColumn, 'kind'>): boolean {
  return kind === 'money' || kind === 'currency';
}

/** `over`: what it goes against; null: nothing. */
function mustSayWhy(about: string, over: string | null, why: string | undefined): void {
  if (over === null || (why !== undefined && why.trim() !== '')) return;
  throw new HoldfastError('HF_REBUILD_STATE', {
    expected: `a reason, in words, for ${about}: money is never invented`,
    found: `none, although ${over}`,
    hint: 'Say why; everybody who signs sees it.',
  });
}

/** What the money of a choice is against, in words; null: it is no money, or a payment says the same. */
export function overriddenBy(
  cell: Cell,
  { isCaseless, kind }: ProposedColumn,
  value: Value | null,
): string | null {
  if (!isMoney({ kind })) return null;
  const same = (one: Value): boolean =>
    value !== null && sameAs(one, { isCaseless }) === sameAs(value, { isCaseless });
  const records = cell.options.filter((one) => !one.isSuggested && one.value !== null);
  const payments = records.filter((one) => one.kind === 'payments');
  if (payments.some((one) => one.value !== null && same(one.value))) return null;
  const [payment] = payments;
  if (payment?.value) return `a payment says ${plainOf(payment.value)}`;
  const isCaptured = records.some((one) => one.kind === 'captured' && one.value && same(one.value));
  return value === null || isCaptured ? null : 'no payment and no captured row says so';
}

function columnOf(columns: readonly ProposedColumn[], cell: Cell): ProposedColumn {
  const column = columns.find(({ name }) => name === cell.column);
  if (column === undefined) throw no('a column of the proposal', 'another');
  return column;
}

function no(expected: string, found: string): HoldfastError {
  return new HoldfastError('HF_REBUILD_STATE', {
    expected,
    found,
    hint: 'Read the proposal anew: somebody else may have chosen meanwhile.',
  });
}
