/**
 * What people sign: the proposal's digest, and in numbers and names what would be done. No SQL is in it;
 * whoever promotes makes the rows of the proposal whose digest this is, and of no other.
 */
import {
  countsOf,
  digestOfProposal,
  type Proposal,
  type ProposedRow,
  stateOf,
} from './proposal.ts';
import type { Value } from './values/reading.ts';

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
}

export interface MoneySum {
  readonly column: string;
  readonly currency: string;
  readonly minor: string;
  readonly rows: number;
}

export function planOf(proposal: Proposal): RebuildPlan {
  const rows = readyRows(proposal);
  const people = new Map<string, { name: string; id: string; choices: number }>();
  for (const { by, name } of proposal.reviews) {
    people.set(by, { name, id: by, choices: (people.get(by)?.choices ?? 0) + 1 });
  }
  return {
    format: 'holdfast/rebuild-plan/1',
    digest: digestOfProposal(proposal),
    target: proposal.target,
    table: `${proposal.schema}.${proposal.table}`,
    rows: rows.length,
    counts: countsOf(proposal),
    money: moneyOf(rows),
    defaulted: defaultedIn(rows),
    reviewers: [...people.values()],
    sources: proposal.sources.map(({ file, sha256 }) => ({ file, sha256 })),
  };
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
  const sums = new Map<string, { column: string; currency: string; minor: bigint; rows: number }>();
  for (const { cells } of rows) {
    for (const { column, value } of cells) addTo(sums, column, value);
  }
  return [...sums.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, sum]) => ({ ...sum, minor: String(sum.minor) }));
}

function addTo(
  sums: Map<string, { column: string; currency: string; minor: bigint; rows: number }>,
  column: string,
  value: Value | null,
): void {
  if (value?.kind !== 'money') return;
  const { currency, minor } = value;
  const name = `${column}\0${currency}`;
  const sum = sums.get(name) ?? { column, currency, minor: 0n, rows: 0 };
  sums.set(name, { ...sum, minor: sum.minor + BigInt(minor), rows: sum.rows + 1 });
}
