/**
 * What people sign: the proposal's digest, and in numbers and names what would be done. No SQL is in it;
 * whoever promotes makes the rows of the proposal whose digest this is, and of no other.
 */
import { atOnce, type Steps } from '../../model/steps.ts';
import {
  countsOf,
  digestOfProposal,
  type Proposal,
  type ProposedRow,
  type Review,
  stateOf,
} from './proposal.ts';
import { overriddenBy } from './review.ts';
import type { Value } from './values/reading.ts';
import { plainOf } from './values/value.ts';

/** Looked at between two steps. */
const STEP_ROWS = 500;

export interface RebuildPlan {
  readonly format: 'holdfast/rebuild-plan/1';
  /** Of the proposal, choices included. */
  readonly digest: string;
  readonly target: string;
  readonly table: string;
  readonly rows: number;
  readonly counts: ReturnType<typeof countsOf>;
  /** Sums of the rows that would be put back, by column and currency, in the smallest unit. */
  readonly money: readonly MoneySum[];
  /** Columns that some of these rows leave to the table's default. */
  readonly defaulted: readonly string[];
  /** Choices by person. */
  readonly reviewers: readonly {
    readonly name: string;
    readonly id: string;
    readonly choices: number;
  }[];
  readonly sources: readonly { readonly file: string; readonly sha256: string }[];
  /** Where a person took otherwise than a payment says, or money that none backs; of the rows that are put back. */
  readonly overrides: readonly Override[];
}

export interface Override {
  readonly row: string;
  /** Column or reason, and what was taken. */
  readonly took: string;
  readonly against: string;
  readonly why: string;
  readonly name: string;
}

export interface MoneySum {
  readonly column: string;
  readonly currency: string;
  readonly minor: string;
  readonly rows: number;
}

export function planOf(proposal: Proposal): RebuildPlan {
  return atOnce(planSteps(proposal, digestOfProposal(proposal)));
}

/** `digest`: of the very proposal. */
export function* planSteps(proposal: Proposal, digest: string): Steps<RebuildPlan> {
  const rows: ProposedRow[] = [];
  const sums: Sums = new Map();
  const empty = new Set<string>();
  for (const [at, row] of proposal.rows.entries()) {
    if (at % STEP_ROWS === STEP_ROWS - 1) yield;
    if (stateOf(row) !== 'READY') continue;
    rows.push(row);
    for (const { column, state, value } of row.cells) {
      addTo(sums, column, value);
      if (state === 'empty') empty.add(column);
    }
  }
  yield;
  const people = new Map<string, { name: string; id: string; choices: number }>();
  for (const { by, name } of proposal.reviews) {
    people.set(by, { name, id: by, choices: (people.get(by)?.choices ?? 0) + 1 });
  }
  return {
    format: 'holdfast/rebuild-plan/1',
    digest,
    target: proposal.target,
    table: `${proposal.schema}.${proposal.table}`,
    rows: rows.length,
    counts: countsOf(proposal),
    money: sumsOf(sums),
    defaulted: [...empty].sort(),
    reviewers: [...people.values()],
    sources: proposal.sources.map(({ file, sha256 }) => ({ file, sha256 })),
    overrides: overridesOf(proposal, rows),
  };
}

/** The last word on each cell and reason counts; those of before do not stand any more. */
function overridesOf(
  { columns, reviews }: Proposal,
  rows: readonly ProposedRow[],
): readonly Override[] {
  const last = new Map<string, Review>();
  for (const one of reviews) {
    const { choice } = one;
    const about = 'column' in choice ? choice.column : 'reason' in choice ? choice.reason : null;
    if (about !== null) last.set(JSON.stringify([one.row, choice.kind === 'accept', about]), one);
  }
  const byKey = new Map(rows.map((row) => [row.key, row]));
  return [...last.values()].flatMap(({ choice, name, row: key }) => {
    const row = byKey.get(key);
    const why = 'why' in choice ? choice.why : undefined;
    if (row === undefined || why === undefined) return [];
    if (choice.kind === 'accept') {
      const says = row.reasons.filter(({ code }) => code === choice.reason).map((one) => one.says);
      return [{ row: key, took: choice.reason, against: says.join('; '), why, name }];
    }
    const cell = row.cells.find(({ column }) => 'column' in choice && column === choice.column);
    const column = columns.find((one) => one.name === cell?.column);
    if (cell === undefined || column === undefined) return [];
    const against = overriddenBy(cell, column, cell.value);
    const took = `${cell.column}: ${cell.value === null ? 'nothing' : plainOf(cell.value)}`;
    return against === null ? [] : [{ row: key, took, against, why, name }];
  });
}

/** Those that would be put back. Their state is made anew here, not taken from the data. */
export function readyRows({ rows }: Proposal): readonly ProposedRow[] {
  return rows.filter((row) => stateOf(row) === 'READY');
}

export function defaultedIn(rows: readonly ProposedRow[]): readonly string[] {
  const empty = rows.flatMap(({ cells }) => cells.filter(({ state }) => state === 'empty'));
  return [...new Set(empty.map(({ column }) => column))].sort();
}

export function moneyOf(rows: readonly ProposedRow[]): readonly MoneySum[] {
  const sums: Sums = new Map();
  for (const { cells } of rows) {
    for (const { column, value } of cells) addTo(sums, column, value);
  }
  return sumsOf(sums);
}

type Sums = Map<string, { column: string; currency: string; minor: bigint; rows: number }>;

function sumsOf(sums: Sums): readonly MoneySum[] {
  return [...sums.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, sum]) => ({ ...sum, minor: String(sum.minor) }));
}

function addTo(sums: Sums, column: string, value: Value | null): void {
  if (value?.kind !== 'money') return;
  const { currency, minor } = value;
  const name = `${column}\0${currency}`;
  const sum = sums.get(name) ?? { column, currency, minor: 0n, rows: 0 };
  sums.set(name, { ...sum, minor: sum.minor + BigInt(minor), rows: sum.rows + 1 });
}
