/**
 * What WAL of a server lies in a vault, read from the keys alone: whole segments, pieces of segments, and
 * the histories of timelines. The vault is the only memory of how far the stream has come; what a
 * restore needs is worked out of the same listing.
 */

import { type SegmentPlace, segmentName, segmentPlace, timelineName } from '../../lsn.ts';
import { walPrefix } from '../../recovery-point.ts';
import type { StoredObject, Vault } from '../../vaults/vault.ts';

const HISTORY_KEY = /^([0-9A-F]{8})\.history\.lz4\.age$/;
const WHOLE_KEY = /^[0-9A-F]{8}\/([0-9A-F]{24})\.lz4\.age$/;
const PIECE_KEY = /^[0-9A-F]{8}\/([0-9A-F]{24})\.d\/([0-9A-F]{8})-([0-9A-F]{8})\.lz4\.age$/;

/** Bytes of one segment, as offsets in it. */
export interface WalPiece {
  readonly from: number;
  readonly to: number;
  readonly object: StoredObject;
}

export interface WalPosition {
  readonly timeline: number;
  readonly lsn: bigint;
}

export function wholeKey(
  target: string,
  system: string,
  place: SegmentPlace,
  segmentBytes: number,
): string {
  const name = segmentName(place, segmentBytes);
  return `${walPrefix(target, system)}${timelineName(place.timeline)}/${name}.lz4.age`;
}

export function pieceKey(
  target: string,
  system: string,
  place: SegmentPlace,
  segmentBytes: number,
  piece: Pick<WalPiece, 'from' | 'to'>,
): string {
  const name = segmentName(place, segmentBytes);
  const offset = (value: number): string => value.toString(16).toUpperCase().padStart(8, '0');
  return (
    `${walPrefix(target, system)}${timelineName(place.timeline)}/${name}.d/` +
    `${offset(piece.from)}-${offset(piece.to)}.lz4.age`
  );
}

export function historyKey(target: string, system: string, timeline: number): string {
  return `${walPrefix(target, system)}${timelineName(timeline)}.history.lz4.age`;
}

export class WalListing {
  readonly segmentBytes: number;
  readonly histories = new Map<number, StoredObject>();
  readonly #timelines = new Map<number, Map<bigint, WalPiece[]>>();
  #newestStoredAt: Date | null = null;

  constructor(segmentBytes: number) {
    this.segmentBytes = segmentBytes;
  }

  /** When the newest of it was stored. */
  get newestStoredAt(): Date | null {
    return this.#newestStoredAt;
  }

  get timelines(): readonly number[] {
    return [...this.#timelines.keys()].sort((a, b) => a - b);
  }

  add(key: string, object: StoredObject): void {
    const history = HISTORY_KEY.exec(key)?.[1];
    if (history !== undefined) this.histories.set(Number.parseInt(history, 16), object);
    const whole = WHOLE_KEY.exec(key);
    if (whole) this.#put(whole[1], { from: 0, to: this.segmentBytes, object });
    const piece = PIECE_KEY.exec(key);
    const [from, to] = [piece?.[2], piece?.[3]].map((text) => Number.parseInt(text ?? '', 16));
    if (piece && from !== undefined && to !== undefined && from < to && to <= this.segmentBytes) {
      this.#put(piece[1], { from, to, object });
    }
  }

  /** The fewest pieces that make up a segment from its start, as far as they go without a gap. */
  piecesOf({ timeline, start }: SegmentPlace): readonly WalPiece[] {
    const all = this.#timelines.get(timeline)?.get(start) ?? [];
    const chosen: WalPiece[] = [];
    for (let end = 0; ; ) {
      const next = all
        .filter(({ from, to }) => from <= end && to > end)
        .reduce<WalPiece | null>(
          (best, one) => (best === null || one.to > best.to ? one : best),
          null,
        );
      if (next === null) return chosen;
      chosen.push(next);
      end = next.to;
    }
  }

  /** Up to where WAL lies without a gap, from the segment of `from` on; null: not even that. */
  coveredTo({ timeline, lsn }: WalPosition): bigint | null {
    const size = BigInt(this.segmentBytes);
    let start = lsn - (lsn % size);
    let covered: bigint | null = null;
    for (;;) {
      const end = this.piecesOf({ timeline, start }).at(-1)?.to ?? 0;
      if (end > 0) covered = start + BigInt(end);
      if (end < this.segmentBytes) return covered !== null && covered >= lsn ? covered : null;
      start += size;
    }
  }

  /** The end of the newest segment of the newest timeline; null: there is no WAL. */
  newest(): WalPosition | null {
    const timeline = this.timelines.at(-1);
    if (timeline === undefined) return null;
    const starts = [...(this.#timelines.get(timeline)?.keys() ?? [])];
    const start = starts.reduce((last, one) => (one > last ? one : last), 0n);
    const end = this.piecesOf({ timeline, start }).at(-1)?.to ?? 0;
    return { timeline, lsn: start + BigInt(end) };
  }

  /** The beginning of the oldest segment of a timeline; null: there is none. */
  startOf(timeline: number): bigint | null {
    const starts = [...(this.#timelines.get(timeline)?.keys() ?? [])];
    return starts.reduce<bigint | null>(
      (first, one) => (first === null || one < first ? one : first),
      null,
    );
  }

  /** The end of the last byte that there is, with or without a gap before it. */
  newestOf(timeline: number): bigint | null {
    const ends = [...(this.#timelines.get(timeline) ?? [])].flatMap(([start, pieces]) =>
      pieces.map(({ to }) => start + BigInt(to)),
    );
    return ends.reduce<bigint | null>(
      (last, one) => (last === null || one > last ? one : last),
      null,
    );
  }

  /**
   * Of the segments that a restore needs, each whole: from the one of `start` up to the one of `end`, and
   * those that were begun by `until`, with the one after. Null: no end.
   */
  bytesBetween(start: bigint, end: bigint | null, until: Date | null): bigint {
    const size = BigInt(this.segmentBytes);
    let segments = 0n;
    for (const byStart of this.#timelines.values()) {
      for (const [at, pieces] of byStart) {
        if (at + size <= start || (end !== null && at > end)) continue;
        if (until === null || pieces.some(({ object }) => object.storedAt <= until)) segments += 1n;
      }
    }
    return (segments + 1n) * size;
  }

  #put(name: string | undefined, piece: WalPiece): void {
    const place = segmentPlace(name ?? '', this.segmentBytes);
    if (place === null) return;
    const segments = this.#timelines.get(place.timeline) ?? new Map<bigint, WalPiece[]>();
    this.#timelines.set(place.timeline, segments);
    segments.set(place.start, [...(segments.get(place.start) ?? []), piece]);
    const { storedAt } = piece.object;
    if (this.#newestStoredAt === null || storedAt > this.#newestStoredAt)
      this.#newestStoredAt = storedAt;
  }
}

export async function readWalListing(
  vault: Vault,
  target: string,
  system: string,
  segmentBytes: number,
): Promise<WalListing> {
  const index = new WalListing(segmentBytes);
  const prefix = walPrefix(target, system);
  for await (const object of vault.list(prefix, null)) {
    index.add(object.key.slice(prefix.length), object);
  }
  return index;
}
