/**
 * Names in a rule that Cedar's schema cannot check: a target or environment that is not declared,
 * a word that `reach`, `objectType` or `code` never is. Such a rule would never match, silently.
 */
import { nearest } from '../model/nearest.ts';
import { viewOf } from './literals.ts';
import type { Finding, PolicySource } from './policy-source.ts';
import type { Rule } from './rule.ts';
import { ATTRIBUTES, CLOSED_WORDS } from './schema.ts';

export function findNames(rule: Rule, source: PolicySource): Finding[] {
  const declared: Readonly<Record<string, readonly string[]>> = {
    Target: source.targets.map((one) => one.name),
    Environment: source.environments.map((one) => one.name),
  };
  const found = [...uids(rule.json)].flatMap(({ type, id }): Finding[] => {
    const known = declared[type];
    return known === undefined || known.includes(id)
      ? []
      : [wrong(rule, `a declared ${type.toLowerCase()}`, `${type}::"${id}"`, nearest(id, known))];
  });
  const view = viewOf(rule);
  for (const attribute of ATTRIBUTES) {
    const known = CLOSED_WORDS[attribute];
    if (known === undefined) continue;
    for (const word of view.sureWords(attribute)) {
      if (known.some((one) => one.startsWith(word))) continue;
      const expected = `context.${attribute} to be one of ${known.filter(Boolean).join(', ')}`;
      found.push(wrong(rule, expected, `"${word}"`, nearest(word, known)));
    }
  }
  return found;
}

function wrong(rule: Rule, expected: string, found: string, near: string | null): Finding {
  return {
    severity: 'error',
    where: `${rule.origin}:${rule.line}`,
    expected,
    found: `${found} in ${rule.id}`,
    hint: near === null ? 'It would never match; correct the name.' : `Did you mean "${near}"?`,
  };
}

/** Every entity mentioned in the tree, `{type, id}` or `{__entity: {type, id}}`. */
function* uids(node: unknown): Generator<{ readonly type: string; readonly id: string }> {
  if (typeof node !== 'object' || node === null) return;
  if ('type' in node && 'id' in node) {
    const { type, id } = node;
    if (typeof type === 'string' && typeof id === 'string') yield { type, id };
  }
  for (const part of Object.values(node)) yield* uids(part);
}
