/**
 * Changes as they lie in a vault: pieces, each of whole transactions one after the other, from one
 * position in the WAL to another. A transaction too large for one is cut, and what was cut counts only
 * when its last part is there; one that was broken off and sent anew lies there twice, under the name of
 * its session, and the one that reaches farther is read.
 *
 *   <target>/<system>/changes/<from>/<session>-<part>-<to>.lz4.age    positions in 16 hexadecimal digits
 *                                                                     `more`: the next part goes on
 *
 * A piece stands for itself: how a table is built is said in it before the first row of the table. Inside:
 * `HFC1`, from, to and the server's time in microseconds since 2000 (8 bytes each), then messages of
 * pgoutput: 8 bytes position, 4 bytes length, bytes. Numbers are big-endian.
 */
import { HoldfastError } from '../../../model/errors.ts';
import { changesPrefix } from '../../recovery-point.ts';
import type { StoredObject, Vault } from '../../vaults/vault.ts';
import { tableOf, tagOf } from './pgoutput.ts';

const MAGIC = Buffer.from('HFC1');
const HEADER_BYTES = MAGIC.length + 24;
const FRAME_BYTES = 12;
const KEY = /^([0-9A-F]{16})\/([0-9a-f]{8})-([0-9A-F]{4})-([0-9A-F]{16}|more)\.lz4\.age$/;

export interface ChangeMessage {
  readonly lsn: bigint;
  readonly bytes: Buffer;
}

/** What lies between two positions, in the order of its parts. */
export interface ChangePiece {
  readonly from: bigint;
  readonly to: bigint;
  readonly parts: readonly StoredObject[];
}

export interface PiecePlace {
  readonly from: bigint;
  /** 8 hexadecimal digits, another at each start. */
  readonly session: string;
  readonly part: number;
  /** Null: another part follows. */
  readonly to: bigint | null;
}

export function pieceKey(target: string, system: string, place: PiecePlace): string {
  const { from, part, session, to } = place;
  const number = part.toString(16).toUpperCase().padStart(4, '0');
  const end = to === null ? 'more' : digits(to);
  return `${changesPrefix(target, system)}${digits(from)}/${session}-${number}-${end}.lz4.age`;
}

export function piecePlace(name: string): PiecePlace | null {
  const [, from, session, part, to] = KEY.exec(name) ?? [];
  if (from === undefined || session === undefined || part === undefined) return null;
  return {
    from: BigInt(`0x${from}`),
    session,
    part: Number.parseInt(part, 16),
    to: to === undefined || to === 'more' ? null : BigInt(`0x${to}`),
  };
}

/** Whole pieces only, in the order of where they begin. */
export async function listPieces(
  vault: Vault,
  target: string,
  system: string,
): Promise<readonly ChangePiece[]> {
  const prefix = changesPrefix(target, system);
  const groups = new Map<string, Map<number, { to: bigint | null; object: StoredObject }>>();
  for await (const object of vault.list(prefix, null)) {
    const place = piecePlace(object.key.slice(prefix.length));
    if (place === null) continue;
    const name = `${digits(place.from)}/${place.session}`;
    const group = groups.get(name) ?? new Map();
    // A part that ends the piece is worth more than the same one sent before it was known to.
    if (place.to !== null || !group.has(place.part)) {
      group.set(place.part, { to: place.to, object });
    }
    groups.set(name, group);
  }
  const pieces: ChangePiece[] = [];
  for (const [name, group] of groups) {
    const parts: StoredObject[] = [];
    for (let part = group.get(0); part !== undefined; part = group.get(parts.length)) {
      parts.push(part.object);
      if (part.to === null) continue;
      pieces.push({ from: BigInt(`0x${name.slice(0, 16)}`), to: part.to, parts });
      break;
    }
  }
  return pieces;
}

/** Where what lies there ends; null: nothing does. */
export function endOf(pieces: readonly ChangePiece[]): bigint | null {
  return pieces.reduce<bigint | null>((end, { to }) => (end === null || to > end ? to : end), null);
}

export function newestStoredAt(pieces: readonly ChangePiece[]): Date | null {
  return pieces
    .flatMap(({ parts }) => parts.map(({ storedAt }) => storedAt))
    .reduce<Date | null>((newest, at) => (newest === null || at > newest ? at : newest), null);
}

