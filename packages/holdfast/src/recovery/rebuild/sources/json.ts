/**
 * Payments as JSON (RFC 8259): an array of objects, an object with such an array in it, or one object a
 * line (NDJSON). Numbers stay as they are written, so that no amount is rounded and no id loses digits.
 *
 * One object that is no JSON, is too deep or has a name twice is unread; so is the rest of a file that
 * does not go on as an array does. It will not read on behind a limit.
 */

import { membersOf } from '../../../languages/json/json-members.ts';
import { endOfString } from '../../../languages/json/json-text.ts';
import { REBUILD_RECORD_BYTES_MAX, REBUILD_RECORDS_MAX } from '../../../model/limits.ts';
import type { ReadFile, SourceFile, SourceRecord, UnreadRecord } from '../source-record.ts';
import { decoded, type Encoding, unreadable } from './decode.ts';
import { type Place, provenanceOf, unreadAt } from './place.ts';

export interface JsonForm {
  readonly encoding: Encoding;
  /** The name of the array in the outermost object: `data`. Null: the text is the array. */
  readonly list: string | null;
}

const DEPTH_MAX = 16;
const FIELDS_MAX = 500;
const SPACES = ' \t\r\n';

export function readJson(file: SourceFile, form: JsonForm): ReadFile {
  const text = decoded(file, form.encoding);
  const records: SourceRecord[] = [];
  const unread: UnreadRecord[] = [];
  for (const { why, ...place } of placesIn(file, text, form.list)) {
    if (place.record > REBUILD_RECORDS_MAX) {
      throw unreadable(
        file,
        `at most ${REBUILD_RECORDS_MAX} records`,
        'more',
        'Export less at a time.',
      );
    }
    const fields = why ?? fieldsOf(place.text);
    if (typeof fields === 'string') unread.push(unreadAt(file, place, fields));
    else records.push({ by: provenanceOf(file, place), fields, troubled: new Map() });
  }
  return { records, unread };
}

interface Found extends Place {
  readonly why: string | null;
}

function* placesIn(file: SourceFile, text: string, list: string | null): Iterable<Found> {
  const start = skipSpaces(text, text.charCodeAt(0) === 0xfeff ? 1 : 0);
  if (text[start] === '[') yield* elementsOf(text, start);
  else if (list === null) yield* linesOf(text);
  else yield* elementsOf(text, listIn(file, text, start, list));
}

/** Where the array of that name begins in the outermost object. */
function listIn(file: SourceFile, text: string, start: number, list: string): number {
  for (let at = start + 1; text[start] === '{' && at < text.length; ) {
    at = skipSpaces(text, at);
    if (text[at] !== '"') break;
    const nameEnd = endOfString(text, at);
    const name = text.slice(at + 1, nameEnd);
    const value = skipSpaces(text, text.indexOf(':', nameEnd) + 1);
    if (name === list && text[value] === '[') return value;
    const end = endOfValue(text, value);
    if (end === null) break;
    at = skipSpaces(text, end) + 1;
  }
  const expected = `an array or an object with the array ${JSON.stringify(list)}`;
  throw unreadable(file, expected, 'neither', 'Say in `list` how the array is called.');
}

function* elementsOf(text: string, start: number): Iterable<Found> {
  let at = skipSpaces(text, start + 1);
  let bytes = Buffer.byteLength(text.slice(0, at));
  for (let record = 1; at < text.length && text[at] !== ']'; record += 1) {
    const end = endOfValue(text, at);
    const rest = (why: string): Found => ({ record, offset: bytes, text: text.slice(at), why });
    if (end === null) return yield rest('JSON that does not end');
    const element = text.slice(at, end);
    yield { record, offset: bytes, text: element, why: null };
    const comma = skipSpaces(text, end);
    const next = text[comma] === ',' ? skipSpaces(text, comma + 1) : comma;
    if (text[comma] !== ',' && text[comma] !== ']') {
      return yield { ...rest('no comma between two records'), record: record + 1 };
    }
    bytes += Buffer.byteLength(text.slice(at, next));
    at = next;
  }
  if (text[at] !== ']') {
    yield { record: 1, offset: bytes, text: text.slice(start), why: 'an array that does not end' };
  }
}

function* linesOf(text: string): Iterable<Found> {
  let bytes = 0;
  let record = 0;
  for (const line of text.split('\n')) {
    if (line.trim() !== '') {
      record += 1;
      yield { record, offset: bytes, text: line.replace(/^\ufeff/, ''), why: null };
    }
    bytes += Buffer.byteLength(line) + 1;
  }
}

/** Behind the value that begins here; null when it does not end. Knows strings and brackets only. */
function endOfValue(text: string, start: number): number | null {
  let depth = 0;
  for (let at = start; at < text.length; at += 1) {
    const sign = text[at];
    if (sign === '"') {
      at = endOfString(text, at);
      if (at >= text.length) return null;
    } else if (sign === '{' || sign === '[') depth += 1;
    else if (sign === '}' || sign === ']') {
      if (depth === 0) return at;
      depth -= 1;
    } else if (sign === ',' && depth === 0) return at;
    if (depth === 0 && (sign === '}' || sign === ']')) return at + 1;
  }
  return null;
}

/** The fields of one object, or why it was not read. */
function fieldsOf(text: string): ReadonlyMap<string, string> | string {
  if (Buffer.byteLength(text) > REBUILD_RECORD_BYTES_MAX) return 'larger than a record may be';
  if (isDeep(text)) return `deeper than ${DEPTH_MAX} levels`;
  try {
    if (typeof JSON.parse(text) !== 'object' || !text.trim().startsWith('{')) return 'no object';
  } catch {
    return 'no JSON';
  }
  const fields = new Map<string, string>();
  return addFields(fields, '', text) ?? fields;
}

/** Null: added. Elements of arrays by their number: `lines.0.amount`. */
function addFields(fields: Map<string, string>, above: string, text: string): string | null {
  const members = text.startsWith('[') ? elements(text) : membersOf(text);
  if (members === null) return 'a name that stands twice';
  for (const [name, value] of members) {
    const path = above + name;
    if (value === 'null') continue;
    if (value.startsWith('{') || value.startsWith('[')) {
      const why = addFields(fields, `${path}.`, value);
      if (why !== null) return why;
    } else {
      if (fields.has(path)) return 'a name with a dot that is another field';
      fields.set(path, value.startsWith('"') ? String(JSON.parse(value)) : value);
    }
    if (fields.size > FIELDS_MAX) return `more than ${FIELDS_MAX} fields`;
  }
  return null;
}

function elements(text: string): ReadonlyMap<string, string> {
  const found = [...elementsOf(text, 0)].map((one, at) => [String(at), one.text.trim()] as const);
  return new Map(found);
}

function isDeep(text: string): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const sign = text[at];
    if (sign === '"') at = endOfString(text, at);
    else if (sign === '{' || sign === '[') depth += 1;
    else if (sign === '}' || sign === ']') depth -= 1;
    if (depth > DEPTH_MAX) return true;
  }
  return false;
}

function skipSpaces(text: string, start: number): number {
  let at = start;
  while (at < text.length && SPACES.includes(text.charAt(at))) at += 1;
  return at;
}
