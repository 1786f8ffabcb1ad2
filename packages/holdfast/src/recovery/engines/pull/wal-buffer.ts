/**
 * WAL that has come and is not durable yet, segment by segment, and what of it to store next: a whole
 * segment when it is full, else a piece of what is new. Pure; one segment is kept from its first byte,
 * so that it can be sealed whole.
 */
import type { SegmentPlace } from '../../lsn.ts';

export interface WalJob {
  readonly place: SegmentPlace;
  readonly isWhole: boolean;
  readonly from: number;
  readonly to: number;
  readonly bytes: Uint8Array;
}

interface OpenSegment {
  readonly place: SegmentPlace;
  readonly buffer: Buffer;
  filled: number;
  durable: number;
}

export class WalBuffer {
  readonly #segmentBytes: number;
  readonly #segmentsMax: number;
  readonly #open: OpenSegment[] = [];
  #received: bigint;
  /** What is durable already of the first segment that comes. */
  #durable: bigint;
  #timeline: number;

  /** `start`: the first byte of a segment; up to `durable` nothing is stored again. */
  constructor(
    segmentBytes: number,
    bytesMax: number,
    start: bigint,
    durable: bigint,
    timeline: number,
  ) {
    this.#segmentBytes = segmentBytes;
    this.#segmentsMax = Math.max(2, Math.floor(bytesMax / segmentBytes));
    this.#received = start;
    this.#durable = durable;
    this.#timeline = timeline;
  }

  get received(): bigint {
    return this.#received;
  }

  get durable(): bigint {
    return this.#durable;
  }

  /** More should not be read before something of it is durable. */
  get isFull(): boolean {
    return this.#open.length > this.#segmentsMax;
  }

  get isDrained(): boolean {
    return this.nextJob() === null;
  }

  /** False: it does not follow what came before. */
  append(lsn: bigint, bytes: Uint8Array): boolean {
    if (lsn !== this.#received) return false;
    for (let at = 0; at < bytes.length; ) {
      const segment = this.#current();
      const taken = Math.min(bytes.length - at, this.#segmentBytes - segment.filled);
      segment.buffer.set(bytes.subarray(at, at + taken), segment.filled);
      segment.filled += taken;
      this.#received += BigInt(taken);
      at += taken;
    }
    return true;
  }

  nextJob(): WalJob | null {
    const segment = this.#open.find(({ filled, durable }) => filled > durable);
    if (!segment) return null;
    const isWhole = segment.filled === this.#segmentBytes;
    const from = isWhole ? 0 : segment.durable;
    return {
      place: segment.place,
      isWhole,
      from,
      to: segment.filled,
      bytes: segment.buffer.subarray(from, segment.filled),
    };
  }

  done(job: WalJob): void {
    const segment = this.#open.find(({ place }) => place.start === job.place.start);
    if (!segment) return;
    segment.durable = job.to;
    const durable = segment.place.start + BigInt(job.to);
    if (durable > this.#durable) this.#durable = durable;
    if (job.isWhole) this.#open.splice(this.#open.indexOf(segment), 1);
  }

  #current(): OpenSegment {
    const last = this.#open.at(-1);
    if (last && last.filled < this.#segmentBytes) return last;
    const start = this.#received;
    const already = this.#durable - start;
    const segment: OpenSegment = {
      place: { timeline: this.#timeline, start },
      buffer: Buffer.allocUnsafe(this.#segmentBytes),
      filled: 0,
      durable: already <= 0n ? 0 : Number(already),
    };
    this.#open.push(segment);
    return segment;
  }
}
