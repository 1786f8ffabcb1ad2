/**
 * Merged rows and what stands in the table into the proposal: every list in an order of its own, so that
 * the same files give the same proposal, and the same digest, whatever order they were read in.
 */

import type { Candidate } from './candidates.ts';
import type { StoredRow } from './existing.ts';
import { WEIGHTS } from './link.ts';
import type { ColumnMapping, Mapping } from './mapping/mapping.ts';
import type { MergedReason, MergedRow } from './merge.ts';
import {
  type Cell,
  type ExistingCell,
  type Option,
  PROPOSAL_FORMAT,
  type Proposal,
  type ProposedColumn,
  type ProposedRow,
  type Reason,
  type SourceSummary,
  stateOf,
} from './proposal.ts';
import { uuidOf } from './row-ids.ts';
import type { Provenance } from './source-record.ts';
import { readStored, sameAs } from './values/value.ts';

export interface Assembled {
  readonly target: string;
  readonly mapping: Mapping;
  readonly rows: readonly MergedRow[];
  readonly existing: ReadonlyMap<string, StoredRow>;
  readonly unread: readonly { readonly by: Provenance; readonly why: string }[];
  readonly loose: readonly { readonly by: Provenance; readonly why: string }[];
  readonly sources: readonly SourceSummary[];
}

export function assemble(parts: Assembled): Proposal {
  const { mapping } = parts;
  const places = new Places([
    ...parts.rows.flatMap(({ cells }) =>
      cells.flatMap(({ options }) => options.flatMap(({ by }) => by)),
    ),
    ...parts.rows.flatMap(({ reasons }) => reasons.flatMap(({ by }) => by)),
    ...parts.unread.map(({ by }) => by),
    ...parts.loose.map(({ by }) => by),
  ]);
  const numbered = ({ by, why }: { by: Provenance; why: string }) => ({
    record: places.of(by),
    why,
  });
  return {
    format: PROPOSAL_FORMAT,
    target: parts.target,
    schema: mapping.schema,
    table: mapping.table,
    mappingSha256: mapping.sha256,
    sources: parts.sources.toSorted(byText),
    columns: columnsOf(mapping),
    records: places.all,
    rows: parts.rows
      .toSorted((a, b) => (a.key < b.key ? -1 : 1))
      .map((row) => rowOf(row, parts.existing.get(row.key) ?? null, mapping, places)),
    unreadable: parts.unread.map(numbered).toSorted(byText),
    loose: parts.loose.map(numbered).toSorted(byText),
    reviews: [],
  };
}

class Places {
  readonly all: readonly Provenance[];
  readonly #numbers = new Map<string, number>();

  constructor(used: readonly Provenance[]) {
    const distinct = new Map(used.map((one) => [nameOf(one), one]));
    const names = [...distinct.keys()].sort();
    this.all = names.flatMap((name) => distinct.get(name) ?? []);
    for (const [at, name] of names.entries()) this.#numbers.set(name, at);
  }

  of(place: Provenance): number {
    const number = this.#numbers.get(nameOf(place));
    if (number === undefined) throw new Error('a record that was not counted');
    return number;
  }

  allOf(places: readonly Provenance[]): number[] {
    return [...new Set(places.map((place) => this.of(place)))].sort((a, b) => a - b);
  }
}

function nameOf({ file, kind, offset, record, sha256, snippet, source }: Provenance): string {
  const number = (value: number): string => String(value).padStart(16, '0');
  return JSON.stringify([kind, source, file, sha256, number(offset), number(record), snippet]);
}

function columnsOf({ columns, key }: Mapping): readonly ProposedColumn[] {
  const plain = { stored: 'minor', isRequired: true, isCaseless: false, lines: 'one' } as const;
  return [
    { name: key.column, kind: key.kind, ...plain, role: 'key' },
    ...(key.generate === null
      ? []
      : [{ name: key.generate, kind: 'uuid', ...plain, role: 'generated' } as const]),
    ...columns.map(({ name, kind, stored, isRequired, isCaseless, lines }) => {
      return { name, kind, stored, isRequired, isCaseless, lines, role: 'plain' } as const;
    }),
  ];
}

function rowOf(
  row: MergedRow,
  stored: StoredRow | null,
  mapping: Mapping,
  places: Places,
): ProposedRow {
  const cells = row.cells.map(
    ({ column, state, value, options }): Cell => ({
      column,
      state,
      value,
      options: options.map((one) => optionOf(one, places)).toSorted(byWeight),
    }),
  );
  const made: Omit<ProposedRow, 'state'> = {
    key: row.key,
    generated: mapping.key.generate === null ? null : uuidOf(mapping, row.key),
    cells,
    reasons: row.reasons.map((one) => reasonOf(one, places)).toSorted(byText),
    leftOut: row.leftOut,
    existing: stored === null ? null : existingOf(stored, cells, mapping.columns),
  };
  return { ...made, state: stateOf(made) };
}

function optionOf({ by, isSuggested, kind, unread, value }: Candidate, places: Places): Option {
  return { value, unread, kind, isSuggested, by: places.allOf(by) };
}

function reasonOf({ blocks, by, code, says }: MergedReason, places: Places): Reason {
  return { code, says, blocks, by: places.allOf(by), accepted: null };
}

function existingOf(
  stored: StoredRow,
  cells: readonly Cell[],
  columns: readonly ColumnMapping[],
): readonly ExistingCell[] {
  return columns.map((column) => {
    const text = stored.get(column.name) ?? null;
    const reading = text === null ? null : readStored(text, column, currencyOf(column, stored));
    const value = reading?.kind === 'value' ? reading.value : null;
    const wanted = cells.find((cell) => cell.column === column.name)?.value ?? null;
    const isSame =
      wanted === null || (value !== null && sameAs(value, column) === sameAs(wanted, column));
    return { column: column.name, value, differs: !isSame };
  });
}

function currencyOf({ currency }: ColumnMapping, stored: StoredRow): string | null {
  if (currency === null) return null;
  return 'is' in currency
    ? currency.is
    : (stored.get(currency.column)?.trim().toUpperCase() ?? null);
}

function byWeight(one: Option, other: Option): number {
  return (
    Number(one.isSuggested) - Number(other.isSuggested) ||
    WEIGHTS[other.kind] - WEIGHTS[one.kind] ||
    byText(one, other)
  );
}

function byText(one: unknown, other: unknown): number {
  const [a, b] = [JSON.stringify(one), JSON.stringify(other)];
  return a === b ? 0 : a < b ? -1 : 1;
}
