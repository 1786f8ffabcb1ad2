/**
 * What a record says in the words of the mapping: which ids it carries, whether it is a payment or a
 * refund, and a reading of each column it speaks of. What it says nothing about is left out; what it says
 * and cannot be read stays, as `unread`: a source that contradicts illegibly is still a contradiction.
 */
import { createHash } from 'node:crypto';
import { type Taken, takeText } from './extract.ts';
import type {
  ColumnExtract,
  ColumnMapping,
  Condition,
  Extract,
  Mapping,
  MoneyExtract,
  SourceMapping,
} from './mapping/mapping.ts';
import type { Provenance, SourceRecord } from './source-record.ts';
import { readDay, readMoment } from './values/moment.ts';
import { readMoney } from './values/money.ts';
import { found, type Reading, unread } from './values/reading.ts';
import { readPlain } from './values/value.ts';

export interface Interpreted {
  readonly by: Provenance;
  readonly role: 'says' | 'refund';
  /** Exact ids, by name; those that could not be read are `unreadIds`. */
  readonly ids: ReadonlyMap<string, string>;
  readonly unreadIds: readonly string[];
  /** What stands where those ids should be. */
  readonly unreadText: string;
  /** The record itself: its id, or what it holds where it has none. Same twice, counted once. */
  readonly identity: string;
  /** In lower case. */
  readonly email: string | null;
  /** Milliseconds since 1970. */
  readonly atMs: number | null;
  readonly cells: ReadonlyMap<string, Reading>;
  /** Columns in which the database had NULL: only a captured row can know. */
  readonly nulls: ReadonlySet<string>;
  /** Of a refund: how much, never negative. */
  readonly refunded: Reading | null;
}

const NONE: ReadonlySet<string> = new Set();
/** Ids are no texts to be clever about: this long, on one line, of characters that show. */
const ID_CHARS_MAX = 200;
const ID = /^[^\p{C}\p{Z}](?:[^\p{C}\p{Zl}\p{Zp}]*[^\p{C}\p{Z}])?$/u;

/** Null: the mapping says that records like this do not count. */
export function interpret(record: SourceRecord, mapping: Mapping): Interpreted | null {
  const source = mapping.sources.get(record.by.source);
  if (source === undefined || !meets(record, source.where)) return null;
  const amount = source.refund === null ? null : moneyOf(record, source.refund.amount, null);
  const isRefund = source.refund !== null && isRefunding(record, source, amount);
  const { ids, unreadIds, unreadText } = idsOf(record, isRefund ? refundIds(source) : source.ids);
  return {
    by: record.by,
    role: isRefund ? 'refund' : 'says',
    ids,
    unreadIds,
    unreadText,
    identity: identityOf(record, source.record),
    email: emailOf(record, source),
    atMs: atMsOf(record, source),
    cells: isRefund ? new Map() : cellsOf(record, source, mapping.columns),
    nulls: NONE,
    refunded: isRefund ? absolute(amount ?? unread('a refund without its amount')) : null,
  };
}

function meets(record: SourceRecord, condition: Condition): boolean {
  return [...condition].every(([field, texts]) => texts.includes(record.fields.get(field) ?? ''));
}

function isRefunding(record: SourceRecord, source: SourceMapping, amount: Reading | null): boolean {
  const when = source.refund?.when;
  if (when === undefined) return false;
  if (when !== 'negative') return meets(record, when);
  return amount?.kind === 'value' && isNegative(amount);
}

function refundIds(source: SourceMapping): ReadonlyMap<string, Extract> {
  return new Map([...source.ids, ...(source.refund?.ids ?? [])]);
}

function idsOf(record: SourceRecord, extracts: ReadonlyMap<string, Extract>) {
  const ids = new Map<string, string>();
  const unreadIds: string[] = [];
  const unreadTexts: string[] = [];
  for (const [name, extract] of extracts) {
    const taken = takeText(record, extract);
    if (taken.kind === 'absent') continue;
    const id = taken.kind === 'text' ? idOf(taken.text) : null;
    if (id !== null) {
      ids.set(name, id);
      continue;
    }
    unreadIds.push(name);
    unreadTexts.push(record.fields.get(extract.field) ?? '');
  }
  return { ids, unreadIds, unreadText: unreadTexts.join('\n') };
}

