/** `holdfast policy check` as data: never throws for what is wrong in a policy. */
import { type ExplainedRule, explained } from './explain.ts';
import { nameFindings } from './policy.ts';
import type { Finding, PolicySource } from './policy-source.ts';
import { readRules } from './rule-book.ts';

export interface PolicyCheck {
  /** Errors first; with one of them Holdfast does not start. */
  readonly findings: readonly Finding[];
  /** In the order in which equal verdicts decide. */
  readonly rules: readonly ExplainedRule[];
}

export function checkPolicy(source: PolicySource): PolicyCheck {
  const { rules, findings } = readRules(source);
  const all = [...findings, ...nameFindings(rules)];
  const errors = all.filter((one) => one.severity === 'error');
  const warnings = all.filter((one) => one.severity === 'warning');
  return { findings: [...errors, ...warnings], rules: rules.map(explained) };
}
