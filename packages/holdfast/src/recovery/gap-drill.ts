/**
 * The drill that a gap asks for. After a gap nothing that is proven leads on to what is streamed now, however
 * fresh that is, until a drill of a point behind the gap has passed. A small database is drilled after each
 * backup; of a large one that drill would wait for its day, and the target is red meanwhile. So one is due at
 * once, and no storm of them, since each restores all of it:
 *
 *   once        when the newest point is proven, nothing is asked for any more, whatever the gaps before it
 *   with pauses after any drill of that vault as long as it took, and an hour at least; twice that
 *               with each that did not pass behind the gap, up to a day, when one is due anyway
 *   last        it gives way to all other work that is due (due-work.ts)
 *
 * Pure, and out of what lies in the vault, so that a restart forgets no gap; only drills that left no record
 * are remembered by whoever calls.
 */
import { DRILL_AGAIN_MS, GAP_DRILL_PAUSE_MS, GAP_DRILL_PAUSE_MS_MAX } from '../model/limits.ts';
import { type DrillResult, isDrillOf, passedAt } from './drills/drill-result.ts';
import type { StoredPoint } from './recovery-point.ts';

export interface GapDrill {
  /** The newest. */
  readonly point: string;
  /** Not before. */
  readonly from: Date;
  /** Drills behind the gap that did not pass. */
  readonly failures: number;
}

/** A drill that ended here without having passed, whatever was kept of it. */
export interface FruitlessDrill {
  /** Null: it was not known yet of which. */
  readonly point: string | null;
  readonly endedAt: Date;
}

export interface GapFacts {
  readonly now: Date;
  /** All that can be proven, oldest first. */
  readonly points: readonly StoredPoint[];
  /** Of those: between them and the newest something is missing of what was streamed (point-reach.ts). */
  readonly holed: ReadonlySet<string>;
  readonly drills: readonly DrillResult[];
  readonly fruitless: readonly FruitlessDrill[];
  /** Something is missing behind the newest, too: a new point comes first. */
  readonly hasGap: boolean;
  /** The newest is of a small database: no drill of it waits. */
  readonly isSmall: boolean;
}

/** Null: no gap lies between what is proven and the newest point, or that has been drilled already. */
export function gapDrillOf(facts: GapFacts): GapDrill | null {
  const { drills, holed, points } = facts;
  if (facts.hasGap) return null;
  const newest = points.at(-1);
  const provenAt = points.findLastIndex((point) => passedAt(drills, point) !== null);
  const proven = points[provenAt];
  if (newest === undefined || proven === undefined || !holed.has(proven.digest)) return null;
  const mine = drills.filter((drill) => isDrillOf(drill, newest));
  if (mine.some(({ verdict }) => verdict === 'failed')) return null;
  const behind = new Set(points.slice(provenAt + 1).map(({ id }) => id));
  const failures = Math.max(
    drills.filter(({ point, verdict }) => behind.has(point) && verdict !== 'passed').length,
    facts.fruitless.filter(({ point }) => point === null || behind.has(point)).length,
  );
  return { point: newest.id, from: fromOf(facts, mine, failures), failures };
}

function fromOf(facts: GapFacts, mine: readonly DrillResult[], failures: number): Date {
  const nowMs = facts.now.getTime();
  // What claims to come from the future ended just now at the latest.
  const ended = ({ endedAt }: DrillResult | FruitlessDrill): number =>
    Math.min(nowMs, new Date(endedAt).getTime());
  const couldNot = mine.map((drill) => ended(drill) + DRILL_AGAIN_MS);
  if (facts.isSmall) return new Date(Math.max(nowMs, ...couldNot));
  const pauses = facts.drills.map((drill) => ended(drill) + pauseMs(tookMs(drill), failures));
  const unkept = facts.fruitless.map((drill) => ended(drill) + pauseMs(0, failures));
  return new Date(Math.max(...couldNot, ...pauses, ...unkept));
}

function pauseMs(tookMs: number, failures: number): number {
  const pause = Math.max(tookMs, GAP_DRILL_PAUSE_MS) * 2 ** Math.max(0, failures - 1);
  return Math.min(pause, GAP_DRILL_PAUSE_MS_MAX);
}

function tookMs({ endedAt, startedAt }: DrillResult): number {
  return Math.max(0, Date.parse(endedAt) - Date.parse(startedAt));
}

/** Why a target is no better: a sentence. */
export function gapDrillWords(
  { failures, from, point }: GapDrill,
  vault: string,
  now: Date,
): string {
  const when = from <= now ? 'now' : `from ${from.toISOString()} on`;
  const because =
    failures === 0 ? '' : `, since ${failures === 1 ? 'one' : failures} before it did not pass`;
  return `A drill of ${point} in ${vault} is due because of the gap, ${when}${because}.`;
}
