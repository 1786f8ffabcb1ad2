/**
 * What a person says to a proposal: which of the sources is right, a text of their own, or that the row
 * stays out. Returns another proposal, with another digest; the choice stays in it with who made it.
 *
 * It will not: take an amount that no source has (money is chosen, never typed), or turn a row that is
 * there already into one that is put back.
 */
import { HoldfastError } from '../../model/errors.ts';
import { storable } from '../../model/text.ts';
import {
  type Cell,
  type Choice,
  type Proposal,
  type ProposedColumn,
  type ProposedRow,
  stateOf,
} from './proposal.ts';
import { readMoment } from './values/moment.ts';
import type { Value } from './values/reading.ts';
import { readPlain } from './values/value.ts';

export interface Reviewed {
  /** Key of the row. */
  readonly row: string;
  readonly choice: Choice;
  readonly person: { readonly id: string; readonly name: string };
  readonly at: Date;
}

const REVIEWS_MAX = 100_000;

/** Throws HF_REBUILD_STATE, in a sentence, for a choice that there is not. */
export function review(proposal: Proposal, reviewed: Reviewed): Proposal {
  const { at, choice, person } = reviewed;
  const row = proposal.rows.find(({ key }) => key === reviewed.row);
  if (row === undefined)
    throw no('a row of the proposal', JSON.stringify(reviewed.row.slice(0, 100)));
  if (row.existing !== null) throw no('a row that is missing', 'one that is there already');
  if (proposal.reviews.length >= REVIEWS_MAX) throw no(`at most ${REVIEWS_MAX} choices`, 'more');
  const chosen = chosenIn(row, choice, proposal.columns, person.id);
  const next = { ...chosen, state: stateOf(chosen) };
  const entry = {
    row: row.key,
    choice,
    by: person.id,
    name: storable(person.name),
    at: at.toISOString(),
  };
  return {
    ...proposal,
    rows: proposal.rows.map((one) => (one === row ? next : one)),
    reviews: [...proposal.reviews, entry],
  };
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
      const reasons = row.reasons.map((one) =>
        one.code === choice.reason ? { ...one, accepted: person } : one,
      );
      return { ...row, reasons };
    }
    case 'option':
      return withCell(row, choice.column, (cell) => optionOf(cell, choice.option));
    case 'typed':
      return withCell(row, choice.column, (cell) => typed(columnOf(columns, cell), choice.text));
    case 'nothing':
      return withCell(row, choice.column, (cell) => {
        if (!columnOf(columns, cell).isRequired) return null;
        throw no(`a value for ${cell.column}, which has to have one`, 'nothing');
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
  if (column.kind === 'money') {
    throw no('an amount that a source has', 'one that was typed: money is never invented');
  }
  const reading =
    column.kind === 'moment'
      ? readMoment(text, { format: 'iso', zone: null })
      : readPlain(text, column);
  if (reading.kind === 'value') return reading.value;
  throw no(`a value that is ${column.kind}`, reading.why);
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
