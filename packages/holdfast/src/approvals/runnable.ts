/**
 * What will run of what was signed: the text, and the values bound to it, read back out of `Intent.acts()`.
 * Nothing beside the acts is kept to be run, so nothing else can be.
 *
 * A request to a provider is as `model/http-request.ts` lays it out.
 *
 * One simple Query is `[path, '', text]`. One Bind is `[path, meaning, bind]`: the meaning is the length
 * and the bytes of the only statement it may run (text, NUL, types of its parameters, as in Parse), the
 * rest is the Bind behind its names (manual, "Message Formats"). It will not: read several at once, a
 * name that may mean several things, or types that are not the server's own (another may have their
 * number by the time it runs).
 */

import { type HttpAct, httpActIn, httpText } from '../model/http-request.ts';

export interface Parameter {
  /** Of pg_type; 0: the server infers it, as it did. */
  readonly typeOid: number;
  readonly isBinary: boolean;
  /** Null: NULL. */
  readonly value: Buffer | null;
}

export interface Runnable {
  /** In UTF-8. */
  readonly statement: Buffer;
  readonly parameters: readonly Parameter[];
  /** Null: it is SQL. Else what is sent to a provider, and `statement` is its text. */
  readonly request: HttpAct | null;
}

/** From here on numbers are given out anew in each database. */
const OWN_TYPES_FROM = 16_384;
const LENGTH_BYTES = 4;

export function runnableOf(acts: readonly Buffer[]): Runnable | null {
  const request = httpActIn(acts);
  if (request !== null) return { statement: httpText(request), parameters: [], request };
  const own = acts.at(-1);
  if (own === undefined) return null;
  const meaning = acts.length === 3 ? acts[1] : undefined;
  if (meaning === undefined || meaning.length === 0)
    return { statement: own, parameters: [], request: null };
  try {
    return boundOf(meaning, own);
  } catch (error) {
    // Read past the end: it is something else.
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function boundOf(meaning: Buffer, bind: Buffer): Runnable | null {
  if (meaning.readUInt32BE(0) !== meaning.length - LENGTH_BYTES) return null;
  const textEnd = meaning.indexOf(0, LENGTH_BYTES);
  // PREPARE writes NUL first, and has no types.
  if (textEnd <= LENGTH_BYTES) return null;
  const types = new Reader(meaning, textEnd + 1);
  const typeOids = Array.from({ length: types.int16() }, () => types.int32());
  const values = new Reader(bind, 0);
  const formats = Array.from({ length: values.int16() }, () => values.int16());
  const parameters = Array.from({ length: values.int16() }, (_, at): Parameter => {
    const format = formats.length === 1 ? formats[0] : (formats[at] ?? 0);
    return { typeOid: typeOids[at] ?? 0, isBinary: format === 1, value: values.value() };
  });
  for (let left = values.int16(); left > 0; left -= 1) values.int16();
  if (!types.isAtEnd || !values.isAtEnd) return null;
  if (parameters.some(({ typeOid }) => typeOid < 0 || typeOid >= OWN_TYPES_FROM)) return null;
  const statement = meaning.subarray(LENGTH_BYTES, textEnd);
  return { statement, parameters, request: null };
}

class Reader {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  int16(): number {
    const value = this.#bytes.readUInt16BE(this.#at);
    this.#at += 2;
    return value;
  }

  int32(): number {
    const value = this.#bytes.readInt32BE(this.#at);
    this.#at += 4;
    return value;
  }

  /** Length, then bytes; -1 is NULL. */
  value(): Buffer | null {
    const length = this.int32();
    if (length === -1) return null;
    if (length < 0 || this.#at + length > this.#bytes.length) throw new RangeError('past the end');
    const value = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return value;
  }
}
