/**
 * Which of the points that lie in a vault count, by their seals. Pure. What counts for a schedule, for an
 * increment to build on, or as the newest, is sealed by this installation for this vault, and nothing else.
 * Seals came later than points, and a vault may have been another installation's before: what is older than
 * everything of ours is shown, and restored when asked for, and never said to be planted. What is younger and
 * not ours has no business there.
 */
import type { SealVerdict } from './point-seal.ts';
import type { StoredPoint } from './recovery-point.ts';

export interface SealedPoint {
  readonly point: StoredPoint;
  readonly verdict: SealVerdict;
}

/** Each in the order that they came in. */
export interface SortedPoints {
  readonly ours: readonly StoredPoint[];
  /** From before seals: older than the first of ours. */
  readonly unsealed: readonly StoredPoint[];
  /** Of another key or vault, and older than the first of ours. */
  readonly others: readonly SealedPoint[];
  /** Not ours, and lying there as if they were. */
  readonly strangers: readonly SealedPoint[];
}

export function sortPoints(points: readonly SealedPoint[]): SortedPoints {
  const ours = points.filter(({ verdict }) => verdict === 'ours').map(({ point }) => point);
  const first = ours.reduce<StoredPoint | null>(
    (least, one) => (least === null || one.id < least.id ? one : least),
    null,
  );
  const isOlder = ({ point }: SealedPoint): boolean =>
    first === null ||
    (point.id < first.id && Date.parse(point.endedAt) < Date.parse(first.endedAt));
  const rest = points.filter(({ verdict }) => verdict !== 'ours');
  const older = rest.filter((one) => one.verdict !== 'broken' && isOlder(one));
  const isOld = new Set(older);
  return {
    ours,
    unsealed: older.filter(({ verdict }) => verdict === 'none').map(({ point }) => point),
    others: older.filter(({ verdict }) => verdict !== 'none'),
    strangers: rest.filter((one) => !isOld.has(one)),
  };
}
