/**
 * What may leave a local vault, and what never may, by the facts of its units.
 *
 * A unit (a pack, or the file of a large object) may go when each object in it was watched for as long
 * as it was to be kept, when the wall clock is past its date as well, and when nothing of the newest
 * recovery point lies in it. Then it is said, and it goes 48 watched hours later.
 */
import { VAULT_PENDING_MS, VAULT_RETAIN_MS_MIN } from '../../../model/limits.ts';
import type { News, StoredEntry } from './entry.ts';
import { familyOf } from './newest-points.ts';

/** All that is stored in one file; grows with each object. */
export interface Unit {
  /** The latest of its objects: watched time from which, and wall time from which, all may go. */
  dueWatchedMs: number;
  dueMs: number;
  /** The number of its newest line, by family (`<target>/<system>`). */
  readonly newest: Map<string, number>;
  /** Watched time at which `expiring` was said; null: not said. */
  expiringMs: number | null;
  /** The segments that list something of it. */
  readonly segments: Set<number>;
}

export function newUnit(): Unit {
  return { dueWatchedMs: 0, dueMs: 0, newest: new Map(), expiringMs: null, segments: new Set() };
}

export function growUnit(unit: Unit, entry: StoredEntry, segment: number): void {
  const retainMs = Date.parse(entry.retainUntil);
  const spanMs = Math.max(retainMs - Date.parse(entry.at), VAULT_RETAIN_MS_MIN);
  unit.dueWatchedMs = Math.max(unit.dueWatchedMs, entry.watchedMs + spanMs);
  unit.dueMs = Math.max(unit.dueMs, retainMs);
  unit.newest.set(familyOf(entry.key), entry.number);
  unit.segments.add(segment);
}

export interface Sweep {
  readonly nowMs: number;
  readonly watchedMs: number;
  readonly units: ReadonlyMap<string, Unit>;
  /** By family, the number of the line from which on nothing goes. */
  readonly from: ReadonlyMap<string, number>;
  /** Units that are still written to. */
  readonly growing: ReadonlySet<string>;
  /** Durable when it resolves. */
  readonly say: (news: readonly News[]) => Promise<void>;
  readonly remove: (unit: string) => Promise<void>;
}

/** Each takes four calls of chattr, and puts wait meanwhile; the rest goes with the next sweep. */
const REMOVED_AT_ONCE = 50;

/** Said first, then gone; a crash between the two is finished at the next start. */
export async function letGo(sweep: Sweep): Promise<void> {
  const { expiring, expired } = dueOf(sweep);
  if (expiring.length > 0) await sweep.say(expiring.map((unit) => ({ kind: 'expiring', unit })));
  for (const unit of expired.slice(0, REMOVED_AT_ONCE)) {
    await sweep.say([{ kind: 'expired', unit }]);
    await sweep.remove(unit);
  }
}

function dueOf({ units, from, growing, nowMs, watchedMs }: Sweep) {
  const expiring: string[] = [];
  const expired: string[] = [];
  for (const [name, unit] of units) {
    const isDue = watchedMs >= unit.dueWatchedMs && nowMs >= unit.dueMs;
    const isKept = [...unit.newest].some(([family, newest]) => newest >= (from.get(family) ?? 0));
    if (!isDue || isKept || growing.has(name)) continue;
    if (unit.expiringMs === null) expiring.push(name);
    else if (watchedMs - unit.expiringMs >= VAULT_PENDING_MS) expired.push(name);
  }
  return { expiring, expired };
}
