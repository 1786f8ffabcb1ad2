/**
 * What a drill found. A point is proven by a drill that passed, and by nothing else; what could not be
 * looked at never counts as passed.
 */
import type { NotCounted } from '../point-seal.ts';
import type { StoredPoint } from '../recovery-point.ts';
import type { Isolation } from './scratch-cluster.ts';

export const CHECK_NAMES = [
  'recovered',
  'tables',
  'indexes',
  'roles',
  'extensions',
  'heartbeat',
  'assertion',
] as const;
export type CheckName = (typeof CHECK_NAMES)[number];

export interface CheckResult {
  readonly name: CheckName;
  readonly end: 'passed' | 'failed' | 'could-not-run';
  /** One sentence, for people. */
  readonly said: string;
}

export interface DrillPhases {
  readonly fetchMs: number;
  readonly restoreMs: number;
  readonly replayMs: number;
  readonly firstQueryMs: number;
  readonly checkMs: number;
}

export interface DrillResult {
  readonly format: 'holdfast/drill/1';
  readonly id: string;
  readonly target: string;
  readonly vault: string;
  readonly point: string;
  /** SHA-256 of the point.json that was restored by, lower-case hex. */
  readonly pointDigest: string;
  /**
   * By the seal of the point, where it counts for nothing here, so that its drill does not, either: it came back,
   * and of one that is `foreign` nobody can tell whose it is. Left out: it counts.
   */
  readonly seal?: NotCounted | undefined;
  /** What was aimed at: a moment, or a position in the WAL. */
  readonly goal: { readonly at: string | null; readonly lsn: string | null };
  readonly startedAt: string;
  readonly endedAt: string;
  readonly phases: DrillPhases | null;
  /** From the first byte fetched to the first answer. */
  readonly rtoMs: number | null;
  /** How much older than the goal the newest commit is that came back. */
  readonly rpoMs: number | null;
  readonly checks: readonly CheckResult[];
  readonly verdict: 'passed' | 'failed' | 'could-not-run';
  readonly isolation: Isolation | null;
  /** `server_version` of what it was restored with. */
  readonly server: string | null;
}

/** Failed beats could-not-run beats passed; nothing looked at is nothing shown. */
export function verdictOf(checks: readonly CheckResult[]): DrillResult['verdict'] {
  if (checks.some(({ end }) => end === 'failed')) return 'failed';
  if (checks.length === 0 || checks.some(({ end }) => end === 'could-not-run')) {
    return 'could-not-run';
  }
  return 'passed';
}

/** Of each point the newest drill that passed or failed; what could not run says nothing. */
export function newestDecided(drills: readonly DrillResult[]): ReadonlyMap<string, DrillResult> {
  const oldestFirst = drills.toSorted((a, b) => (a.endedAt < b.endedAt ? -1 : 1));
  const decided = oldestFirst.filter(({ verdict }) => verdict !== 'could-not-run');
  return new Map(decided.map((drill) => [drill.point, drill]));
}

/** Of the very point: what another point.json under its name went through says nothing of it. */
export function isDrillOf(
  drill: DrillResult,
  { digest, id }: Pick<StoredPoint, 'id' | 'digest'>,
): boolean {
  return drill.point === id && drill.pointDigest === digest;
}

/** When the newest drill of that very point ended, if it passed; null: none did. */
export function passedAt(
  drills: readonly DrillResult[],
  point: Pick<StoredPoint, 'id' | 'digest'>,
): string | null {
  const newest = newestDecided(drills.filter((one) => isDrillOf(one, point))).get(point.id);
  return newest?.verdict === 'passed' ? newest.endedAt : null;
}
