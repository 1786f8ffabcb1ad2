/**
 * Reads Cedar texts into rules and finds all that is wrong with them at once: what does not parse,
 * what the schema does not know, names of targets that are not declared, ids used twice, rules that
 * can never decide. Errors make a policy unusable (P8: it refuses to start); warnings are said aloud.
 */
import {
  type DetailedError,
  policySetTextToParts,
  policyToJson,
  type ValidationError,
  validate,
} from '@cedar-policy/cedar-wasm/nodejs';
import { findNames } from './name-check.ts';
import type { Finding, PolicySource } from './policy-source.ts';
import { PRESETS } from './presets/presets.ts';
import { type Rule, ruleOf } from './rule.ts';
import { CEDAR_SCHEMA } from './schema.ts';

export interface RuleBook {
  /** Users' rules first, then presets: of equal verdicts the first decides. */
  readonly rules: readonly Rule[];
  readonly findings: readonly Finding[];
}

export function readRules(source: PolicySource): RuleBook {
  const findings: Finding[] = [];
  const presets = PRESETS.flatMap((preset) =>
    parse({ path: `preset ${preset.name}`, text: preset.text }, true, findings),
  );
  const own = source.files.flatMap((file) => parse(file, false, findings));
  findings.push(...replacements(own, presets, source.replaces), ...doubles(own));
  const ids = new Set(own.map((rule) => rule.id));
  const rules = [...own, ...presets.filter((rule) => !ids.has(rule.id))];
  findings.push(...validated(rules), ...own.flatMap((rule) => findNames(rule, source)));
  findings.push(...idle(rules));
  return { rules, findings };
}

function parse(
  file: { readonly path: string; readonly text: string },
  preset: boolean,
  findings: Finding[],
): Rule[] {
  const answer = policySetTextToParts(file.text);
  if (answer.type === 'failure') {
    findings.push(...answer.errors.map((error) => syntaxFinding(file, error)));
    return [];
  }
  for (const template of answer.policy_templates) {
    findings.push({
      severity: 'error',
      where: `${file.path}:${lineOf(file.text, file.text.indexOf(template))}`,
      expected: 'a rule without slots',
      found: 'a template (?principal or ?resource)',
      hint: 'Name the agent or the target in the rule itself.',
    });
  }
  let from = 0;
  return answer.policies.flatMap((text) => {
    const at = Math.max(file.text.indexOf(text, from), 0);
    if (at > 0) from = at + 1;
    const line = lineOf(file.text, at);
    const json = policyToJson(text);
    if (json.type === 'failure') {
      findings.push(...json.errors.map((error) => syntaxFinding(file, error)));
      return [];
    }
    const read = ruleOf({ origin: file.path, line, preset, text }, json.json);
    if (read.kind === 'rule') return [read.rule];
    for (const complaint of read.complaints) {
      findings.push({ severity: 'error', where: `${file.path}:${line}`, ...complaint });
    }
    return [];
  });
}

function syntaxFinding(
  file: { readonly path: string; readonly text: string },
  error: DetailedError,
): Finding {
  const at = error.sourceLocations?.[0];
  return {
    severity: 'error',
    where: at === undefined ? file.path : `${file.path}:${lineOf(file.text, at.start)}`,
    expected: at?.label?.replace(/^expected /, '') ?? 'Cedar policies',
    found: error.message,
    hint: error.help ?? 'See docs/policy.md for rules that work.',
  };
}

function lineOf(text: string, offset: number): number {
  return text.slice(0, Math.max(offset, 0)).split('\n').length;
}

const at = (rule: Rule): string => `${rule.origin}:${rule.line}`;

/** A preset rule is replaced only by a rule of its id AND its mention in `policy.replaces`. */
function replacements(
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

function doubles(own: readonly Rule[]): Finding[] {
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

function validated(rules: readonly Rule[]): Finding[] {
  const byId = new Map(rules.map((rule) => [rule.id, rule]));
  const answer = validate({
    schema: CEDAR_SCHEMA,
    policies: { staticPolicies: Object.fromEntries(rules.map((rule) => [rule.id, rule.text])) },
  });
  const plain = (severity: Finding['severity'], id: string, error: DetailedError): Finding => {
    const rule = byId.get(id);
    const offset = error.sourceLocations?.[0]?.start ?? 0;
    const line = rule === undefined ? '' : `:${rule.line + lineOf(rule.text, offset) - 1}`;
    return {
      severity,
      where: `${rule?.origin ?? 'policy'}${line}`,
      expected: 'a rule that fits the schema',
      found: error.message.replace(/^for policy `[^`]*`[,:] /, ''),
      hint: error.help ?? 'See the list of actions and context attributes in docs/policy.md.',
    };
  };
  if (answer.type === 'failure') return answer.errors.map((error) => plain('error', '', error));
  const broken = new Set(answer.validationErrors.map((one) => one.policyId));
  const warnings = answer.validationWarnings.filter((one) => !broken.has(one.policyId));
  return [
    ...unique(answer.validationErrors).map((one) => plain('error', one.policyId, one.error)),
    ...unique(warnings).map((one) => plain('warning', one.policyId, one.error)),
  ];
}

/** Cedar says the same of each action that a rule covers; once a place is enough. */
function unique(errors: readonly ValidationError[]): ValidationError[] {
  const places = errors.map((one): [string, ValidationError] => {
    const { sourceLocations, help } = one.error;
    return [JSON.stringify([one.policyId, sourceLocations?.[0]?.start, help]), one];
  });
  return [...new Map(places).values()];
}

/** Users' rules that can never make a difference. */
function idle(rules: readonly Rule[]): Finding[] {
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
