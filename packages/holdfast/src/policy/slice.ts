/**
 * Which rules can apply to an action at a level, by their scope alone. Cedar pays for each policy in
 * the set (facts: about 2 us a policy), so it is handed only these. Conditions are never weighed
 * here: a rule is left out only when its scope cannot match. `slice.test.ts` holds slices against
 * the full set.
 */
import type { EntityUidJson } from '@cedar-policy/cedar-wasm/nodejs';
import type { EffectKind } from '../model/effect.ts';
import type { EnvironmentLevel } from '../model/target.ts';
import type { Rule } from './rule.ts';

export function appliesTo(rule: Rule, action: EffectKind, level: EnvironmentLevel): boolean {
  return actionMatches(rule, action) && levelMatches(rule, level);
}

function actionMatches(rule: Rule, action: EffectKind): boolean {
  const scope = rule.json.action;
  if (scope.op === 'All') return true;
  const named = 'entities' in scope ? scope.entities : 'entity' in scope ? [scope.entity] : null;
  if (named === null) return true;
  return named.some((uid) => {
    const { id } = typeAndId(uid);
    return id === action || (scope.op === 'in' && id === 'change' && action !== 'read');
  });
}

/** Targets and environments are not looked up: one may be in any level as far as this tells. */
function levelMatches(rule: Rule, level: EnvironmentLevel): boolean {
  const scope = rule.json.resource;
  if (scope.op !== 'in' || !('entity' in scope)) return true;
  const { type, id } = typeAndId(scope.entity);
  return type !== 'Level' || id === level;
}

function typeAndId(uid: EntityUidJson): { readonly type: string; readonly id: string } {
  return '__entity' in uid ? uid.__entity : uid;
}
