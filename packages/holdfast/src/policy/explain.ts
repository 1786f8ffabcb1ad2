/** Why a verdict stands: for `holdfast policy explain`, as data. */
import { type Effect, isHarmless, type Reading } from '../model/effect.ts';
import { withRecovery } from '../model/recovery-facts.ts';
import { reversalOf, type TakingBack, takingBackOf } from '../model/reversal.ts';
import type { ReversalName, Verdict } from '../model/verdict.ts';
import type { CachedJudge } from './cached-judge.ts';
import type { Scope } from './judge.ts';
import type { Rule } from './rule.ts';

export interface ExplainedRule {
  readonly id: string;
  /** `preset guarded:12`, `policies/payments.cedar:3`. */
  readonly where: string;
  /** The Cedar, as written. */
  readonly text: string;
}

interface ExplainedEffect {
  /** For a text that could not be read whole, the first is the reader's `unknown`. */
  readonly effect: Effect;
  readonly verdict: Verdict;
  /** Null when the rules could not be asked; the verdict's reason says why. */
  readonly rule: ExplainedRule | null;
  /** The object that decided, when it is not the one in the text: what a sweep would take along. */
  readonly reached: { readonly schema: string; readonly name: string } | null;
  /** How this effect alone would be taken back; null: it changes nothing. */
  readonly reversal: ReversalName | null;
}

export interface Explanation {
  readonly policyVersion: string;
  readonly verdict: Verdict;
  /** The rule that decided; null when the rules could not be asked. */
  readonly rule: ExplainedRule | null;
  readonly effects: readonly ExplainedEffect[];
  /** Of the whole, once people have signed where somebody must; null: it only reads, or is refused. */
  readonly takingBack: TakingBack | null;
}

export function explainVerdict(judge: CachedJudge, scope: Scope, reading: Reading): Explanation {
  const verdict = judge.judge(scope, reading, []);
  const effects = judge.judgeEach(scope, reading).map(({ effect, act, answer, verdict: own }) => ({
    effect,
    verdict: own,
    rule: answer.kind === 'ruled' ? explained(answer.rule) : null,
    reversal: effect.kind === 'read' || effect.additive ? null : reversalKind(effect, scope),
    reached:
      act.name === (effect.object?.name ?? '') ? null : { schema: act.schema, name: act.name },
  }));
  const deciding = effects.find((one) => one.verdict.rule === verdict.rule);
  return {
    policyVersion: judge.version,
    verdict,
    rule: deciding?.rule ?? null,
    effects,
    takingBack: takenBack(judge, scope, reading, verdict),
  };
}

function takenBack(
  judge: CachedJudge,
  scope: Scope,
  reading: Reading,
  verdict: Verdict,
): TakingBack | null {
  if (verdict.kind === 'refuse' || isHarmless(reading)) return null;
  const { protection, recovery } = scope;
  const isMadeReversible = verdict.kind === 'protect' || judge.beneath(scope, reading) !== null;
  const undo = takingBackOf(protection, reversalOf(reading, protection), isMadeReversible);
  return withRecovery(undo, reading, recovery);
}

function reversalKind(effect: Effect, { protection }: Scope): ReversalName {
  return reversalOf({ kind: 'understood', effects: [effect] }, protection).kind;
}

export function explained(rule: Rule): ExplainedRule {
  return { id: rule.id, where: `${rule.origin}:${rule.line}`, text: rule.text };
}
