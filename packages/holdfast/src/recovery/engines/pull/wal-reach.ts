/**
 * Up to where WAL leads on from one point to the next, by what is listed. Over a change of timeline it is
 * followed as it was streamed: the newer one begins with the segment in which the older one ends. Pure.
 */
import { lsnOf, segmentStart } from '../../lsn.ts';
import type { RecoveryPoint } from '../../recovery-point.ts';
import type { WalListing } from './wal-listing.ts';

/** `whole`: it leads to where the next one begins. `cut`: it ends before, with what was stored then. */
export type WalBetween =
  | { readonly kind: 'whole' }
  /** Null: nothing of it lies there. */
  | { readonly kind: 'cut'; readonly at: Date | null };

type Wal = NonNullable<RecoveryPoint['wal']>;

/** `next` null: as far as it goes. */
export function walBetween(from: Wal, next: Wal | null, listing: WalListing): WalBetween {
  const goal = next === null ? null : lsnOf(next.startLsn);
  const last = next?.timeline ?? listing.timelines.at(-1) ?? from.timeline;
  const begin = lsnOf(from.startLsn);
  if (begin === null || (next !== null && goal === null)) return { kind: 'cut', at: null };
  let position = begin;
  let timeline = from.timeline;
  let at: Date | null = null;
  for (;;) {
    const isLast = timeline === last;
    const gone = followed(listing, timeline, position, isLast ? goal : null);
    at = later(at, gone.at);
    if (isLast && goal !== null && gone.to >= goal) return { kind: 'whole' };
    const following = listing.timelines.find((one) => one > timeline && one <= last);
    const start = following === undefined ? null : listing.startOf(following);
    if (following === undefined || start === null || start > gone.to) return { kind: 'cut', at };
    timeline = following;
    position = start;
  }
}

/** On one timeline; no farther than `goal`. */
function followed(
  listing: WalListing,
  timeline: number,
  from: bigint,
  goal: bigint | null,
): { readonly to: bigint; readonly at: Date | null } {
  const size = BigInt(listing.segmentBytes);
  let start = segmentStart(from, listing.segmentBytes);
  let to = start;
  let at: Date | null = null;
  for (;;) {
    const pieces = listing.piecesOf({ timeline, start });
    for (const { object } of pieces) at = later(at, object.storedAt);
    const end = pieces.at(-1)?.to ?? 0;
    to = start + BigInt(end);
    if (end < listing.segmentBytes || (goal !== null && to >= goal)) return { to, at };
    start += size;
  }
}

function later(one: Date | null, other: Date | null): Date | null {
  if (one === null || other === null) return one ?? other;
  return one > other ? one : other;
}
