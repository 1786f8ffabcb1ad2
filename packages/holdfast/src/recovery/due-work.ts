/**
 * What is due for one target in one vault, out of what lies there; pure. In this order: a first point
 * before anything else, a drill of what was just taken (small databases), the points by their schedule,
 * then proofs and drills by theirs, and last a drill that a gap asks for (`gap-drill.ts`). What was tried a
 * moment ago and left nothing behind waits: it failed, or the vault did not keep what it found, and would be due
 * again at once for ever. So does a point after a gap where each backup itself makes the next gap.
 */
import { GAP_POINT_PAUSE_MS, PROOF_EVERY_MS, RECOVERY_RETRY_MS } from '../model/limits.ts';

export const WORK_KINDS = ['backup', 'drill', 'prove'] as const;
export type WorkKind = (typeof WORK_KINDS)[number];

export interface WorkState {
  readonly now: Date;
  readonly backupEveryMs: number;
  readonly drillEveryMs: number;
  /** Of the newest that counts; null: there is none yet. */
  readonly newestPointAt: Date | null;
  /** There is a point to drill, whether it counts or not. */
  readonly canBeDrilled: boolean;
  readonly isNewestDrilled: boolean;
  readonly isSmall: boolean;
  /** There is a private key. */
  readonly canDrill: boolean;
  readonly lastDrillAt: Date | null;
  /** Whether a proof says anything here that is not known without it. */
  readonly canProve: boolean;
  readonly lastProofAt: Date | null;
  /** When work of that kind began here last, whatever came of it. */
  readonly triedAt: Readonly<Partial<Record<WorkKind, Date>>>;
  /** WAL is missing: what lies there cannot be brought forward, so a new point is due. */
  readonly needsPoint: boolean;
  /** From when on a gap asks for a drill of the newest; null: none does. */
  readonly gapDrillFrom: Date | null;
}

/** `gap-drill`: a drill as any other, and it gives way to all that is due elsewhere. */
export type DueKind = WorkKind | 'gap-drill';

export function dueWork(state: WorkState): DueKind | null {
  const { canDrill, canProve, now, triedAt } = state;
  const left = { backup: state.newestPointAt, drill: state.lastDrillAt, prove: state.lastProofAt };
  const mayTry = (kind: WorkKind): boolean => {
    const tried = triedAt[kind] ?? null;
    const found = left[kind];
    const hasLeft = tried !== null && found !== null && found >= tried;
    return hasLeft || isOlder(tried, RECOVERY_RETRY_MS, now);
  };
  const isFirst = state.newestPointAt === null;
  const isBackupDue =
    (state.needsPoint && isOlder(state.newestPointAt, gapPauseMs(state), now)) ||
    isOlder(state.newestPointAt, state.backupEveryMs, now);
  if (isFirst && mayTry('backup')) return 'backup';
  const isDrillDue =
    state.canBeDrilled &&
    ((state.isSmall && !state.isNewestDrilled) ||
      isOlder(state.lastDrillAt, state.drillEveryMs, now));
  if (isBackupDue && mayTry('backup')) return 'backup';
  if (canDrill && isDrillDue && mayTry('drill')) return 'drill';
  if (canProve && isOlder(state.lastProofAt, PROOF_EVERY_MS, now) && mayTry('prove'))
    return 'prove';
  const { canBeDrilled, gapDrillFrom } = state;
  const isGapDrillDue = canBeDrilled && gapDrillFrom !== null && gapDrillFrom <= now;
  if (canDrill && isGapDrillDue && mayTry('drill')) return 'gap-drill';
  return null;
}

/** As long as the last backup of this process took. */
function gapPauseMs({ newestPointAt, triedAt: { backup } }: WorkState): number {
  if (backup === undefined || newestPointAt === null) return 0;
  return Math.max(GAP_POINT_PAUSE_MS, newestPointAt.getTime() - backup.getTime());
}

/** The first of what is due anywhere; null: nothing is. */
export function firstOf<T extends { readonly kind: DueKind }>(due: Iterable<T>): T | null {
  let last: T | null = null;
  for (const one of due) {
    if (one.kind !== 'gap-drill') return one;
    last ??= one;
  }
  return last;
}

/** What claims to come from the future counts as old: a clock that went back must not stop the work. */
function isOlder(at: Date | null, ms: number, now: Date): boolean {
  if (at === null) return true;
  const age = now.getTime() - at.getTime();
  return age >= ms || age < -RECOVERY_RETRY_MS;
}
