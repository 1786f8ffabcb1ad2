/**
 * Messages of the frontend/backend protocol as replication uses them ("Streaming Replication Protocol"
 * in the manual), over bytes; sockets stay outside. Bytes that come out are views of what came in.
 */
import { HoldfastError } from '../../../model/errors.ts';

export interface Message {
  /** One character: `d` is CopyData. */
  readonly tag: string;
  readonly body: Buffer;
}

/** A server's WAL message is at most 128 KiB, a timeline's history some KiB; a flood ends here. */
const MESSAGE_BYTES_MAX = 16 * 1024 * 1024;
const COPY_BYTES_MAX = 1024 * 1024;
/** Microseconds from 1970 to 2000, where PostgreSQL's clock begins. */
const POSTGRES_EPOCH_MICROS = 946_684_800_000_000n;

/** Cuts what a socket brings into messages. */
export class MessageCutter {
  readonly #bytesMax: number;
  #held: Buffer = Buffer.alloc(0);
  #wanted = 5;
  #parts: Buffer[] = [];
  #heldBytes = 0;

  constructor(bytesMax: number = MESSAGE_BYTES_MAX) {
    this.#bytesMax = bytesMax;
  }

  push(chunk: Buffer): void {
    this.#parts.push(chunk);
    this.#heldBytes += chunk.length;
    if (this.#heldBytes < this.#wanted) return;
    this.#held = this.#parts.length === 1 ? chunk : Buffer.concat(this.#parts);
    this.#parts = [this.#held];
  }

  /** Null: the next one is not here whole. */
  next(): Message | null {
    const held = this.#held;
    if (held.length < 5) return this.#wait(5);
    const length = held.readUInt32BE(1);
    if (length < 4 || length > this.#bytesMax) {
      throw new HoldfastError('HF_PROTOCOL', {
        expected: `a message of 4 to ${this.#bytesMax} bytes`,
        found: `one of ${length}`,
        hint: 'Check that the port is that of a PostgreSQL server.',
      });
    }
    if (held.length < length + 1) return this.#wait(length + 1);
    const body = held.subarray(5, length + 1);
    this.#held = held.subarray(length + 1);
    this.#parts = [this.#held];
    this.#heldBytes = this.#held.length;
    return { tag: held.toString('latin1', 0, 1), body };
  }

  #wait(bytes: number): null {
    this.#wanted = bytes;
    return null;
  }
}

export function queryMessage(text: string): Buffer {
  return message('Q', Buffer.from(`${text}\0`));
}

/** CopyData, in messages of bounded size. */
export function* copyData(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += COPY_BYTES_MAX) {
    yield message('d', bytes.subarray(at, at + COPY_BYTES_MAX));
  }
}

export const COPY_DONE: Buffer = message('c', Buffer.alloc(0));

/** Standby status update; positions are those after the last byte written, and made durable. */
export function statusUpdate(
  written: bigint,
  durable: bigint,
  now: Date,
  wantsReply: boolean,
): Buffer {
  const body = Buffer.alloc(34);
  body.write('r', 0, 'latin1');
  body.writeBigUInt64BE(written, 1);
  body.writeBigUInt64BE(durable, 9);
  // Applied: nowhere; 0 means that it is not said.
  body.writeBigUInt64BE(0n, 17);
  body.writeBigInt64BE(postgresMicros(now), 25);
  body.writeUInt8(wantsReply ? 1 : 0, 33);
  return message('d', body);
}

/** Fields of an ErrorResponse or NoticeResponse by their letter. */
export function fieldsOf(body: Buffer): ReadonlyMap<string, string> {
  const fields = body
    .toString('utf8')
    .split('\0')
    .filter((field) => field.length > 0);
  return new Map(fields.map((field) => [field.slice(0, 1), field.slice(1)]));
}

/** Of a DataRow; null is SQL's NULL. */
export function columnsOf(body: Buffer): readonly (string | null)[] {
  const count = body.readUInt16BE(0);
  let at = 2;
  return Array.from({ length: count }, () => {
    const length = body.readInt32BE(at);
    at += 4;
    if (length < 0) return null;
    at += length;
    return body.toString('utf8', at - length, at);
  });
}

/** Microseconds since 2000, as in a TimestampTz. */
export function postgresMicros(at: Date): bigint {
  return BigInt(at.getTime()) * 1000n - POSTGRES_EPOCH_MICROS;
}

function message(tag: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.write(tag, 0, 'latin1');
  head.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}
