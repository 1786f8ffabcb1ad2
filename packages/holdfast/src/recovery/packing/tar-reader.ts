/**
 * Reads a tar stream as PostgreSQL's server writes it in a base backup (ustar, POSIX.1-1988: files,
 * folders, symbolic links; names up to 99 bytes, since the server refuses longer ones), whatever pieces
 * it comes in. Bytes of files go on as views, never gathered.
 *
 * It refuses what a server does not write: other kinds of entries, a header whose checksum is wrong, a
 * name that leaves the folder, a stream that ends inside.
 */
import { HoldfastError } from '../../model/errors.ts';
import { oneLine } from '../../model/text.ts';

const BLOCK_BYTES = 512;

export interface TarEntry {
  readonly kind: 'file' | 'folder' | 'link';
  /** Below the root, `/` between parts, none at the end. Empty: the root itself. */
  readonly path: string;
  readonly bytes: number;
  /** Permissions: 0o600. */
  readonly mode: number;
  /** Of a link: where it points, as the server has it. */
  readonly link: string;
}

export interface TarSink {
  entry(entry: TarEntry): void;
  bytes(chunk: Uint8Array): void;
  /** The entry is whole. */
  end(): void;
}

export class TarReader {
  readonly #sink: TarSink;
  readonly #header = Buffer.alloc(BLOCK_BYTES);
  #headerBytes = 0;
  #left = 0;
  #padding = 0;
  #isOpen = false;
  /** Blocks of zeroes end an archive; the server of 15 and later sends two. */
  #isOver = false;

  constructor(sink: TarSink) {
    this.#sink = sink;
  }

  push(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#left > 0) {
        const taken = Math.min(this.#left, chunk.length - at);
        this.#sink.bytes(chunk.subarray(at, at + taken));
        this.#left -= taken;
        at += taken;
        if (this.#left === 0) this.#close();
      } else if (this.#padding > 0) {
        const skipped = Math.min(this.#padding, chunk.length - at);
        this.#padding -= skipped;
        at += skipped;
      } else {
        const taken = Math.min(BLOCK_BYTES - this.#headerBytes, chunk.length - at);
        this.#header.set(chunk.subarray(at, at + taken), this.#headerBytes);
        this.#headerBytes += taken;
        at += taken;
        if (this.#headerBytes === BLOCK_BYTES) this.#open();
      }
    }
  }

  end(): void {
    if (this.#isOpen || this.#padding > 0 || this.#headerBytes > 0) {
      throw wrong('a tar stream to its end', 'one that was cut');
    }
  }

  #open(): void {
    this.#headerBytes = 0;
    if (this.#header.every((byte) => byte === 0)) {
      this.#isOver = true;
      return;
    }
    if (this.#isOver) throw wrong('nothing behind the end of the archive', 'another entry');
    const entry = entryOf(this.#header);
    this.#sink.entry(entry);
    this.#isOpen = true;
    this.#left = entry.bytes;
    this.#padding = (BLOCK_BYTES - (entry.bytes % BLOCK_BYTES)) % BLOCK_BYTES;
    if (this.#left === 0) this.#close();
  }

  #close(): void {
    this.#isOpen = false;
    this.#sink.end();
  }
}

function entryOf(header: Buffer): TarEntry {
  const sum = header.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 32 : byte), 0);
  if (sum !== numberAt(header, 148, 8)) throw wrong('a tar header', 'one with a wrong checksum');
  const name = textAt(header, 0, 100);
  const kind = kindOf(header.toString('latin1', 156, 157), name);
  return {
    kind,
    path: safePath(name),
    bytes: kind === 'file' ? numberAt(header, 124, 12) : 0,
    mode: numberAt(header, 100, 8) & 0o777,
    link: textAt(header, 157, 100),
  };
}

function kindOf(flag: string, name: string): TarEntry['kind'] {
  if (flag === '0') return 'file';
  if (flag === '5') return 'folder';
  if (flag === '2') return 'link';
  throw wrong('files, folders and links', `an entry of kind "${oneLine(flag)}" (${oneLine(name)})`);
}

function safePath(name: string): string {
  const parts = name.split('/').filter((part, at, all) => part !== '' || at < all.length - 1);
  if (parts[0] === '.') parts.shift();
  if (parts.some((part) => part === '' || part === '.' || part === '..')) {
    throw wrong('names within the data folder', oneLine(name));
  }
  return parts.join('/');
}

/** Octal text, or base 256 where the first bit is set, as for files above 8 GiB. */
function numberAt(header: Buffer, at: number, length: number): number {
  const field = header.subarray(at, at + length);
  if ((field[0] ?? 0) & 0x80) {
    const value = field.readBigUInt64BE(length - 8);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw wrong('a size', `${value}`);
    return Number(value);
  }
  const text = textAt(field, 0, length).trim();
  if (!/^[0-7]*$/.test(text)) throw wrong('an octal number', oneLine(text));
  return Number.parseInt(text || '0', 8);
}

function textAt(header: Buffer, at: number, length: number): string {
  const field = header.subarray(at, at + length);
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end < 0 ? length : end);
}

function wrong(expected: string, found: string): HoldfastError {
  return new HoldfastError('HF_RECOVERY_DAMAGED', {
    expected,
    found,
    hint: 'Take another recovery point; a PostgreSQL server does not write this.',
  });
}