/** The pieces that lead on from a position without a hole; what comes behind one is not among them. */
export function chainFrom(pieces: readonly ChangePiece[], start: bigint): readonly ChangePiece[] {
  const sorted = pieces.toSorted((a, b) => (a.from < b.from ? -1 : a.from > b.from ? 1 : 0));
  const chain: ChangePiece[] = [];
  let at = start;
  let index = 0;
  for (;;) {
    let best: ChangePiece | null = null;
    for (; index < sorted.length; index += 1) {
      const one = sorted[index];
      if (one === undefined || one.from > at) break;
      if (one.to > at && (best === null || one.to > best.to)) best = one;
    }
    if (best === null) return chain;
    chain.push(best);
    at = best.to;
  }
}

/** Puts what has come into pieces that stand for themselves. */
export class PieceWriter {
  /** How each table is built, as last said before what is written next. */
  readonly #relations = new Map<number, Buffer>();

  write(
    messages: readonly ChangeMessage[],
    head: { readonly from: bigint; readonly to: bigint; readonly sentMicros: bigint },
  ): Buffer {
    const header = Buffer.alloc(HEADER_BYTES);
    MAGIC.copy(header);
    header.writeBigUInt64BE(head.from, 4);
    header.writeBigUInt64BE(head.to, 12);
    header.writeBigInt64BE(head.sentMicros, 20);
    const said = new Set<number>();
    const out: Buffer[] = [header];
    for (const { bytes, lsn } of messages) {
      for (const oid of tablesIn(bytes)) {
        const relation = this.#relations.get(oid);
        if (tagOf(bytes) !== 'R' && !said.has(oid) && relation !== undefined) {
          out.push(frame(lsn, relation), relation);
        }
        said.add(oid);
        if (tagOf(bytes) === 'R') this.#relations.set(oid, bytes);
      }
      out.push(frame(lsn, bytes), bytes);
    }
    return Buffer.concat(out);
  }
}

export interface OpenedPiece {
  readonly from: bigint;
  readonly to: bigint;
  /** Until when the server had sent all, by its own clock. */
  readonly sentMicros: bigint;
  readonly messages: readonly ChangeMessage[];
}

/** Throws HF_RECOVERY_DAMAGED. `of`: its key. */
export function openPiece(bytes: Buffer, of: string): OpenedPiece {
  if (bytes.length < HEADER_BYTES || !bytes.subarray(0, 4).equals(MAGIC)) throw damaged(of);
  const messages: ChangeMessage[] = [];
  for (let at = HEADER_BYTES; at < bytes.length; ) {
    if (bytes.length - at < FRAME_BYTES) throw damaged(of);
    const lsn = bytes.readBigUInt64BE(at);
    const length = bytes.readUInt32BE(at + 8);
    at += FRAME_BYTES;
    if (length === 0 || length > bytes.length - at) throw damaged(of);
    messages.push({ lsn, bytes: bytes.subarray(at, at + length) });
    at += length;
  }
  return {
    from: bytes.readBigUInt64BE(4),
    to: bytes.readBigUInt64BE(12),
    sentMicros: bytes.readBigInt64BE(20),
    messages,
  };
}

function tablesIn(message: Buffer): readonly number[] {
  const table = tableOf(message);
  if (table !== null) return [table];
  if (tagOf(message) !== 'T' || message.length < 6) return [];
  const count = Math.min(message.readUInt32BE(1), Math.floor((message.length - 6) / 4));
  return Array.from({ length: count }, (_, index) => message.readUInt32BE(6 + index * 4));
}

function frame(lsn: bigint, bytes: Buffer): Buffer {
  const head = Buffer.alloc(FRAME_BYTES);
  head.writeBigUInt64BE(lsn);
  head.writeUInt32BE(bytes.length, 8);
  return head;
}

function digits(lsn: bigint): string {
  return lsn.toString(16).toUpperCase().padStart(16, '0');
}

function damaged(of: string): HoldfastError {
  return new HoldfastError('HF_RECOVERY_DAMAGED', {
    expected: `changes as Holdfast stores them at ${of}`,
    found: 'other bytes',
    hint: 'Restore to a moment before it, or take a new recovery point.',
  });
}
