/**
 * The journal as it is read: COPY text of its rows, as bytes in any pieces, into rows that were looked at
 * field by field. Thousands a second come through here, in the process that also relays statements, so
 * it makes one object a row and nothing besides.
 *
 * COPY text (COPY, "Text Format"): fields end at a tab, rows at a line feed, \N is null, and what would
 * be one of those inside a value is written with a backslash.
 */
import type { JournalOp } from '../undo-item.ts';
import { COPY_NULL, copyFieldOf } from './copy-text.ts';
import { ident, SCHEMA } from './layout.ts';

export interface JournalRow {
  readonly seq: string;
  readonly txid: string;
  /** `at` as the server writes it, to the microsecond. */
  readonly moment: string;
  readonly atMs: number;
  readonly role: string;
  readonly pid: string | null;
  readonly application: string;
  readonly shapeId: string | null;
  readonly op: JournalOp;
  readonly rows: string | null;
  /** JSON. */
  readonly detail: string | null;
  /** Written by a session of the login that reads. */
  readonly isOurs: boolean;
}

const LINE_FEED = 0x0a;
const FIELDS = 12;
const OPS: ReadonlyMap<string, JournalOp> = new Map([
  ['D', 'D'],
  ['U', 'U'],
  ['I', 'I'],
  ['T', 'T'],
  ['X', 'X'],
]);

/** Whole transactions: all rows of those that the oldest `statementsMax` belong to, in order. */
export function journalCopy(statementsMax: number): string {
  const journal = `${ident(SCHEMA)}.journal`;
  return `copy (
    select j.seq, j.txid, j.at, floor(extract(epoch from j.at) * 1000)::bigint, j.role, j.pid,
      coalesce(j.application, ''), j.shape_id, j.op, j.rows, j.detail, j.role = session_user
    from ${journal} j
    where j.txid in (
      select o.txid from (select txid from ${journal} order by seq limit ${statementsMax}) o)
    order by j.seq) to stdout`;
}

export async function* journalRows(data: AsyncIterable<Buffer>): AsyncIterable<JournalRow[]> {
  let begun: Buffer[] = [];
  for await (const piece of data) {
    const end = piece.lastIndexOf(LINE_FEED) + 1;
    if (end > 0) {
      const lines = Buffer.concat([...begun, piece.subarray(0, end)]).toString('utf8');
      begun = [];
      yield lines.slice(0, -1).split('\n').map(rowOf);
    }
    if (end < piece.length) begun.push(Buffer.from(piece.subarray(end)));
  }
  if (begun.length > 0) throw new Error('a COPY ended in the midst of a row');
}

function rowOf(line: string): JournalRow {
  const fields = line.split('\t');
  const [seq, txid, moment, at, role, pid, application, shape, op, rows, detail, ours] = fields;
  const known = OPS.get(op ?? '');
  // A clock may stand before 1970.
  const atMs = Number(at);
  if (fields.length !== FIELDS || known === undefined || !Number.isFinite(atMs)) {
    throw unreadable(line);
  }
  return {
    seq: digits(seq, line),
    txid: digits(txid, line),
    moment: textOf(moment) ?? '',
    atMs,
    role: textOf(role) ?? '',
    pid: textOf(pid),
    application: textOf(application) ?? '',
    shapeId: shape === COPY_NULL ? null : digits(shape, line),
    op: known,
    rows: rows === COPY_NULL ? null : digits(rows, line),
    detail: textOf(detail),
    isOurs: ours === 't',
  };
}

function textOf(field: string | undefined): string | null {
  return field === undefined ? null : copyFieldOf(field);
}

/** Ids go into SQL as they are. */
function digits(field: string | undefined, line: string): string {
  if (field === undefined || !/^\d+$/.test(field)) throw unreadable(line);
  return field;
}

function unreadable(line: string): Error {
  return new Error(`a row of ${SCHEMA}.journal cannot be read: ${line.slice(0, 200)}`);
}
