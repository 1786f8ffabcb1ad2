/**
 * Reads Cedar texts into rules and finds all that is wrong with them at once: what does not parse,
 * what the schema does not know, names of targets that are not declared, ids used twice, rules that
 * can never decide. Errors make a policy unusable (P8: it refuses to start); warnings are said aloud.
 */
import {
  type DetailedError,
  type ValidationError,
  validate,
} from '@cedar-policy/cedar-wasm/nodejs';
import { findNames } from './name-check.ts';
import { lineOf, parseRules } from './parse-rules.ts';
import type { Finding, PolicySource } from './policy-source.ts';
import { PRESETS } from './presets/presets.ts';
import type { Rule } from './rule.ts';
import { doubles, idle, replacements } from './rule-conflicts.ts';
import { CEDAR_SCHEMA } from './schema.ts';

export interface RuleBook {
  /** Users' rules first, then presets: of equal verdicts the first decides. */
  readonly rules: readonly Rule[];
  readonly findings: readonly Finding[];
}

export function readRules(source: PolicySource): RuleBook {
  const findings: Finding[] = [];
  const presets = PRESETS.flatMap((preset) =>
    parseRules({ path: `preset ${preset.name}`, text: preset.text }, true, findings),
  );
  const own = source.files.flatMap((file) => parseRules(file, false, findings));
  findings.push(...replacements(own, presets, source.replaces), ...doubles(own));
  const ids = new Set(own.map((rule) => rule.id));
  const rules = [...own, ...presets.filter((rule) => !ids.has(rule.id))];
  findings.push(...validated(rules), ...own.flatMap((rule) => findNames(rule, source)));
  findings.push(...idle(rules));
  return { rules, findings };
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