function idOf(text: string): string | null {
  const id = text.trim();
  return id.length <= ID_CHARS_MAX && ID.test(id) ? id : null;
}

function identityOf(record: SourceRecord, extract: Extract | null): string {
  const taken: Taken = extract === null ? { kind: 'absent' } : takeText(record, extract);
  const id = taken.kind === 'text' ? idOf(taken.text) : null;
  if (id !== null) return `id:${id}`;
  const fields = [...record.fields].sort(([a], [b]) => (a < b ? -1 : 1));
  const content = JSON.stringify([fields, [...record.troubled].sort()]);
  return `content:${createHash('sha256').update(content).digest('hex')}`;
}

function emailOf(record: SourceRecord, source: SourceMapping): string | null {
  const taken: Taken = source.email === null ? { kind: 'absent' } : takeText(record, source.email);
  return taken.kind === 'text' ? taken.text.trim().toLowerCase() : null;
}

function atMsOf(record: SourceRecord, { at }: SourceMapping): number | null {
  if (at === null) return null;
  const taken = takeText(record, at);
  if (taken.kind !== 'text') return null;
  const reading = readMoment(taken.text, at);
  return reading.kind === 'value' && reading.value.kind === 'moment'
    ? Date.parse(reading.value.at)
    : null;
}

function cellsOf(
  record: SourceRecord,
  source: SourceMapping,
  columns: readonly ColumnMapping[],
): ReadonlyMap<string, Reading> {
  const cells = new Map<string, Reading>();
  for (const column of columns) {
    const from = column.from.get(source.name);
    const reading = from === undefined ? null : cellOf(record, source, column, from);
    if (reading !== null) cells.set(column.name, reading);
  }
  return cells;
}

function cellOf(
  record: SourceRecord,
  source: SourceMapping,
  column: ColumnMapping,
  from: ColumnExtract,
): Reading | null {
  if (from.money !== null) {
    const fixed = column.currency !== null && 'is' in column.currency ? column.currency.is : null;
    const reading = moneyOf(record, { ...from, ...from.money }, fixed);
    if (reading?.kind === 'value' && source.kind === 'payments' && isNegative(reading)) {
      return unread('a negative amount that the mapping does not call a refund');
    }
    return reading;
  }
  const taken = takeText(record, from);
  if (taken.kind !== 'text') return taken.kind === 'absent' ? null : unread(taken.why);
  if (column.kind === 'moment') return readMoment(taken.text, from);
  if (column.kind === 'date') return readDay(taken.text, from.dayFormat);
  return readPlain(taken.text, column);
}

/** `fixed`: the only currency that the column holds; null: any. */
function moneyOf(record: SourceRecord, from: MoneyExtract, fixed: string | null): Reading | null {
  const taken = takeText(record, from);
  if (taken.kind !== 'text') return taken.kind === 'absent' ? null : unread(taken.why);
  const { currency, decimal, unit } = from;
  let told: string | null = null;
  if (currency !== null && 'is' in currency) told = currency.is;
  else if (currency !== null) {
    const named = takeText(record, { field: currency.field, after: null, word: null });
    if (named.kind === 'unread') return unread(named.why);
    told = named.kind === 'text' ? named.text : null;
  }
  const reading = readMoney(taken.text, { unit, decimal, currency: told });
  if (reading.kind === 'unread' || reading.value.kind !== 'money') return reading;
  if (fixed === null || reading.value.currency === fixed) return reading;
  return unread(`an amount in ${reading.value.currency}, where the column holds ${fixed}`);
}

function isNegative(reading: Reading): boolean {
  const value = reading.kind === 'value' ? reading.value : null;
  return value?.kind === 'money' && value.minor.startsWith('-');
}

function absolute(reading: Reading): Reading {
  if (reading.kind === 'unread' || reading.value.kind !== 'money') return reading;
  return found({ ...reading.value, minor: reading.value.minor.replace('-', '') });
}
