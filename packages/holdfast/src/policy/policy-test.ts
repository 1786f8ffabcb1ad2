/** `holdfast policy test` as data: users' own cases, judged by the judge that will run. */

import type { Reading } from '../model/effect.ts';
import { UNPROTECTED } from '../model/reversal.ts';
import type { Target, TargetFacts } from '../model/target.ts';
import type { Verdict } from '../model/verdict.ts';
import type { Judge } from './judge.ts';

export interface PolicyCase {
  readonly name: string;
  readonly target: string;
  readonly agent: string;
  readonly sql: string;
  readonly searchPath: readonly string[];
  readonly expect: {
    readonly verdict: Verdict['kind'];
    readonly rule: string | null;
    readonly people: number | null;
  };
}

export interface PolicyCaseResult {
  readonly name: string;
  readonly verdict: Verdict;
  /** Half sentences; empty when the case passed. */
  readonly differences: readonly string[];
}

export interface CaseRead {
  readonly reading: Reading;
  readonly searchPath: readonly string[];
}

export interface PolicyCaseParts {
  readonly judge: Judge;
  resolve(facts: TargetFacts): Target;
  /**
   * What the statement does, and where its unqualified names are then looked up. Handed in: policy
   * itself never looks at text.
   */
  read(sql: string, searchPath: readonly string[]): CaseRead | Promise<CaseRead>;
}

export async function runPolicyTests(
  cases: readonly PolicyCase[],
  parts: PolicyCaseParts,
): Promise<PolicyCaseResult[]> {
  const results: PolicyCaseResult[] = [];
  for (const one of cases) {
    const { reading, searchPath } = await parts.read(one.sql, one.searchPath);
    const scope = {
      actor: { kind: 'agent', id: one.agent, name: one.agent, tokenId: 'policy-test' } as const,
      target: parts.resolve({ asked: one.target, searchPath }),
      searchPath,
      protection: UNPROTECTED,
    };
    const verdict = parts.judge.judge(scope, reading, []);
    results.push({ name: one.name, verdict, differences: differences(one.expect, verdict) });
  }
  return results;
}

function differences(expected: PolicyCase['expect'], verdict: Verdict): string[] {
  const people = verdict.kind === 'hold' ? verdict.people : null;
  const found: string[] = [];
  const compare = (what: string, wanted: string | number, got: string | number | null): void => {
    if (wanted !== got) found.push(`expected ${what} ${wanted}, found ${got ?? 'none'}`);
  };
  compare('verdict', expected.verdict, verdict.kind);
  if (expected.rule !== null) compare('rule', expected.rule, verdict.rule);
  if (expected.people !== null) compare('people', expected.people, people);
  return found;
}
