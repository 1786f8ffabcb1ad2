/**
 * How well a target could be brought back right now, out of what lies in its vaults and what drills and
 * proofs found. It is never greener than its evidence:
 *
 *   red    nothing proven, or the newest proven point is older than it may be, or the WAL stands still,
 *          or a vault was refuted
 *   amber  proven and fresh, but only on this machine, or the vault could not be tried
 *   green  a point that a drill proved, fresh, in a vault that refused every credential we broker
 *
 * A clock that went back makes nothing younger: an age is never below zero, and what claims to come
 * from the future counts as not proven.
 */
import { NEVER, NOTHING_PROVEN, type RecoveryFacts } from '../model/recovery-facts.ts';
import type { DrillResult } from './drills/drill-result.ts';
import type { RecoveryPoint } from './recovery-point.ts';
import type { VaultColour } from './vaults/vault.ts';

/** What was promised for a target, in holdfast.yaml. */
export interface RecoveryPromise {
  readonly rpoMs: number;
  readonly rtoMs: number;
  /** A proven point older than this is red. */
  readonly provenAgeMsMax: number;
}

export interface VaultEvidence {
  readonly vault: string;
  readonly colour: VaultColour;
  /** By trying to destroy a canary with every credential; null: not tried yet. */
  readonly proof: 'proven' | 'refuted' | 'unknown' | null;
  readonly points: readonly RecoveryPoint[];
  readonly drills: readonly DrillResult[];
  /** Until when the WAL is durable there; null: no WAL is streamed. */
  readonly durableAt: Date | null;
  readonly troubles: readonly string[];
}

export interface Standing {
  readonly colour: VaultColour;
  /** Sentences that say why it is no better. */
  readonly because: readonly string[];
  /** Of the newest proven point; null: none. */
  readonly proven: { readonly point: string; readonly vault: string; readonly at: Date } | null;
  /** The newest proven point that lies in a vault which refused every credential. */
  readonly outside: { readonly point: string; readonly vault: string; readonly at: Date } | null;
  readonly rpoMs: number | null;
  readonly rtoMs: number | null;
}

const MINUTE_MS = 60_000;

export function standingOf(
  vaults: readonly VaultEvidence[],
  promise: RecoveryPromise,
  now: Date,
): Standing {
  const provens = vaults.flatMap((one) => provenIn(one, now));
  const newest = provens.toSorted((a, b) => b.at.getTime() - a.at.getTime());
  const [proven = null] = newest;
  const [outside = null] = newest.filter(({ isOutside }) => isOutside);
  const durable = vaults.flatMap(({ durableAt }) => (durableAt === null ? [] : [durableAt]));
  const rpoMs = durable.length === 0 ? null : ageMs(newestOf(durable), now);
  const because: string[] = [];
  if (proven === null) because.push('No recovery point has been proven by a drill.');
  else if (ageMs(proven.at, now) > promise.provenAgeMsMax) {
    because.push(`The newest proven point is ${hours(ageMs(proven.at, now))} old.`);
  }
  for (const { proof, vault } of vaults) {
    if (proof === 'refuted') because.push(`What lies in the vault ${vault} can be destroyed.`);
  }
  if (rpoMs === null) because.push('No WAL reaches a vault.');
  else if (rpoMs > promise.rpoMs) because.push(`The newest WAL is ${hours(rpoMs)} old.`);
  const isRed = because.length > 0;
  if (!isRed && outside === null) {
    because.push('What is proven lies where the same hands reach as the target.');
  }
  for (const { troubles, vault } of vaults) {
    because.push(...troubles.map((trouble) => `${vault}: ${trouble}`));
  }
  const rtoMs = proven?.drill.rtoMs ?? null;
  if (rtoMs !== null && rtoMs > promise.rtoMs) {
    because.push(
      `Coming back took ${seconds(rtoMs)} in the drill, and ${seconds(promise.rtoMs)} were promised.`,
    );
  }
  const colour = isRed ? 'red' : because.length > 0 ? 'amber' : 'green';
  return { colour, because, proven, outside, rpoMs, rtoMs };
}

export function factsOf(standing: Standing, now: Date): RecoveryFacts {
  const { colour, outside, proven, rpoMs } = standing;
  const best = outside ?? proven;
  if (best === null) return NOTHING_PROVEN;
  return {
    provenAgeMinutes: Math.ceil(ageMs(best.at, now) / MINUTE_MS),
    outsideBlastRadius: outside !== null,
    rpoSeconds: rpoMs === null ? NEVER : Math.ceil(rpoMs / 1000),
    colour,
  };
}

interface Proven {
  readonly point: string;
  readonly vault: string;
  readonly at: Date;
  readonly isOutside: boolean;
  readonly drill: DrillResult;
}

/** The last drill of a point decides: what failed after it had passed is not proven. */
function provenIn(evidence: VaultEvidence, now: Date): Proven[] {
  const { colour, drills, points, proof, vault } = evidence;
  const isOutside = proof === 'proven' && colour === 'green';
  if (proof === 'refuted') return [];
  return points.flatMap((point) => {
    const [last] = drills
      .filter((drill) => drill.point === point.id)
      .toSorted((a, b) => (a.endedAt < b.endedAt ? 1 : -1));
    const at = new Date(point.endedAt);
    if (last?.verdict !== 'passed' || at.getTime() > now.getTime() + MINUTE_MS) return [];
    return [{ point: point.id, vault, at, isOutside, drill: last }];
  });
}

function newestOf(dates: readonly Date[]): Date {
  return new Date(Math.max(...dates.map((date) => date.getTime())));
}

function ageMs(at: Date, now: Date): number {
  return Math.max(0, now.getTime() - at.getTime());
}

function seconds(ms: number): string {
  return `${Math.ceil(ms / 1000)} seconds`;
}

function hours(ms: number): string {
  const minutes = Math.round(ms / MINUTE_MS);
  return minutes < 120 ? `${minutes} minutes` : `${Math.round(minutes / 60)} hours`;
}
