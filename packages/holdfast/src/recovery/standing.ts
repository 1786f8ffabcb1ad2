/**
 * How well a target could be brought back right now, out of what lies in its vaults and what drills and
 * proofs found. It is never greener than its evidence:
 *
 *   red    nothing proven, or the newest proven point is older than it may be, or the WAL stands still,
 *          or a vault was refuted. What lies in a vault that is red itself is not proven
 *   amber  proven and fresh, but only on this machine, or the vault could not be tried, or what lies
 *          outside is old, or no drill compared its rows with a witness
 *   green  a point that a drill proved against its witness, fresh and with fresh WAL, in a vault that
 *          refused every credential we broker
 *
 * What was proven is the point.json that the drill read, by its digest, and it is no younger than the
 * first drill of it: whoever can write into the vault can write another, and that one proves nothing.
 * What would be lost counts for a point that is proven, as far as what was streamed leads on from it: what
 * came after a gap is of no use to a point before it, until one after the gap is proven.
 *
 * A clock that went back makes nothing younger: an age is never below zero, and what claims to come
 * from the future counts as not proven.
 */
import { NEVER, NOTHING_PROVEN, type RecoveryFacts } from '../model/recovery-facts.ts';
import type { DrillResult } from './drills/drill-result.ts';
import { type GapDrill, gapDrillWords } from './gap-drill.ts';
import type { PointReaches } from './point-reach.ts';
import type { StoredPoint } from './recovery-point.ts';
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
  readonly points: readonly StoredPoint[];
  readonly drills: readonly DrillResult[];
  /** Until when the WAL is durable there; null: no WAL is streamed. */
  readonly durableAt: Date | null;
  /** Until when each point brings back all that committed, by its digest; missing as null: nothing is known. */
  readonly reaches: PointReaches;
  /** Left out: no gap asks for a drill there. */
  readonly gapDrill?: GapDrill | null;
  /** What that is of; left out: WAL. */
  readonly by?: 'WAL' | 'changes' | 'dump';
  readonly troubles: readonly string[];
}

export interface Proven {
  readonly point: string;
  readonly vault: string;
  readonly at: Date;
  /** Of what leads on from it in that vault; null: nothing does. */
  readonly rpoMs: number | null;
}

export interface Standing {
  readonly colour: VaultColour;
  /** Sentences that say why it is no better. */
  readonly because: readonly string[];
  /** The newest proven point; null: none. */
  readonly proven: Proven | null;
  /** The newest proven point that lies in a vault which refused every credential. */
  readonly outside: Proven | null;
  /** The least over all that is proven; where nothing is, of the newest WAL in any vault. */
  readonly rpoMs: number | null;
  readonly rtoMs: number | null;
}

const MINUTE_MS = 60_000;

export function standingOf(
  vaults: readonly VaultEvidence[],
  promise: RecoveryPromise,
  now: Date,
): Standing {
  const newest = vaults
    .flatMap((one) => provenIn(one, now))
    .toSorted((a, b) => b.at.getTime() - a.at.getTime());
  const [proven = null] = newest;
  const [outside = null] = newest.filter(({ isOutside }) => isOutside);
  const durable = vaults.flatMap(({ durableAt }) => (durableAt === null ? [] : [durableAt]));
  const lost =
    newest.length > 0
      ? newest.flatMap((one) => (one.rpoMs === null ? [] : [one.rpoMs]))
      : durable.map((at) => ageMs(at, now));
  const rpoMs = lost.length === 0 ? null : Math.min(...lost);
  const red: string[] = [];
  if (proven === null) red.push('No recovery point has been proven by a drill.');
  else if (ageMs(proven.at, now) > promise.provenAgeMsMax) {
    red.push(`The newest proven point is ${hours(ageMs(proven.at, now))} old.`);
  }
  for (const { proof, vault } of vaults) {
    if (proof === 'refuted') red.push(`What lies in the vault ${vault} can be destroyed.`);
  }
  if (rpoMs === null) {
    red.push(
      durable.length === 0
        ? 'No WAL reaches a vault.'
        : 'Nothing that was streamed leads on from what is proven.',
    );
  } else if (rpoMs > promise.rpoMs) {
    const least = newest.find((one) => one.rpoMs === rpoMs);
    const newestBy = vaults.find(
      ({ durableAt: at }) => at !== null && ageMs(at, now) === rpoMs,
    )?.by;
    if (least?.isCut === true) red.push(...cutWords(least, rpoMs, now));
    else red.push(oldWords(newestBy, '', rpoMs));
  }
  const amber: string[] = [];
  if (red.length === 0 && outside === null) {
    amber.push('What is proven lies where the same hands reach as the target.');
  }
  const best = outside ?? proven;
  if (best !== null && red.length === 0) amber.push(...shortOf(best, promise, now));
  for (const { colour, proof, troubles, vault } of vaults) {
    if (colour === 'red' && proof !== 'refuted') {
      amber.push(`The vault ${vault} is red: what lies there does not count as proven.`);
    }
    amber.push(...troubles.map((trouble) => `${vault}: ${trouble}`));
  }
  const rtoMs = proven?.rtoMs ?? null;
  if (rtoMs !== null && rtoMs > promise.rtoMs) {
    amber.push(
      `Coming back took ${seconds(rtoMs)} in the drill, and ${seconds(promise.rtoMs)} were promised.`,
    );
  }
  const colour = red.length > 0 ? 'red' : amber.length > 0 ? 'amber' : 'green';
  return { colour, because: [...red, ...amber], proven, outside, rpoMs, rtoMs };
}

