/**
 * The SQL reader: what would this text do, by PostgreSQL's own grammar. It explains early and feeds
 * policy and undo; it is not the wall (roles are): a function, a view or a trigger can do what no text
 * shows, and an operator, a cast or a default may call one.
 *
 * Order of look-up: template (literals taken out; one pass over the bytes, no string is made), then
 * exact text, then parse; long texts are parsed in a worker. A reading that hangs on the value of a
 * literal is never kept by template. Template first, because it answers for most texts and the key of
 * the exact text costs as much as the whole pass (bench/reader.mjs).
 *
 * What no text shows, and this reader does not see: `t.f` may call a function f(t) instead of naming a
 * column; a function, operator or cast of a user may share the name of a built-in one and fit better;
 * JSON_VALUE and its kin are grammar for PostgreSQL 16 and 17 but names of functions before that.
 *
 * What it will not do: decide. No policy, no protocol, no catalog; where it is not sure it says so.
 */
import { isUtf8 } from 'node:buffer';
import { messageOf } from '../../model/errors.ts';
import {
  SQL_CACHE_BYTES_MAX,
  SQL_CACHE_ENTRIES_MAX,
  SQL_CACHED_BYTES_MAX,
  SQL_COMMENTS_INLINE_MAX,
  SQL_INLINE_BYTES_MAX,
  SQL_OPERATORS_INLINE_MAX,
  SQL_READ_BYTES_MAX,
  SQL_READ_MS_MAX,
} from '../../model/limits.ts';
import { ExactCache, TemplateCache } from './caches.ts';
import { LongReader } from './long-reader.ts';
import { loadParser, parseBytes, unread } from './parse.ts';
import type { SqlReader, SqlReading } from './sql-reading.ts';
import { TemplateMaker } from './template.ts';

export interface SqlReaderOptions {
  /** Texts longer than this are read in the worker; default SQL_INLINE_BYTES_MAX. */
  readonly inlineBytesMax?: number;
  /** Texts longer than this are not read at all; default SQL_READ_BYTES_MAX. */
  readonly readBytesMax?: number;
  /** Default SQL_READ_MS_MAX. */
  readonly readMsMax?: number;
  readonly cacheEntriesMax?: number;
  readonly cacheBytesMax?: number;
}

export async function createSqlReader(options: SqlReaderOptions = {}): Promise<SqlReader> {
  await loadParser();
  return new CachingReader(options);
}

class CachingReader implements SqlReader {
  readonly #exact: ExactCache;
  readonly #templates: TemplateCache;
  readonly #maker = new TemplateMaker(SQL_CACHED_BYTES_MAX);
  readonly #long: LongReader;
  readonly #inlineBytesMax: number;
  readonly #readBytesMax: number;
  #broken = false;

  constructor(options: SqlReaderOptions) {
    const bounds = {
      entriesMax: options.cacheEntriesMax ?? SQL_CACHE_ENTRIES_MAX,
      bytesMax: options.cacheBytesMax ?? SQL_CACHE_BYTES_MAX,
    };
    this.#exact = new ExactCache(bounds);
    this.#templates = new TemplateCache(bounds);
    this.#long = new LongReader(options.readMsMax ?? SQL_READ_MS_MAX);
    this.#readBytesMax = options.readBytesMax ?? SQL_READ_BYTES_MAX;
    this.#inlineBytesMax = options.inlineBytesMax ?? SQL_INLINE_BYTES_MAX;
  }

  read(bytes: Buffer, start: number, end: number): SqlReading | Promise<SqlReading> {
    if (end - start > this.#readBytesMax) return this.#tooLarge(end - start);
    if (end - start > SQL_CACHED_BYTES_MAX) return this.#readLong(bytes, start, end);
    const known = this.#byTemplate(bytes, start, end);
    if (known !== undefined) return known;
    const key = bytes.toString('latin1', start, end);
    return this.#exact.get(key) ?? this.#fresh(bytes, start, end, key);
  }

  close(): Promise<void> {
    return this.#long.close();
  }

  #byTemplate(bytes: Buffer, start: number, end: number): SqlReading | undefined {
    if (!this.#maker.make(bytes, start, end)) return undefined;
    const reading = this.#templates.get(this.#maker);
    if (reading === undefined || !this.#maker.beyondAscii) return reading;
    return isUtf8(bytes.subarray(start, end)) ? reading : undefined;
  }

  #fresh(bytes: Buffer, start: number, end: number, key: string): SqlReading | Promise<SqlReading> {
    const long = end - start > this.#inlineBytesMax || isTangled(bytes, start, end);
    if (this.#broken || long) {
      return this.#readLong(bytes, start, end).then((reading) => {
        if (lasting(reading)) this.#exact.set(key, reading);
        return reading;
      });
    }
    const { reading, template, broken } = this.#parse(bytes.subarray(start, end));
    this.#broken ||= broken;
    if (template && this.#maker.make(bytes, start, end)) this.#templates.set(this.#maker, reading);
    else if (lasting(reading)) this.#exact.set(key, reading);
    return reading;
  }

  #parse(text: Uint8Array): ReturnType<typeof parseBytes> {
    try {
      return parseBytes(text);
    } catch (failure) {
      const found = messageOf(failure);
      const reading = unread('reader-failed', `Expected the text to be read, found: ${found}.`);
      return { reading, template: false, broken: false };
    }
  }

  #tooLarge(bytes: number): SqlReading {
    const message = `Expected at most ${this.#readBytesMax} bytes of SQL, found ${bytes}.`;
    return unread('too-large', message);
  }

  #readLong(bytes: Buffer, start: number, end: number): Promise<SqlReading> {
    return this.#long.read(Uint8Array.prototype.slice.call(bytes, start, end));
  }
}

/** Shorter texts cannot hold enough of anything to be dear. */
const TANGLED_BYTES_MIN = 2_000;

/** A text that is short but made to be hard: it goes to the worker, whose loss harms nobody. */
function isTangled(bytes: Buffer, start: number, end: number): boolean {
  if (end - start < TANGLED_BYTES_MIN) return false;
  let operators = 0;
  let comments = 0;
  for (let at = start; at < end; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte === SLASH && bytes[at + 1] === STAR) comments += 1;
    if (OPERATORS.has(byte)) operators += 1;
  }
  return operators > SQL_OPERATORS_INLINE_MAX || comments > SQL_COMMENTS_INLINE_MAX;
}

const SLASH = 47;
const STAR = 42;
const OPERATORS = new Set(Buffer.from('+-*/<>=~!@#%^&|`?:'));

/** Whether the same text would read the same tomorrow; a timeout or a lost worker may not. */
function lasting(reading: SqlReading): boolean {
  if (reading.kind === 'understood') return true;
  return reading.reason.code !== 'timeout' && reading.reason.code !== 'reader-failed';
}
