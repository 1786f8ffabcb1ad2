/**
 * Messages of PostgreSQL's output plugin pgoutput, protocol version 1 ("Logical Replication Message
 * Formats" in the manual), over bytes. Every length is bounded by the message before it is believed; what
 * is not known here is refused, not skipped.
 */
import { HoldfastError } from '../../../model/errors.ts';

export interface RelationColumn {
  readonly name: string;
  /** Part of what rows are found by. */
  readonly isKey: boolean;
  readonly typeOid: number;
}

export interface Relation {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  /** `d` its primary key, `i` an index, `f` the whole row, `n` nothing. */
  readonly identity: string;
  readonly columns: readonly RelationColumn[];
}

/** Null is SQL's NULL; undefined a large value that did not change, and is not sent. */
export type Row = readonly (string | null | undefined)[];

export type Change =
  | { readonly kind: 'begin'; readonly lsn: bigint; readonly micros: bigint }
  | { readonly kind: 'commit'; readonly lsn: bigint; readonly end: bigint; readonly micros: bigint }
  | { readonly kind: 'relation'; readonly relation: Relation }
  | { readonly kind: 'insert'; readonly oid: number; readonly row: Row }
  /** `by`: the old row, or its key; null: its key did not change. */
  | {
      readonly kind: 'update';
      readonly oid: number;
      readonly by: Row | null;
      readonly row: Row;
    }
  | { readonly kind: 'delete'; readonly oid: number; readonly by: Row }
  | {
      readonly kind: 'truncate';
      readonly oids: readonly number[];
      readonly restartsIdentity: boolean;
    }
  /** Of a type or an origin: nothing to do. */
  | { readonly kind: 'aside' };

const COLUMNS_MAX = 1_664;

/** `B`, `C`, `R`...: for whoever need not read all of it. */
export function tagOf(message: Buffer): string {
  return message.toString('latin1', 0, 1);
}

/** Of an insert, update or delete: its table; of a relation: itself. Null: another message. */
export function tableOf(message: Buffer): number | null {
  const isOfTable = ['R', 'I', 'U', 'D'].includes(tagOf(message));
  return isOfTable && message.length >= 5 ? message.readUInt32BE(1) : null;
}

/** Throws HF_PROTOCOL. */
export function readChange(message: Buffer): Change {
  const read = new Reader(message);
  switch (read.letter()) {
    case 'B': {
      const [lsn, micros] = [read.uint64(), read.int64()];
      return { kind: 'begin', lsn, micros };
    }
    case 'C': {
      read.skip(1);
      const [lsn, end, micros] = [read.uint64(), read.uint64(), read.int64()];
      return { kind: 'commit', lsn, end, micros };
    }
    case 'R':
      return { kind: 'relation', relation: relationIn(read) };
    case 'I': {
      const oid = read.uint32();
      read.expect('N');
      return { kind: 'insert', oid, row: rowIn(read) };
    }
    case 'U': {
      const oid = read.uint32();
      const letter = read.letter();
      if (letter === 'N') return { kind: 'update', oid, by: null, row: rowIn(read) };
      if (letter !== 'K' && letter !== 'O') throw unknown(`an update with ${letter}`);
      const by = rowIn(read);
      read.expect('N');
      return { kind: 'update', oid, by, row: rowIn(read) };
    }
    case 'D': {
      const oid = read.uint32();
      const letter = read.letter();
      if (letter !== 'K' && letter !== 'O') throw unknown(`a delete with ${letter}`);
      return { kind: 'delete', oid, by: rowIn(read) };
    }
    case 'T': {
      const count = read.uint32();
      const options = read.uint8();
      read.mustHave(count * 4);
      const oids = Array.from({ length: count }, () => read.uint32());
      return { kind: 'truncate', oids, restartsIdentity: (options & 2) !== 0 };
    }
    case 'Y':
    case 'O':
      return { kind: 'aside' };
    default:
      throw unknown(`a message ${JSON.stringify(tagOf(message))}`);
  }
}

function relationIn(read: Reader): Relation {
  const oid = read.uint32();
  const schema = read.text();
  const name = read.text();
  const identity = read.letter();
  const columns = Array.from({ length: read.count() }, () => {
    const isKey = (read.uint8() & 1) !== 0;
    const column = { name: read.text(), isKey, typeOid: read.uint32() };
    read.skip(4);
    return column;
  });
  return { oid, schema: schema === '' ? 'pg_catalog' : schema, name, identity, columns };
}

function rowIn(read: Reader): Row {
  return Array.from({ length: read.count() }, () => {
    const letter = read.letter();
    if (letter === 'n') return null;
    if (letter === 'u') return undefined;
    if (letter === 't') return read.bytes(read.uint32()).toString('utf8');
    throw unknown(`a value of kind ${JSON.stringify(letter)}`);
  });
}

class Reader {
  readonly #message: Buffer;
  #at = 0;

  constructor(message: Buffer) {
    this.#message = message;
  }

  mustHave(bytes: number): void {
    if (this.#message.length - this.#at < bytes) throw unknown('a message that is too short');
  }

  skip(bytes: number): void {
    this.mustHave(bytes);
    this.#at += bytes;
  }

  bytes(length: number): Buffer {
    this.skip(length);
    return this.#message.subarray(this.#at - length, this.#at);
  }

  letter(): string {
    return this.bytes(1).toString('latin1');
  }

  expect(letter: string): void {
    const found = this.letter();
    if (found !== letter) throw unknown(`${JSON.stringify(found)} for ${letter}`);
  }

  uint8(): number {
    return this.bytes(1).readUInt8();
  }

  uint32(): number {
    return this.bytes(4).readUInt32BE();
  }

  uint64(): bigint {
    return this.bytes(8).readBigUInt64BE();
  }

  int64(): bigint {
    return this.bytes(8).readBigInt64BE();
  }

  count(): number {
    const count = this.bytes(2).readUInt16BE();
    if (count > COLUMNS_MAX) throw unknown(`a row of ${count} columns`);
    return count;
  }

  text(): string {
    const end = this.#message.indexOf(0, this.#at);
    if (end < 0) throw unknown('a name without an end');
    const text = this.#message.toString('utf8', this.#at, end);
    this.#at = end + 1;
    return text;
  }
}

function unknown(found: string): HoldfastError {
  return new HoldfastError('HF_PROTOCOL', {
    expected: 'a change as pgoutput of servers 15 to 18 sends it',
    found,
    hint: 'Take a new recovery point, and check the version of the server.',
  });
}