function oldWords(by: VaultEvidence['by'], where: string, rpoMs: number): string {
  if (by !== 'dump')
    return `The newest ${by ?? 'WAL'}${where} ${by === 'changes' ? 'are' : 'is'} ${hours(rpoMs)} old.`;
  return `The newest dump${where} is of ${hours(rpoMs)} ago, and what came after it is lost with the target.`;
}

/** There is newer, and it is of no use to that point. */
function cutWords({ by, gapDrill, point, vault }: Found, rpoMs: number, now: Date): string[] {
  const due = gapDrill ? [gapDrillWords(gapDrill, vault, now)] : [];
  if (by === 'dump') {
    const words = `The newest proven dump, ${point} in ${vault}, is of ${hours(rpoMs)} ago, and what came after it is lost with the target.`;
    return [words, ...due];
  }
  const words = `From ${point} in ${vault}, which is proven, ${by ?? 'WAL'} ${by === 'changes' ? 'lead' : 'leads'} on to ${hours(rpoMs)} ago only: what came after a gap counts when a newer point is proven.`;
  return [words, ...due];
}

/** Of what would be restored after the worst: its age, its WAL, and what the drill compared. */
function shortOf(best: Found, promise: RecoveryPromise, now: Date): string[] {
  const { isCompared, isOutside, rpoMs, vault } = best;
  const short: string[] = [];
  if (isOutside && ageMs(best.at, now) > promise.provenAgeMsMax) {
    short.push(`The newest proven point outside is ${hours(ageMs(best.at, now))} old.`);
  }
  if (rpoMs === null) short.push(`No WAL reaches ${vault}, where it lies.`);
  else if (rpoMs > promise.rpoMs) {
    if (best.isCut) short.push(...cutWords(best, rpoMs, now));
    else short.push(oldWords(best.by, ` in ${vault}`, rpoMs));
  }
  if (!isCompared) short.push(`No drill compared the rows of ${best.point} with a witness.`);
  return short;
}

/** Of the vault that counts, its age and its WAL both: two vaults are not one good one. */
export function factsOf(standing: Standing, now: Date): RecoveryFacts {
  const { colour, outside, proven } = standing;
  const best = outside ?? proven;
  if (best === null) return NOTHING_PROVEN;
  return {
    provenAgeMinutes: Math.ceil(ageMs(best.at, now) / MINUTE_MS),
    outsideBlastRadius: outside !== null,
    rpoSeconds: best.rpoMs === null ? NEVER : Math.ceil(best.rpoMs / 1000),
    colour,
  };
}

interface Found extends Proven {
  readonly by: VaultEvidence['by'];
  readonly gapDrill: GapDrill | null;
  readonly isOutside: boolean;
  /** The vault has newer than leads on from it. */
  readonly isCut: boolean;
  /** With the witness, by a drill that passed. */
  readonly isCompared: boolean;
  readonly rtoMs: number | null;
}

/** The last drill of a point decides: what failed after it had passed is not proven. */
function provenIn(evidence: VaultEvidence, now: Date): Found[] {
  const { colour, drills, durableAt, points, proof, reaches, vault } = evidence;
  if (proof === 'refuted' || colour === 'red') return [];
  const isApart = proof === 'proven' && colour === 'green';
  return points.flatMap((point) => {
    const mine = drills
      .filter((drill) => drill.point === point.id)
      .toSorted((a, b) => (a.endedAt < b.endedAt ? 1 : -1));
    const [last] = mine;
    // What the vault refused to destroy are its own files, and those of this point lie elsewhere.
    const isOutside = isApart && point.repository === undefined;
    const starts = mine.map(({ startedAt }) => new Date(startedAt).getTime());
    // A dump is of the moment that it began with.
    const whole = new Date(point.engine === 'dump' ? point.startedAt : point.endedAt).getTime();
    const at = new Date(Math.min(whole, ...starts));
    const isFuture = new Date(point.endedAt).getTime() > now.getTime() + MINUTE_MS;
    if (last?.verdict !== 'passed' || last.pointDigest !== point.digest || isFuture) return [];
    const isCompared = mine.some(
      ({ checks, pointDigest, verdict }) =>
        verdict === 'passed' &&
        pointDigest === point.digest &&
        checks.some(({ name }) => name === 'tables'),
    );
    const reach = reaches.get(point.digest) ?? null;
    const rpoMs = reach === null ? null : ageMs(reach, now);
    const isCut = reach !== null && (durableAt === null || reach < durableAt);
    const found = { point: point.id, vault, at, rpoMs, isOutside, isCut, isCompared };
    const { by, gapDrill = null } = evidence;
    return [{ ...found, rtoMs: last.rtoMs, by, gapDrill }];
  });
}

function ageMs(at: Date, now: Date): number {
  return Math.max(0, now.getTime() - at.getTime());
}

function seconds(ms: number): string {
  return `${Math.ceil(ms / 1000)} seconds`;
}

function hours(ms: number): string {
  const minutes = Math.round(ms / MINUTE_MS);
  if (minutes < 120) return minutes === 1 ? '1 minute' : `${minutes} minutes`;
  const whole = Math.round(minutes / 60);
  return whole < 72 ? `${whole} hours` : `${Math.floor(whole / 24)} days`;
}
