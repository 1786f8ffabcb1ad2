/**
 * What may leave a local vault, and what never may: pure, over the facts of its units.
 *
 * A unit (a pack, or the file of a large object) may go when each object in it was watched for as long
 * as it was to be kept, when the wall clock is past its date as well, and when nothing of the newest
 * recovery point lies in it. Then it is said, and it goes 48 watched hours later.
 */
import { VAULT_PENDING_MS, VAULT_RETAIN_MS_MIN } from '../../../model/limits.ts';
import type { StoredEntry } from './entry.ts';
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

export interface RetentionFacts {
  readonly nowMs: number;
  readonly watchedMs: number;
  /** Whether something of the newest recovery point lies in it, or it may still grow. */
  readonly isKept: (name: string, unit: Unit) => boolean;
}

export interface Due {
  readonly expiring: readonly string[];
  readonly expired: readonly string[];
}

export function dueOf(units: ReadonlyMap<string, Unit>, facts: RetentionFacts): Due {
  const expiring: string[] = [];
  const expired: string[] = [];
  for (const [name, unit] of units) {
    const isDue = facts.watchedMs >= unit.dueWatchedMs && facts.nowMs >= unit.dueMs;
    if (!isDue || facts.isKept(name, unit)) continue;
    if (unit.expiringMs === null) expiring.push(name);
    else if (facts.watchedMs - unit.expiringMs >= VAULT_PENDING_MS) expired.push(name);
  }
  return { expiring, expired };
}
