import { isAuthorized } from '@cedar-policy/cedar-wasm/nodejs';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { EFFECT_KINDS } from '../model/effect.ts';
import {
  NEVER,
  NOT_CONFIGURED,
  NOTHING_PROVEN,
  type RecoveryFacts,
} from '../model/recovery-facts.ts';
import { VERDICT_ORDER } from '../model/verdict.ts';
import { LEVELS, scope, source } from '../testing/policy-words.ts';
import type { Act } from './acts.ts';
import { recoveryAttributes } from './evaluator.ts';
import { loadPolicy, type Policy } from './policy.ts';
import { CEDAR_SCHEMA } from './schema.ts';

/** Asks Cedar with every rule there is and every fact there is: no slice, no blank, no cache. */
function wholeVerdict(policy: Policy, where: ReturnType<typeof scope>, act: Act): string {
  const { action, ...context } = act;
  const { name, environment, protocol } = where.target;
  const answer = isAuthorized({
    principal: { type: 'Agent', id: where.actor.name },
    action: { type: 'Action', id: action },
    resource: { type: 'Target', id: name },
    context,
    schema: CEDAR_SCHEMA,
    validateRequest: true,
    policies: { staticPolicies: Object.fromEntries(policy.rules.map((one) => [one.id, one.text])) },
    entities: [
      { uid: { type: 'Agent', id: where.actor.name }, attrs: {}, parents: [] },
      {
        uid: { type: 'Target', id: name },
        attrs: { protocol, recovery: recoveryAttributes(where.recovery) },
        parents: [
          { type: 'Environment', id: environment.name },
          { type: 'Level', id: environment.level },
        ],
      },
    ],
  });
  if (answer.type === 'failure') throw new Error(answer.errors[0]?.message);
  if (answer.response.diagnostics.errors.length > 0) return 'refuse';
  const verdicts = policy.rules
    .filter((rule) => answer.response.diagnostics.reason.includes(rule.id))
    .map((rule) => rule.verdict);
  return VERDICT_ORDER.findLast((one) => verdicts.includes(one)) ?? 'refuse';
}

const principals = ['principal', 'principal == Agent::"a"', 'principal is Agent'];
const actions = [
  'action',
  'action == Action::"read"',
  'action in Action::"change"',
  'action in [Action::"write", Action::"unknown"]',
];
const resources = [
  'resource',
  'resource == Target::"guarded-db"',
  'resource in Environment::"sealed-env"',
  'resource in Level::"open"',
  'resource is Target in Level::"guarded"',
  'resource is Target',
];
const conditions = [
  '',
  'when { context.name == "cars" }',
  'unless { ["public", "app"].contains(context.schema) || context.additive }',
  'when { context has verb && context.verb like "D*" }',
  'when { if context.listed then context.reach == "rows" else principal == Agent::"b" }',
  'when { context == {verb: "DROP", objectType: "table", schema: "public", name: "cars", reach: "whole", additive: false, listed: false, protected: false, reversal: "none", lost: false, code: ""} }',
  'when { resource.recovery.provenAgeMinutes > 60 }',
  'unless { resource has recovery && resource.recovery.configured && !resource.recovery.red }',
  'when { {a: resource}.a.recovery == {provenAgeMinutes: 5, outsideBlastRadius: true, rpoSeconds: 1, configured: true, red: false} }',
  'when { context.objectType == "table" && 9223372036854775807 + 1 == 0 }',
];
const verdicts = ['', '@verdict("hold")', '@verdict("protect")', '@verdict("hold") @people("2")'];

const rule = fc
  .tuple(
    fc.constantFrom(...verdicts),
    fc.constantFrom(...principals),
    fc.constantFrom(...actions),
    fc.constantFrom(...resources),
    fc.constantFrom(...conditions),
  )
  .map(([verdict, p, a, r, when]) => `${verdict} forbid (${p}, ${a}, ${r}) ${when};`);

const recoveries: readonly RecoveryFacts[] = [
  NOT_CONFIGURED,
  NOTHING_PROVEN,
  { provenAgeMinutes: 5, outsideBlastRadius: true, rpoSeconds: 1, colour: 'green' },
  { provenAgeMinutes: 5, outsideBlastRadius: false, rpoSeconds: NEVER, colour: 'red' },
];

const act: fc.Arbitrary<Act> = fc.record({
  action: fc.constantFrom(...EFFECT_KINDS),
  verb: fc.constantFrom('DROP', 'SELECT'),
  objectType: fc.constantFrom('table', 'schema', ''),
  schema: fc.constantFrom('public', 'app', '*'),
  name: fc.constantFrom('cars', 'bookings', ''),
  reach: fc.constantFrom('rows', 'whole'),
  additive: fc.boolean(),
  listed: fc.boolean(),
  protected: fc.boolean(),
  reversal: fc.constantFrom('capture', 'rename', 'none'),
  lost: fc.boolean(),
  code: fc.constantFrom('', 'syntax-error', 'unknown-statement'),
});

it('a sliced, blanked and shared decision equals the full one (property)', () => {
  let held = 0;
  fc.assert(
    fc.property(
      fc.array(rule, { minLength: 1, maxLength: 5 }),
      fc.array(
        fc.tuple(
          act,
          fc.constantFrom(...LEVELS),
          fc.constantFrom('a', 'b'),
          fc.constantFrom(...recoveries),
        ),
        {
          minLength: 4,
          maxLength: 4,
        },
      ),
      (rules, questions) => {
        const text = rules.map((one, index) => `@id("own.r${index}") ${one}`).join('\n');
        const policy = loadPolicy(source(text));
        const known = new Map<string, string>();
        for (const [one, level, agent, recovery] of questions) {
          const where = { ...scope(level, ['public'], agent), recovery };
          const answer = policy.evaluator.evaluate(where, one);
          const verdict = answer.kind === 'ruled' ? answer.verdict : 'refuse';
          expect(verdict).toBe(wholeVerdict(policy, where, one));
          // What shares a key shares the answer.
          const key = policy.evaluator.keyOf(where, one);
          expect(known.get(key) ?? verdict).toBe(verdict);
          known.set(key, verdict);
          if (verdict !== 'forward') held += 1;
        }
      },
    ),
    { numRuns: 40 },
  );
  expect(held, 'the rules must bite, or nothing was compared').toBeGreaterThan(20);
});
