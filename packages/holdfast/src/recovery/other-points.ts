/**
 * What lies in a vault from before ours and counts for nothing here: of another installation, or of ours in
 * another vault. How much it is, and how far it reaches: for people who look for a way back. It is said by its own
 * words and by what a listing shows, and nothing is decided by it.
 */
import { wholeFrom } from './clocks.ts';
import type { PointReach } from './point-reach.ts';
import { reachOf } from './reach.ts';
import type { StoredPoint } from './recovery-point.ts';
import type { VaultReport } from './target-report.ts';
import type { FoundRecords } from './vault-records.ts';
import type { Vault } from './vaults/vault.ts';

type Found = Pick<FoundRecords, 'others' | 'otherRecords' | 'points'>;

/** Null: there is nothing of the kind. */
export async function otherPoints(
  { otherRecords, others, points }: Found,
  vault: Vault,
  reach: PointReach,
): Promise<VaultReport['others']> {
  const oldestFirst = others
    .map(({ point }) => point)
    .toSorted((a, b) => wholeFrom(a).getTime() - wholeFrom(b).getTime());
  const [oldest] = oldestFirst;
  const newest = oldestFirst.at(-1);
  if (oldest === undefined || newest === undefined) return null;
  const to = await reachOfOther(newest, points[0] ?? null, vault, reach);
  return {
    points: others.length,
    foreign: others.filter(({ verdict }) => verdict === 'foreign').length,
    records: otherRecords,
    from: wholeFrom(oldest).toISOString(),
    to: to.toISOString(),
    newest: newest.id,
  };
}

/**
 * Everything that committed until then comes back from it, as far as a listing tells. No farther than to `first`,
 * the oldest of ours, with which what we streamed begins; null: there is none.
 */
export async function reachOfOther(
  point: StoredPoint,
  first: StoredPoint | null,
  vault: Vault,
  reach: PointReach,
): Promise<Date> {
  const whole = wholeFrom(point);
  const last = first === null ? null : wholeFrom(first);
  const at = await (first === null || last === null
    ? untilItEnds(point, vault, reach)
    : reach.of([point, first], last).then(({ reaches }) => reaches.get(point.digest)));
  const bound = at && last && at > last ? last : at;
  return bound && bound > whole ? bound : whole;
}

async function untilItEnds(
  point: StoredPoint,
  vault: Vault,
  reach: PointReach,
): Promise<Date | null> {
  const found = await reachOf([point], null, vault, async () =>
    point.engine === 'pull' ? reach.endOf(point) : null,
  );
  return found.window?.to ?? null;
}
