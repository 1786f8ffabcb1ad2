/**
 * The stream from the server, read as far as the relay has to understand it: where cycles end and in
 * which transaction state, errors, command tags, parameter changes, copy modes. Rows pass unread.
 *
 * It is a function over bytes: `scan` says which slices go on to the client, whole chunks as they
 * are. The only bytes it ever replaces are those of an ErrorResponse that stands for a denial.
 */
import { BACKEND, endOfString, HEADER_BYTES, messageBytes } from './frames.ts';
import type { TransactionStatus } from './messages.ts';

export interface ServerError {
  /** SQLSTATE. */
  readonly code: string;
  readonly message: string;
}

export interface ServerEvents {
  /** False: the client does not get to see it. */
  onReady(status: TransactionStatus): boolean;
  /** What goes to the client in its place; null: the error itself. */
  onError(error: ServerError, body: Buffer): Buffer | null;
  /** What goes to the client in its place; null: itself. Empty for an empty statement. */
  onCommandComplete(tag: string, type: number): Buffer | null;
  /** While watched: answers to single messages, and notices. The same answers as above. */
  onAnswer(type: number, body: Buffer): Buffer | null;
  onParameter(name: string, value: string): void;
  onCopyIn(): void;
  /** CopyBoth or bytes that are no message: the session cannot go on. */
  onServerBroken(found: string): void;
}

/** A message of interest that is longer is not gathered: only its beginning is looked at. */
const GATHER_BYTES_MAX = 64 * 1024;

const INTERESTING = new Uint8Array(256);
for (const tag of [
  BACKEND.commandComplete,
  BACKEND.copyInResponse,
  BACKEND.copyBothResponse,
  BACKEND.emptyQueryResponse,
  BACKEND.errorResponse,
  BACKEND.parameterStatus,
  BACKEND.readyForQuery,
]) {
  INTERESTING[tag] = 1;
}
/** While something stands for a statement of the client, every single answer counts. */
const WATCHED = new Uint8Array(256);
for (const tag of Object.values(BACKEND)) WATCHED[tag] = 1;

export class ServerStream {
  readonly #events: ServerEvents;
  /** Bytes still to pass of a message that nobody reads. */
  #pass = 0;
  #interesting = INTERESTING;
  #gatherBytesMax = GATHER_BYTES_MAX;
  /** Beginning of a message whose rest has not come. */
  #carry: Buffer | null = null;

  constructor(events: ServerEvents) {
    this.#events = events;
  }

  /** True when everything so far ended with a whole message: then a message of ours may follow. */
  get isBetweenMessages(): boolean {
    return this.#pass === 0 && this.#carry === null;
  }

  /**
   * Looks at every answer from here on, and gathers reports of up to `bytesMax` bytes (they hold the
   * text of the statement, twice); null: no longer.
   */
  watch(bytesMax: number | null): void {
    this.#interesting = bytesMax === null ? INTERESTING : WATCHED;
    this.#gatherBytesMax = Math.max(GATHER_BYTES_MAX, bytesMax ?? 0);
  }

  /** Calls `out` with the slices `bytes[from, to)` for the client, in order. */
  scan(
    chunk: Buffer,
    chunkBytes: number,
    out: (bytes: Buffer, from: number, to: number) => void,
  ): void {
    let bytes = chunk;
    let length = chunkBytes;
    if (this.#carry !== null) {
      bytes = Buffer.concat([this.#carry, chunk.subarray(0, chunkBytes)]);
      length = bytes.length;
      this.#carry = null;
    }
    let sent = 0;
    let at = Math.min(this.#pass, length);
    this.#pass -= at;
    while (at < length) {
      if (length - at < HEADER_BYTES) break;
      const tag = bytes[at] ?? 0;
      const size = messageBytes(bytes, at);
      if (size < 0) return this.#events.onServerBroken('a message length below 4');
      const end = at + size;
      if (this.#interesting[tag] === 1 && (end <= length || size <= this.#gatherBytesMax)) {
        if (end > length) break;
        const replacement = this.#look(tag, bytes, at + HEADER_BYTES, end);
        if (replacement !== null) {
          if (at > sent) out(bytes, sent, at);
          if (replacement.length > 0) out(replacement, 0, replacement.length);
          sent = end;
        }
      } else if (end > length) {
        if (this.#interesting[tag] === 1) this.#look(tag, bytes, at + HEADER_BYTES, length);
        this.#pass = end - length;
        at = length;
        break;
      }
      at = end;
    }
    if (at < length) this.#carry = Buffer.from(bytes.subarray(at, length));
    if (at > sent) out(bytes, sent, at);
  }

  #look(tag: number, bytes: Buffer, from: number, end: number): Buffer | null {
    switch (tag) {
      case BACKEND.readyForQuery:
        return this.#events.onReady(statusOf(bytes[from])) ? null : NOTHING;
      case BACKEND.commandComplete:
        return this.#events.onCommandComplete(
          bytes.toString('latin1', from, Math.max(from, end - 1)),
          tag,
        );
      case BACKEND.emptyQueryResponse:
        return this.#events.onCommandComplete('', tag);
      case BACKEND.errorResponse:
        return this.#events.onError(errorOf(bytes, from, end), bytes.subarray(from, end));
      case BACKEND.parameterStatus: {
        const [name, value] = stringsOf(bytes, from, end);
        this.#events.onParameter(name ?? '', value ?? '');
        return null;
      }
      case BACKEND.copyInResponse:
        this.#events.onCopyIn();
        return null;
      case BACKEND.bindComplete:
      case BACKEND.closeComplete:
      case BACKEND.noData:
      case BACKEND.noticeResponse:
      case BACKEND.parseComplete:
      case BACKEND.portalSuspended:
      case BACKEND.rowDescription:
        return this.#events.onAnswer(tag, bytes.subarray(from, end));
      default:
        this.#events.onServerBroken('CopyBothResponse, which only replication uses');
        return null;
    }
  }
}

const NOTHING = Buffer.alloc(0);

function statusOf(byte: number | undefined): TransactionStatus {
  return byte === 0x49 ? 'I' : byte === 0x54 ? 'T' : 'E';
}

/** Fields of an ErrorResponse: a type byte and a string each (manual, "Error and Notice Fields"). */
function errorOf(bytes: Buffer, from: number, end: number): ServerError {
  let code = 'XX000';
  let message = '';
  let at = from;
  while (at < end && bytes[at] !== 0) {
    const stop = endOfString(bytes, at + 1, end);
    const value = bytes.toString('utf8', at + 1, stop < 0 ? end : stop);
    if (bytes[at] === 0x43) code = value;
    if (bytes[at] === 0x4d) message = value;
    if (stop < 0) break;
    at = stop + 1;
  }
  return { code, message };
}

function stringsOf(bytes: Buffer, from: number, end: number): string[] {
  return bytes.toString('utf8', from, end).split('\0').slice(0, -1);
}
