/**
 * The rules beneath all presets: what the agent itself, with the agents above it, may not is refused,
 * whatever policy says of the act. They are no Cedar, since nobody may replace them.
 *
 * In this order: it is stopped (paused, expired, outside its hours), the environment or the target is not
 * its own, a kind of effect is not its own. What could not be told is of the kind `unknown`. A unit that
 * does nothing by itself (BEGIN, an empty text) is of no kind.
 */
import { ALLOWANCE_RULES } from '../model/allowance.ts';
import { EFFECT_KINDS, type EffectKind, type Reading } from '../model/effect.ts';
import type { Refuse } from '../model/verdict.ts';
import type { Scope } from './judge.ts';
import { tame } from './words.ts';

/** Null: nothing of it is barred. */
export function refusalByAllowance(
  { actor, allowance, target }: Scope,
  reading: Reading,
): Refuse | null {
  const { effectKinds, environments, stop, targets } = allowance;
  if (stop !== null) {
    const { code, hint, reason } = stop;
    return { kind: 'refuse', rule: ALLOWANCE_RULES[code], reason, hint };
  }
  const { environment, name } = target;
  if (environments !== null && !environments.has(environment.name)) {
    return outside(`agent ${actor.name} may not work in ${environment.name}`);
  }
  if (targets !== null && !targets.has(name)) {
    return outside(`agent ${actor.name} may not work on ${name}`);
  }
  if (effectKinds === null) return null;
  const what = barredIn(reading, effectKinds);
  if (what === null) return null;
  const may = EFFECT_KINDS.filter((one) => effectKinds.has(one)).join(', ') || 'nothing';
  return {
    kind: 'refuse',
    rule: ALLOWANCE_RULES.HF_AGENT_EFFECT,
    reason: `agent ${actor.name} may not ask for ${what}; it may ${may}`,
    hint: 'Leave this part to a person: say what you would have done, and ask whoever gave you the task.',
  };
}

function barredIn(reading: Reading, allowed: ReadonlySet<EffectKind>): string | null {
  const isUnknown = reading.kind === 'could-not-tell';
  if (isUnknown && !allowed.has('unknown')) return 'what nobody can tell (unknown)';
  const barred = reading.effects.find(({ kind }) => !allowed.has(kind));
  if (barred === undefined) return null;
  // Names come from the text of the agent.
  return tame(`${barred.kind} (${barred.verb})`);
}

function outside(reason: string): Refuse {
  return {
    kind: 'refuse',
    rule: ALLOWANCE_RULES.HF_AGENT_SCOPE,
    reason,
    hint: 'Stay within what you were given, or ask a person; they see it with `holdfast agents show`.',
  };
}
