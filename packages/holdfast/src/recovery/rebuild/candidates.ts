/**
 * What the records of one row say of one column: one candidate for each thing that is said, with all who
 * say it. Payments that are added up are one candidate a source, each payment counted once.
 */
import type { Interpreted } from './interpret.ts';
import { WEIGHTS } from './link.ts';
import type { ColumnMapping } from './mapping/mapping.ts';
import type { Provenance, SourceKind } from './source-record.ts';
import { found, type Reading, unread, type Value } from './values/reading.ts';
import { sameAs } from './values/value.ts';

export interface Candidate {
  /** Null with `unread` null: the database had NULL. */
  readonly value: Value | null;
  readonly unread: string | null;
  readonly kind: SourceKind;
  readonly isSuggested: boolean;
  readonly by: readonly Provenance[];
}

interface Said {
  readonly reading: Reading | null;
  readonly kind: SourceKind;
  readonly by: readonly Provenance[];
}

export function candidatesOf(
  column: ColumnMapping,
  firm: readonly Interpreted[],
  suggested: readonly Interpreted[],
): readonly Candidate[] {
  return [
    ...grouped(column, saidOf(column, firm), false),
    ...grouped(column, saidOf(column, suggested), true),
  ];
}

/** Payments of one source that speak of the column, each once. */
export function paymentsOf(
  column: ColumnMapping,
  records: readonly Interpreted[],
): Interpreted[][] {
  const bySource = new Map<string, Map<string, Interpreted[]>>();
  for (const record of records) {
    if (record.by.kind !== 'payments' || !record.cells.has(column.name)) continue;
    const payments = bySource.get(record.by.source) ?? new Map<string, Interpreted[]>();
    bySource.set(record.by.source, payments);
    addTo(payments, record.identity, record);
  }
  return [...bySource.values()].map((payments) =>
    [...payments.values()].flatMap((one) => one.slice(0, 1)),
  );
}

function saidOf(column: ColumnMapping, records: readonly Interpreted[]): readonly Said[] {
  const isSummed = (record: Interpreted): boolean =>
    column.combine === 'sum' && record.by.kind === 'payments';
  const each = records
    .filter((record) => !isSummed(record))
    .flatMap((record) => eachSaid(column, record));
  if (column.combine === 'same') return each;
  const sources = [...new Set(records.filter(isSummed).map(({ by }) => by.source))];
  return [...each, ...sources.flatMap((source) => summed(column, records, source))];
}

function eachSaid(column: ColumnMapping, { by, cells, nulls }: Interpreted): readonly Said[] {
  const reading = cells.get(column.name);
  if (reading !== undefined) return [{ reading, kind: by.kind, by: [by] }];
  return nulls.has(column.name) ? [{ reading: null, kind: by.kind, by: [by] }] : [];
}

function summed(
  column: ColumnMapping,
  records: readonly Interpreted[],
  source: string,
): readonly Said[] {
  const own = records.filter(({ by, cells }) => by.source === source && cells.has(column.name));
  if (own.length === 0) return [];
  const by = own.map((one) => one.by);
  return [{ reading: sumOf(column, own), kind: 'payments', by }];
}

function sumOf(column: ColumnMapping, records: readonly Interpreted[]): Reading {
  const amounts = new Map<string, Value & { kind: 'money' }>();
  // In an order of their own, so that the first that is wrong is the same one always.
  const ordered = records.toSorted((a, b) => (orderOf(column, a) < orderOf(column, b) ? -1 : 1));
  for (const { cells, identity } of ordered) {
    const reading = cells.get(column.name);
    if (reading?.kind !== 'value') return reading ?? unread('no amount');
    if (reading.value.kind !== 'money') return unread('no amount');
    if (!identity.startsWith('id:')) {
      return unread('a payment without its id: it may be another, or the same');
    }
    const known = amounts.get(identity);
    if (known !== undefined && sameAs(known, column) !== sameAs(reading.value, column)) {
      return unread('one payment with two amounts');
    }
    amounts.set(identity, reading.value);
  }
  const [first, ...more] = amounts.values();
  if (first === undefined) return unread('no amount');
  if (more.some(({ currency }) => currency !== first.currency)) {
    return unread('payments in two currencies');
  }
  const minor = [first, ...more].reduce((sum, one) => sum + BigInt(one.minor), 0n);
  return found({ kind: 'money', minor: String(minor), currency: first.currency });
}

function orderOf(column: ColumnMapping, { cells, identity }: Interpreted): string {
  return `${identity} ${exact(cells.get(column.name) ?? null)}`;
}

/** What is said alike is one candidate, as heavy as the heaviest who says it, in that one's letters. */
function grouped(
  column: ColumnMapping,
  all: readonly Said[],
  isSuggested: boolean,
): readonly Candidate[] {
  const groups = new Map<string, Said[]>();
  for (const said of all) {
    addTo(groups, nameOf(column, said.reading), said);
  }
  return [...groups.values()].map((group) => {
    const [heaviest] = group.toSorted(
      (a, b) => WEIGHTS[b.kind] - WEIGHTS[a.kind] || (exact(a.reading) < exact(b.reading) ? -1 : 1),
    );
    const reading = heaviest?.reading ?? null;
    return {
      value: reading?.kind === 'value' ? reading.value : null,
      unread: reading?.kind === 'unread' ? reading.why : null,
      kind: heaviest?.kind ?? 'mail',
      isSuggested,
      by: group.flatMap(({ by }) => by),
    };
  });
}

function nameOf(column: ColumnMapping, reading: Reading | null): string {
  if (reading === null) return 'null';
  return reading.kind === 'value'
    ? `value ${sameAs(reading.value, column)}`
    : `unread ${reading.why}`;
}

function exact(reading: Reading | null): string {
  return JSON.stringify(reading);
}

/** In place: a hundred thousand mails may say one thing. */
function addTo<T>(lists: Map<string, T[]>, name: string, one: T): void {
  const list = lists.get(name);
  if (list === undefined) lists.set(name, [one]);
  else list.push(one);
}
