/** What is wrong between rules: ids used twice, presets replaced or not, rules that cannot decide. */
import type { Finding } from './policy-source.ts';
import type { Rule } from './rule.ts';

const at = (rule: Rule): string => `${rule.origin}:${rule.line}`;

/** A preset rule is replaced only by a rule of its id AND its mention in `policy.replaces`. */
export function replacements(
  own: readonly Rule[],
  presets: readonly Rule[],
  replaces: readonly string[],
): Finding[] {
  const findings: Finding[] = [];
  for (const id of replaces) {
    const old = presets.find((rule) => rule.id === id);
    const rule = own.find((one) => one.id === id);
    const complain = (expected: string, found: string, hint: string): void => {
      findings.push({ severity: 'error', where: 'policy.replaces', expected, found, hint });
    };
    if (old === undefined) {
      const ids = presets.filter((one) => one.fixed === null).map((one) => one.id);
      complain(`ids of preset rules: ${ids.join(', ')}`, id, 'Take it off the list.');
    } else if (old.fixed !== null) {
      complain('a rule that may be replaced', id, `It is fixed: ${old.fixed}.`);
    } else if (rule === undefined) {
      complain(`a rule with @id("${id}") in policy.files`, 'none', 'Write it, or unlist the id.');
    } else if (rule.effect !== old.effect) {
      complain(`a ${old.effect}`, `a ${rule.effect} at ${at(rule)}`, 'Narrow its conditions.');
    } else {
      findings.push({
        severity: 'warning',
        where: at(rule),
        expected: `the preset rule ${id}`,
        found: 'a replacement listed in policy.replaces',
        hint: 'This may loosen what Holdfast holds; it is named in the trail by its id.',
      });
    }
  }
  for (const rule of own) {
    if (!presets.some((one) => one.id === rule.id) || replaces.includes(rule.id)) continue;
    findings.push({
      severity: 'error',
      where: at(rule),
      expected: 'an id of its own',
      found: `${rule.id}, the id of a preset rule`,
      hint: 'Choose another id; or, to stand in for the preset, list it in policy.replaces.',
    });
  }
  return findings;
}

export function doubles(own: readonly Rule[]): Finding[] {
  const first = new Map<string, Rule>();
  return own.flatMap((rule): Finding[] => {
    const other = first.get(rule.id);
    if (other === undefined) {
      first.set(rule.id, rule);
      return [];
    }
    return [
      {
        severity: 'error',
        where: at(rule),
        expected: 'each id once',
        found: `${rule.id}, used at ${at(other)} too`,
        hint: 'Give one of them another id.',
      },
    ];
  });
}

/** Users' rules that can never make a difference. */
export function idle(rules: readonly Rule[]): Finding[] {
  const body = (rule: Rule): string =>
    JSON.stringify([
      rule.json.principal,
      rule.json.action,
      rule.json.resource,
      rule.json.conditions,
    ]);
  return rules.flatMap((rule, index): Finding[] => {
    if (rule.preset) return [];
    const finding = (found: string, hint: string): Finding[] => [
      { severity: 'warning', where: at(rule), expected: 'a rule that can decide', found, hint },
    ];
    if (rule.effect === 'permit') {
      return finding(
        `${rule.id} permits, and everything is permitted until a forbid says otherwise`,
        'To loosen a preset rule, replace it by its id: see policy.replaces in docs/policy.md.',
      );
    }
    const other = rules
      .slice(0, index)
      .find((one) => one.preset === false && body(one) === body(rule));
    if (other === undefined) return [];
    return finding(
      `${rule.id} says the same as ${other.id}`,
      'The stricter of the two decides; drop one.',
    );
  });
}
