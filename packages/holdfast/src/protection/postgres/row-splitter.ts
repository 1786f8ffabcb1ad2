/**
 * COPY text of one capture table, as bytes in any pieces, into chunks of one transaction each. A line
 * feed ends a row (in text format one inside a value is written as \n), and a row begins with its seq.
 *
 * Pure over bytes; what waits is bounded: a chunk goes out when it is full, all of them when together
 * they are too much.
 */
import { DRAIN_WAITING_BYTES_MAX, UNDO_CHUNK_BYTES_MAX } from '../../model/limits.ts';
import type { RowChunk } from '../undo-store.ts';

const LINE_FEED = 0x0a;
const TAB = 0x09;
const ZERO = 0x30;

/** Transactions by the seq of their statements. */
export type TxidOfSeq = ReadonlyMap<number, string>;

interface Waiting {
  readonly pieces: Buffer[];
  bytes: number;
  rows: number;
  nextPart: number;
}

export interface SplitterLimits {
  readonly chunkBytesMax: number;
  readonly waitingBytesMax: number;
}

const LIMITS: SplitterLimits = {
  chunkBytesMax: UNDO_CHUNK_BYTES_MAX,
  waitingBytesMax: DRAIN_WAITING_BYTES_MAX,
};

export async function* splitRows(
  shapeId: bigint,
  txidOfSeq: TxidOfSeq,
  data: AsyncIterable<Buffer>,
  limits: SplitterLimits = LIMITS,
): AsyncIterable<RowChunk> {
  const splitter = new Splitter(shapeId, txidOfSeq, limits);
  let begun: Buffer[] = [];
  for await (const piece of data) {
    const end = piece.lastIndexOf(LINE_FEED) + 1;
    if (end === 0) {
      if (piece.length > 0) begun.push(Buffer.from(piece));
      continue;
    }
    const lines = begun.length === 0 ? piece.subarray(0, end) : joined(begun, piece, end);
    begun = end < piece.length ? [Buffer.from(piece.subarray(end))] : [];
    yield* splitter.take(lines);
  }
  if (begun.length > 0) throw new Error('a COPY ended in the midst of a row');
  yield* splitter.rest();
}

function joined(begun: readonly Buffer[], piece: Buffer, end: number): Buffer {
  return Buffer.concat([...begun, piece.subarray(0, end)]);
}

class Splitter {
  readonly #shapeId: bigint;
  readonly #txidOfSeq: TxidOfSeq;
  readonly #limits: SplitterLimits;
  readonly #waiting = new Map<string, Waiting>();
  #bytes = 0;

  constructor(shapeId: bigint, txidOfSeq: TxidOfSeq, limits: SplitterLimits) {
    this.#shapeId = shapeId;
    this.#txidOfSeq = txidOfSeq;
    this.#limits = limits;
  }

  /** Whole lines; what is kept of them is copied. */
  *take(lines: Buffer): Iterable<RowChunk> {
    for (let from = 0; from < lines.length; ) {
      const run = this.#runAt(lines, from);
      yield* this.#add(run.txid, lines.subarray(from, run.end), run.rows);
      from = run.end;
    }
    if (this.#bytes > this.#limits.waitingBytesMax) yield* this.rest();
  }

  *rest(): Iterable<RowChunk> {
    for (const [txid, waiting] of this.#waiting) {
      if (waiting.bytes > 0) yield this.#out(txid, waiting);
    }
  }

  /** Lines in a row of one transaction, as many as fit into a chunk and at least one. */
  #runAt(lines: Buffer, from: number): { end: number; rows: number; txid: string } {
    let txid: string | null = null;
    let end = from;
    let rows = 0;
    while (end < lines.length) {
      const next = this.#txidAt(lines, end);
      if (txid !== null && next !== txid) break;
      const lineEnd = lines.indexOf(LINE_FEED, end) + 1;
      if (txid !== null && lineEnd - from > this.#limits.chunkBytesMax) break;
      txid = next;
      end = lineEnd;
      rows += 1;
    }
    return { end, rows, txid: txid ?? '' };
  }

  #txidAt(lines: Buffer, at: number): string {
    let seq = 0;
    for (let place = at; ; place += 1) {
      const byte = lines[place] ?? TAB;
      if (byte === TAB) break;
      seq = seq * 10 + (byte - ZERO);
    }
    const txid = this.#txidOfSeq.get(seq);
    if (txid === undefined) throw new Error(`captured rows of statement ${seq}, which is not read`);
    return txid;
  }

  *#add(txid: string, run: Buffer, rows: number): Iterable<RowChunk> {
    let waiting = this.#waiting.get(txid);
    if (waiting === undefined) {
      waiting = { pieces: [], bytes: 0, rows: 0, nextPart: 0 };
      this.#waiting.set(txid, waiting);
    }
    const { chunkBytesMax } = this.#limits;
    if (waiting.bytes > 0 && waiting.bytes + run.length > chunkBytesMax) {
      yield this.#out(txid, waiting);
    }
    waiting.pieces.push(Buffer.from(run));
    waiting.bytes += run.length;
    waiting.rows += rows;
    this.#bytes += run.length;
    if (waiting.bytes >= chunkBytesMax) yield this.#out(txid, waiting);
  }

  #out(txid: string, waiting: Waiting): RowChunk {
    const [only] = waiting.pieces;
    const data = waiting.pieces.length === 1 && only ? only : Buffer.concat(waiting.pieces);
    const chunk = {
      txid,
      shapeId: this.#shapeId,
      part: waiting.nextPart,
      data,
      rows: waiting.rows,
    };
    this.#bytes -= waiting.bytes;
    waiting.pieces.length = 0;
    waiting.bytes = 0;
    waiting.rows = 0;
    waiting.nextPart += 1;
    return chunk;
  }
}
