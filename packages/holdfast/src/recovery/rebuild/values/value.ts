/**
 * One value of one cell, read and normal: two sources say the same when their values are equal as text
 * of `sameAs`. How each is written in the table is decided here too, and nowhere else.
 *
 * It will not guess: what can be read in two ways is `unread`, with the reason.
 */
import { readDay, readMoment } from './moment.ts';
import { exponentOf, minorOf } from './money.ts';
import { found, type Reading, unread, type Value, type ValueKind } from './reading.ts';
import { type Lines, readText } from './text.ts';

/** How a column of the table keeps its values. */
export interface Stored {
  readonly name: string;
  readonly kind: ValueKind;
  /** Of money: a whole number of cents, or a decimal number. */
  readonly stored: 'minor' | 'major';
  /** Of text: letters in capitals or not are the same. */
  readonly isCaseless: boolean;
  readonly lines: Lines;
}

/** Equal texts: the same value. */
export function sameAs(value: Value, { isCaseless }: Pick<Stored, 'isCaseless'>): string {
  const text = plainOf(value);
  return isCaseless ? text.toLowerCase() : text;
}

/** For people, and to compare: `80.50 EUR`. */
export function plainOf(value: Value): string {
  switch (value.kind) {
    case 'text':
    case 'uuid':
    case 'currency':
      return value.text;
    case 'integer':
      return value.digits;
    case 'boolean':
      return value.is ? 'true' : 'false';
    case 'money':
      return `${majorOf(value.minor, value.currency)} ${value.currency}`;
    case 'moment':
      return value.at;
    case 'date':
      return value.date;
  }
}

/** As the server reads it into the column. */
export function storedText(value: Value, column: Pick<Stored, 'stored'>): string {
  if (value.kind !== 'money') return plainOf(value);
  return column.stored === 'minor' ? value.minor : majorOf(value.minor, value.currency);
}

/** What the server says stands in the column; `currency` is that of the row. */
export function readStored(text: string, column: Stored, currency: string | null): Reading {
  if (column.kind === 'money') {
    if (currency === null) return unread('the row does not say its currency');
    const minor = column.stored === 'minor' ? wholeOf(text) : minorOf(text, currency);
    if (minor === null)
      return unread('the amount in the row is no whole number of its smallest unit');
    return found({ kind: 'money', minor, currency });
  }
  if (column.kind === 'moment') return readMoment(text, { format: 'iso', zone: 'UTC' });
  if (column.kind === 'text') return found({ kind: 'text', text });
  return readPlain(text, column);
}

/** Kinds that need nothing but the text; money and moments are read by their own functions. */
export function readPlain(text: string, column: Stored): Reading {
  switch (column.kind) {
    case 'text':
      return readText(text, column.lines);
    case 'integer': {
      const digits = wholeOf(text.trim());
      return digits === null ? unread('no whole number') : found({ kind: 'integer', digits });
    }
    case 'uuid': {
      const uuid = text.trim().toLowerCase();
      return UUID.test(uuid) ? found({ kind: 'uuid', text: uuid }) : unread('no UUID');
    }
    case 'boolean':
      return readBoolean(text);
    case 'currency': {
      const code = text.trim().toUpperCase();
      return exponentOf(code) === null
        ? unread('no currency of ISO 4217 that is known here')
        : found({ kind: 'currency', text: code });
    }
    case 'date':
      return readDay(text, 'iso');
    case 'money':
    case 'moment':
      throw new Error(`${column.kind} is not read from its text alone`);
  }
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const WHOLE = /^-?\d{1,18}$/;
const TRUE: readonly string[] = ['true', 't', 'yes', '1'];
const FALSE: readonly string[] = ['false', 'f', 'no', '0'];

/** Without leading zeros; null when it is none, or has more digits than a bigint of the server. */
export function wholeOf(text: string): string | null {
  return WHOLE.test(text) ? String(BigInt(text)) : null;
}

function readBoolean(text: string): Reading {
  const word = text.trim().toLowerCase();
  if (TRUE.includes(word)) return found({ kind: 'boolean', is: true });
  if (FALSE.includes(word)) return found({ kind: 'boolean', is: false });
  return unread('neither true nor false');
}

export function majorOf(minor: string, currency: string): string {
  const exponent = exponentOf(currency) ?? 0;
  const sign = minor.startsWith('-') ? '-' : '';
  const digits = minor.replace('-', '').padStart(exponent + 1, '0');
  if (exponent === 0) return sign + digits;
  return `${sign}${digits.slice(0, -exponent)}.${digits.slice(-exponent)}`;
}
