/** `holdfast policy test` as data: users' own cases, judged by the judge that will run. */

import { ANYTHING } from '../model/allowance.ts';
import type { Reading } from '../model/effect.ts';
import { NOT_CONFIGURED, type RecoveryFacts } from '../model/recovery-facts.ts';
import {
  type Protection,
  type ProtectionLevel,
  reversalOf,
  type TakingBack,
  takingBackOf,
} from '../model/reversal.ts';
import type { Target, TargetFacts } from '../model/target.ts';
import type { Verdict } from '../model/verdict.ts';
import type { Judge } from './judge.ts';

export interface PolicyCase {
  readonly name: string;
  readonly target: string;
  readonly agent: string;
  readonly sql: string;
  readonly searchPath: readonly string[];
  /** How far its target is protected; null: as the target is. */
  readonly protection: ProtectionLevel | null;
  /** What is known of its recovery; null: none is configured. */
  readonly recovery: RecoveryFacts | null;
  readonly expect: {
    readonly verdict: Verdict['kind'];
    readonly rule: string | null;
    readonly people: number | null;
    /** How it is taken back, once people have signed where somebody must. */
    readonly undo: TakingBack['reversal'] | null;
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
  /** Of a target by its name, for cases that do not say. */
  protectionOf(target: string): Promise<Protection>;
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
    const protection =
      one.protection === null
        ? await parts.protectionOf(one.target)
        : { level: one.protection, trouble: null };
    const scope = {
      actor: { kind: 'agent', id: one.agent, name: one.agent, tokenId: 'policy-test' } as const,
      target: parts.resolve({ asked: one.target, searchPath }),
      searchPath,
      protection,
      recovery: one.recovery ?? NOT_CONFIGURED,
      allowance: ANYTHING,
    };
    const verdict = parts.judge.judge(scope, reading, []);
    const isMadeReversible =
      verdict.kind === 'protect' || parts.judge.beneath(scope, reading) !== null;
    const undo = takingBackOf(protection, reversalOf(reading, protection), isMadeReversible);
    results.push({ name: one.name, verdict, differences: differences(one.expect, verdict, undo) });
  }
  return results;
}

function differences(expected: PolicyCase['expect'], verdict: Verdict, undo: TakingBack): string[] {
  const people = verdict.kind === 'hold' ? verdict.people : null;
  const found: string[] = [];
  const compare = (what: string, wanted: string | number, got: string | number | null): void => {
    if (wanted !== got) found.push(`expected ${what} ${wanted}, found ${got ?? 'none'}`);
  };
  compare('verdict', expected.verdict, verdict.kind);
  if (expected.rule !== null) compare('rule', expected.rule, verdict.rule);
  if (expected.people !== null) compare('people', expected.people, people);
  if (expected.undo !== null) compare('undo', expected.undo, undo.reversal);
  return found;
}
