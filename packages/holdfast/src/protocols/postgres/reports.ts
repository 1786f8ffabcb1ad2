/**
 * Errors and notices of a statement that ran by `CALL holdfast.run(...)`, put back into the words the
 * server would have used for the statement itself: what it says of the query inside becomes what it
 * says of the query, and the call leaves no trace in the context (manual, "Error and Notice Fields").
 */
import type { Outcome } from '../../model/outcome.ts';
import { HEADER_BYTES } from './frames.ts';

/** A statement that something else stands for. */
export interface Stand {
  /** Its exact text. */
  readonly statement: string;
  /** What the server says when it is done. */
  readonly tag: string;
  /** What comes with the tag, as `SqlPart` says. */
  readonly answers: 'tag' | 'count' | 'one';
  /** From a position in `statement` to the one in the text the client sent. */
  placeOf(position: number): number;
}

/** From a position in the text that was sent to the one in the text the client sent. */
export type PositionMap = (position: number) => number;

interface Field {
  readonly type: string;
  readonly value: string;
}

/** Characters as the server counts them: code points of UTF-8. */
export function charsIn(bytes: Uint8Array, from: number, to: number): number {
  let chars = 0;
  for (let at = from; at < to; at += 1) if (((bytes[at] ?? 0) & 0xc0) !== 0x80) chars += 1;
  return chars;
}

/** What our own function says of a statement, to us and to nobody else (acts/permit-sql.ts). */
const ROWS_CODE = 'HFROW';

/** How many rows a statement made; null: it is another message. */
export function rowsIn(body: Buffer): string | null {
  const fields = fieldsOf(body);
  if (fields.find(({ type }) => type === 'C')?.value !== ROWS_CODE) return null;
  const said = fields.find(({ type }) => type === 'M')?.value ?? '';
  return /^holdfast: (\d+) rows$/.exec(said)?.[1] ?? '0';
}

/** `relation "t" already exists, skipping`. */
export function saysSkipped(body: Buffer): boolean {
  return fieldsOf(body).some(({ type, value }) => type === 'C' && value === '42P07');
}

/** `tag`: E or N. The whole message, mended; `stand` null: the statement ran as it is. */
export function mendedReport(
  tag: number,
  body: Buffer,
  stand: Stand | null,
  map: PositionMap | null,
): Buffer {
  const fields = fieldsOf(body);
  return messageOf(tag, stand === null ? placed(fields, map) : restored(fields, stand, map));
}

function placed(fields: readonly Field[], map: PositionMap | null): Field[] {
  return fields.map((field) =>
    field.type === 'P' && map !== null
      ? { type: 'P', value: String(map(Number(field.value))) }
      : field,
  );
}

function restored(fields: readonly Field[], stand: Stand, map: PositionMap | null): Field[] {
  const inside = fields.find(({ type }) => type === 'q')?.value;
  const isOurs = inside === stand.statement;
  const found: Field[] = [];
  for (const field of placed(fields, map)) {
    const { type, value } = field;
    if (type === 'q' && isOurs) continue;
    if (type === 'p' && isOurs) {
      found.push({ type: 'P', value: String(stand.placeOf(Number(value))) });
    } else if (type === 'W') {
      const context = contextWithout(value, stand);
      if (context !== '') found.push({ type: 'W', value: context });
    } else if (type !== 'P' || !isOurs) found.push(field);
  }
  return found;
}

/** Innermost first: from the line that runs the statement on, all is ours. */
function contextWithout(context: string, { statement }: Stand): string {
  const asStatement = `SQL statement "${statement}"`;
  const starts = [lineIndex(context, asStatement), lineIndex(context, OUR_FUNCTION)];
  const from = Math.min(...starts.filter((at) => at >= 0), context.length);
  return context.slice(0, from).replace(/\n$/, '');
}

const OUR_FUNCTION = 'PL/pgSQL function holdfast.';

function lineIndex(text: string, line: string): number {
  if (text.startsWith(line)) return 0;
  const at = text.indexOf(`\n${line}`);
  return at < 0 ? -1 : at + 1;
}

function fieldsOf(body: Buffer): Field[] {
  const fields: Field[] = [];
  let at = 0;
  while (at < body.length && body[at] !== 0) {
    const stop = body.indexOf(0, at + 1);
    const end = stop < 0 ? body.length : stop;
    fields.push({
      type: String.fromCharCode(body[at] ?? 0),
      value: body.toString('utf8', at + 1, end),
    });
    at = end + 1;
  }
  return fields;
}

function messageOf(tag: number, fields: readonly Field[]): Buffer {
  const body = Buffer.from(`${fields.map(({ type, value }) => `${type}${value}\0`).join('')}\0`);
  const head = Buffer.alloc(HEADER_BYTES);
  head[0] = tag;
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

/** A statement that Holdfast ran itself, and that the server refused, or never answered. */
export interface FailedOutside {
  readonly outcome: Extract<Outcome, { kind: 'failed' | 'unknown' }>;
  /** The whole ErrorResponse for the client. */
  readonly bytes: Buffer;
}

/** Field types of the wire, and what node-postgres calls them. */
const FIELD_NAMES: readonly (readonly [type: string, name: string])[] = [
  ['S', 'severity'],
  ['V', 'severity'],
  ['C', 'code'],
  ['M', 'message'],
  ['D', 'detail'],
  ['H', 'hint'],
  ['P', 'position'],
  ['p', 'internalPosition'],
  ['q', 'internalQuery'],
  ['W', 'where'],
  ['s', 'schema'],
  ['t', 'table'],
  ['c', 'column'],
  ['d', 'dataType'],
  ['n', 'constraint'],
  ['F', 'file'],
  ['L', 'line'],
  ['R', 'routine'],
];

/** Null when it is not the server that refused, but something on the way. */
export function failureOf(cause: unknown, stand: Stand): FailedOutside | null {
  if (!(cause instanceof Error) || !('severity' in cause)) return null;
  const said = new Map(Object.entries(cause));
  const code = said.get('code');
  if (typeof code !== 'string' || code.length !== 5) return null;
  said.set('message', cause.message);
  const fields: Field[] = [];
  for (const [type, name] of FIELD_NAMES) {
    const value: unknown = said.get(name);
    if (typeof value !== 'string') continue;
    const shown = type === 'P' ? String(stand.placeOf(Number(value))) : value;
    fields.push({ type, value: shown });
  }
  const outcome = { kind: 'failed', code, message: cause.message } as const;
  return { outcome, bytes: messageOf(0x45, fields) };
}
