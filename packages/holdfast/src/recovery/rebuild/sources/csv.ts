/**
 * Payments as CSV (RFC 4180), by `csv-parse`: the first line names the fields, every cell is text, and a
 * formula is text that begins with `=`. A line that does not fit its header is unread, not mended; behind a
 * quote that stands wrong all is.
 *
 * It will not: read on behind a limit. What was cut off could be the refund of what was read.
 */
import { parse } from 'csv-parse/sync';
import { z } from 'zod';
import { REBUILD_RECORD_BYTES_MAX, REBUILD_RECORDS_MAX } from '../../../model/limits.ts';
import type { ReadFile, SourceFile, SourceRecord, UnreadRecord } from '../source-record.ts';
import { decoded, type Encoding, unreadable } from './decode.ts';
import { type Place, provenanceOf, unreadAt } from './place.ts';

export interface CsvForm {
  readonly encoding: Encoding;
  /** Null: the one of `,` `;` and tab that the first line has most of. */
  readonly delimiter: string | null;
}

const FIELDS_MAX = 500;
const LINES = z.array(
  z.object({
    record: z.array(z.string()),
    raw: z.string(),
    info: z.object({ bytes: z.number() }),
  }),
);
type Line = z.infer<typeof LINES>[number];

export function readCsv(file: SourceFile, form: CsvForm): ReadFile {
  const text = decoded(file, form.encoding);
  const { brokenAt, lines } = linesOf(file, text, form.delimiter ?? delimiterOf(text));
  const [head, ...rest] = lines;
  if (head === undefined) {
    throw unreadable(file, 'a first line that names the fields', 'none', HINT);
  }
  const names = namesOf(file, head.record);
  const records: SourceRecord[] = [];
  const unread: UnreadRecord[] = [];
  let offset = head.info.bytes;
  for (const [at, { record, raw, info }] of rest.entries()) {
    const place: Place = { record: at + 1, offset, text: raw };
    offset = info.bytes;
    if (record.length === 1 && record[0]?.trim() === '') continue;
    if (record.length !== names.length) {
      const why = `${record.length} fields, where the first line names ${names.length}`;
      unread.push(unreadAt(file, place, why));
      continue;
    }
    const fields = new Map(names.map((name, column) => [name, record[column] ?? '']));
    records.push({ by: provenanceOf(file, place), fields, troubled: NONE });
  }
  if (brokenAt !== null) {
    const behind = Buffer.from(text).subarray(brokenAt).toString('utf8');
    const place = { record: rest.length + 1, offset: brokenAt, text: behind };
    unread.push(unreadAt(file, place, 'a quote that stands wrong: nothing behind it is certain'));
  }
  return { records, unread };
}

const HINT = 'Export it again, as CSV with a header.';
const NONE: ReadonlyMap<string, string> = new Map();

/** Up to the first quote that stands wrong: behind it, what is a line and what is a field is anybody's guess. */
function linesOf(
  file: SourceFile,
  text: string,
  delimiter: string,
): { readonly lines: readonly Line[]; readonly brokenAt: number | null } {
  let found: unknown;
  let end = 0;
  let brokenAt: number | null = null;
  let isTooLarge = false;
  try {
    found = parse(text, {
      bom: true,
      delimiter,
      info: true,
      raw: true,
      relax_column_count: true,
      skip_empty_lines: true,
      skip_records_with_error: true,
      on_record: (record, { bytes }) => {
        end = bytes;
        return record;
      },
      on_skip: (error) => {
        brokenAt ??= end;
        isTooLarge ||= error?.code === 'CSV_MAX_RECORD_SIZE';
        return undefined;
      },
      max_record_size: REBUILD_RECORD_BYTES_MAX,
      to: REBUILD_RECORDS_MAX + 2,
    });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.slice(0, 200) : 'no CSV';
    throw unreadable(file, 'CSV', why, HINT);
  }
  if (isTooLarge) {
    const expected = `records of at most ${REBUILD_RECORD_BYTES_MAX} bytes`;
    throw unreadable(file, expected, 'a larger one', HINT);
  }
  const lines = LINES.parse(found).filter(
    ({ info }) => brokenAt === null || info.bytes <= brokenAt,
  );
  if (lines.length > REBUILD_RECORDS_MAX + 1) {
    const expected = `at most ${REBUILD_RECORDS_MAX} records`;
    throw unreadable(file, expected, 'more', 'Export less at a time.');
  }
  return { lines, brokenAt };
}

function namesOf(file: SourceFile, header: readonly string[]): readonly string[] {
  const names = header.map((name) => name.trim());
  if (names.length > FIELDS_MAX) {
    throw unreadable(file, `at most ${FIELDS_MAX} fields`, `${names.length}`, HINT);
  }
  if (new Set(names).size < names.length) {
    throw unreadable(file, 'each name once in the first line', 'one twice', HINT);
  }
  return names;
}

function delimiterOf(text: string): string {
  const end = text.indexOf('\n');
  const head = end < 0 ? text : text.slice(0, end);
  const counted = [',', ';', '\t'].map((sign) => ({ sign, times: head.split(sign).length }));
  return counted.reduce((best, one) => (one.times > best.times ? one : best)).sign;
}
