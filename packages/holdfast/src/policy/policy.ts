/**
 * Policy: which verdict stands for what an agent asks. Rules are Cedar, presets per level plus the
 * user's own, in this order: texts -> rules (checked whole) -> slices -> answers -> verdicts.
 *
 * What it will not do: read SQL, know people or time, forward what failed to be judged, or start
 * with a policy that has an error in it (P8).
 */
import { createHash } from 'node:crypto';
import type { ObjectRef, ObjectType } from '../model/effect.ts';
import { HoldfastError } from '../model/errors.ts';
import { POLICY_NAMES_MAX } from '../model/limits.ts';
import type { Vocabulary } from './acts.ts';
import { Evaluator } from './evaluator.ts';
import { viewOf } from './literals.ts';
import { type Finding, type PolicySource, sentenceOf } from './policy-source.ts';
import { PRESETS } from './presets/presets.ts';
import type { Rule } from './rule.ts';
import { readRules } from './rule-book.ts';
import { CEDAR_SCHEMA, OBJECT_TYPES } from './schema.ts';

export interface Policy {
  /** 12 hex characters over everything a verdict can depend on. */
  readonly version: string;
  readonly rules: readonly Rule[];
  readonly warnings: readonly Finding[];
  readonly vocabulary: Vocabulary;
  readonly evaluator: Evaluator;
  functionsAllowed(targetName: string): ReadonlySet<string>;
  peopleIn(environmentName: string): number;
}

/** Throws HF_POLICY_INVALID with every error in the texts. */
export function loadPolicy(source: PolicySource): Policy {
  const { rules, findings } = readRules(source);
  const vocabulary = vocabularyOf(rules);
  const errors = [...findings.filter((one) => one.severity === 'error'), ...nameFindings(rules)];
  if (errors.length > 0) {
    throw new HoldfastError('HF_POLICY_INVALID', {
      expected: 'rules without errors',
      found: `${errors.length} error(s):\n${errors.map(sentenceOf).join('\n')}`,
      hint: 'Correct them, and run holdfast policy check.',
    });
  }
  const version = versionOf(source);
  const none: ReadonlySet<string> = new Set();
  const functions = new Map(source.targets.map((one) => [one.name, new Set(one.functionsAllowed)]));
  const people = new Map(source.environments.map((one) => [one.name, one.people]));
  return {
    version,
    rules,
    warnings: findings.filter((one) => one.severity === 'warning'),
    vocabulary,
    evaluator: new Evaluator(rules, version),
    functionsAllowed: (name) => functions.get(name) ?? none,
    peopleIn: (name) => people.get(name) ?? 1,
  };
}

function vocabularyOf(rules: readonly Rule[]): Vocabulary {
  const schemas = new Set<string>();
  const objects = new Map<string, ObjectRef>();
  for (const view of rules.map(viewOf)) {
    const named = view.words('schema');
    for (const schema of named) schemas.add(schema);
    const types = OBJECT_TYPES.filter((type) => view.words('objectType').includes(type));
    for (const name of view.words('name')) {
      for (const schema of [null, ...named]) {
        for (const type of new Set<ObjectType>(['table', ...types])) {
          objects.set(JSON.stringify([type, schema, name]), { type, schema, name });
        }
      }
    }
  }
  return { schemas: [...schemas], objects: [...objects.values()] };
}

/** More names than a sweep could be tried with. */
export function nameFindings(rules: readonly Rule[]): Finding[] {
  const vocabulary = vocabularyOf(rules);
  const count = vocabulary.objects.length + vocabulary.schemas.length;
  if (count <= POLICY_NAMES_MAX) return [];
  return [
    {
      severity: 'error',
      where: 'policy.files',
      expected: `at most ${POLICY_NAMES_MAX} names of schemas and objects`,
      found: String(count),
      hint: 'Name whole schemas, or use `like` with a common beginning.',
    },
  ];
}

function versionOf(source: PolicySource): string {
  const all = [CEDAR_SCHEMA, PRESETS, source];
  return createHash('sha256').update(JSON.stringify(all)).digest('hex').slice(0, 12);
}
