/**
 * What other rules would have said to what is recorded. Each decision is judged twice, now, by the rules
 * in force and by those that are tried, from the same effects, so that a difference is the rules' alone
 * and not that of a target whose protection has changed since, or of people who signed.
 *
 * What it will not do: guess. What the record does not hold whole is counted with the reason, and judged
 * by neither.
 */
import { ANYTHING } from '../model/allowance.ts';
import type { Reading } from '../model/effect.ts';
import type { RecoveryFacts } from '../model/recovery-facts.ts';
import type { Protection } from '../model/reversal.ts';
import type { Target } from '../model/target.ts';
import type { Verdict } from '../model/verdict.ts';
import type { Judge, Scope } from './judge.ts';

/** A decision as the trail has it. */
export interface RecordedDecision {
  readonly index: number;
  readonly at: Date;
  readonly agent: { readonly id: string; readonly name: string; readonly tokenId: string };
  readonly target: string;
  /** The beginning of the text. */
  readonly text: string;
  readonly verdict: Verdict['kind'];
  /** Null: not recorded whole; `why` says what is missing. */
  readonly reading: Reading | null;
  readonly why: string;
}

export interface BacktestParts {
  readonly inForce: Judge;
  readonly tried: Judge;
  /** As it is declared now, with what is known of its protection and recovery now. */
  readonly placeOf: (target: string) => {
    readonly target: Target;
    readonly searchPath: readonly string[];
    readonly protection: Protection;
    readonly recovery: RecoveryFacts;
  };
  /** Called between decisions: others want to be answered too. */
  readonly breathe: () => Promise<void>;
}

export interface ChangedVerdict {
  readonly decision: RecordedDecision;
  readonly inForce: Verdict;
  readonly tried: Verdict;
}

export interface Backtest {
  readonly judged: number;
  /** The first CHANGED_MAX of `changedTotal`. */
  readonly changed: readonly ChangedVerdict[];
  readonly changedTotal: number;
  readonly notJudged: readonly { readonly why: string; readonly count: number }[];
}

const CHANGED_MAX = 200;
const AT_A_TIME = 10;

export async function backtest(
  decisions: readonly RecordedDecision[],
  parts: BacktestParts,
): Promise<Backtest> {
  const scopes = new Map<string, Scope>();
  const changed: ChangedVerdict[] = [];
  const notJudged = new Map<string, number>();
  let judged = 0;
  let changedTotal = 0;
  for (const [place, decision] of decisions.entries()) {
    if (place % AT_A_TIME === 0) await parts.breathe();
    const { reading, why } = decision;
    if (reading === null) {
      notJudged.set(why, (notJudged.get(why) ?? 0) + 1);
      continue;
    }
    const scope = scopeOf(decision, parts, scopes);
    const inForce = parts.inForce.judge(scope, reading, []);
    const tried = parts.tried.judge(scope, reading, []);
    judged += 1;
    if (isSame(inForce, tried)) continue;
    changedTotal += 1;
    if (changed.length < CHANGED_MAX) changed.push({ decision, inForce, tried });
  }
  return {
    judged,
    changed,
    changedTotal,
    notJudged: [...notJudged].map(([why, count]) => ({ why, count })),
  };
}

/** Judges remember by the scope itself: one per agent and target. */
function scopeOf(
  { agent, target }: RecordedDecision,
  { placeOf }: BacktestParts,
  scopes: Map<string, Scope>,
): Scope {
  const key = JSON.stringify([agent.id, agent.name, target]);
  let scope = scopes.get(key);
  if (scope === undefined) {
    scope = { actor: { kind: 'agent', ...agent }, allowance: ANYTHING, ...placeOf(target) };
    scopes.set(key, scope);
  }
  return scope;
}

/** Another rule with the same verdict changes nothing for anybody; other people to ask does. */
function isSame(one: Verdict, other: Verdict): boolean {
  const peopleOf = (verdict: Verdict): number => (verdict.kind === 'hold' ? verdict.people : 0);
  return one.kind === other.kind && peopleOf(one) === peopleOf(other);
}
