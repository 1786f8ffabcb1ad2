/**
 * Asks Cedar about one act. The schema is always given and requests are validated; any error, warning
 * or failure in the answer is a refusal, because Cedar skips a `forbid` that errs and would allow.
 *
 * Rules are sliced by action and level. What no rule of a slice looks at is blanked before asking, so
 * that a thousand tables nobody names are one question, asked once.
 */
import {
  type EntityJson,
  preparsePolicySet,
  preparseSchema,
  statefulIsAuthorized,
} from '@cedar-policy/cedar-wasm/nodejs';
import { EFFECT_KINDS, type EffectKind } from '../model/effect.ts';
import { HoldfastError, messageOf } from '../model/errors.ts';
import { NOT_CONFIGURED, type RecoveryFacts } from '../model/recovery-facts.ts';
import { ENVIRONMENT_LEVELS, type EnvironmentLevel } from '../model/target.ts';
import { VERDICT_ORDER } from '../model/verdict.ts';
import type { Act } from './acts.ts';
import type { Scope } from './judge.ts';
import { viewOf } from './literals.ts';
import type { Rule, RuleVerdict } from './rule.ts';
import {
  type ActContext,
  type Attribute,
  CEDAR_SCHEMA,
  type RECOVERY_ATTRIBUTES,
} from './schema.ts';
import { appliesTo } from './slice.ts';

/** What the rules say of one act. `rule` null: they could not be asked; then it is a refusal. */
export type Answer =
  | {
      readonly kind: 'ruled';
      readonly verdict: RuleVerdict;
      readonly rule: Rule;
      /** A rule that asks for `protect`, besides or beneath the one that decides; it outlives signatures. */
      readonly protect: Rule | null;
    }
  | { readonly kind: 'failed'; readonly id: string; readonly reason: string };

interface Slice {
  /** The name of the preparsed set inside Cedar. */
  readonly name: string;
  readonly looksAt: ReadonlySet<Attribute>;
  readonly looksAtAgent: boolean;
  readonly looksAtRecovery: boolean;
}

const BLANK: ActContext = {
  verb: '',
  objectType: '',
  schema: '',
  name: '',
  reach: 'none',
  additive: false,
  listed: false,
  protected: false,
  reversal: 'none',
  lost: false,
  code: '',
};

const SCHEMA_NAME = 'holdfast';

export class Evaluator {
  readonly #rules: readonly Rule[];
  readonly #rank: ReadonlyMap<string, number>;
  readonly #version: string;
  readonly #slices = new Map<string, Slice>();
  readonly #beginnings = new WeakMap<Scope, Map<EffectKind, string>>();

  constructor(rules: readonly Rule[], version: string) {
    this.#rules = rules;
    this.#rank = new Map(rules.map((rule, index) => [rule.id, index]));
    this.#version = version;
    const parsed = preparseSchema(SCHEMA_NAME, CEDAR_SCHEMA);
    if (parsed.type === 'failure') throw broken('our own schema', parsed.errors[0]?.message);
    // All slices now: a set that Cedar does not take must stop the start, not the first DELETE.
    for (const level of ENVIRONMENT_LEVELS) {
      for (const action of EFFECT_KINDS) this.#sliceOf(action, level);
    }
  }

  /** Equal keys have equal answers: whatever the answer can depend on is in the key. */
  keyOf(scope: Scope, act: Act): string {
    const slice = this.#sliceOf(act.action, scope.target.environment.level);
    let key = this.#beginningOf(scope, act.action, slice);
    for (const name of slice.looksAt) key += JSON.stringify(act[name]);
    return key;
  }

  /** The part of the key that stays the same for a scope. */
  #beginningOf(scope: Scope, action: EffectKind, slice: Slice): string {
    let known = this.#beginnings.get(scope);
    if (known === undefined) {
      known = new Map();
      this.#beginnings.set(scope, known);
    }
    let beginning = known.get(action);
    if (beginning === undefined) {
      const { name, protocol, environment } = scope.target;
      const agent = slice.looksAtAgent ? scope.actor.name : null;
      const recovery = slice.looksAtRecovery ? recoveryAttributes(scope.recovery) : null;
      const parts = [agent, name, protocol, environment.name, environment.level, action, recovery];
      beginning = JSON.stringify(parts);
      known.set(action, beginning);
    }
    return beginning;
  }

  evaluate(scope: Scope, act: Act): Answer {
    try {
      const slice = this.#sliceOf(act.action, scope.target.environment.level);
      return this.#ask(scope, act, slice);
    } catch (cause) {
      return failed(messageOf(cause));
    }
  }

  #ask(scope: Scope, act: Act, slice: Slice): Answer {
    const answer = statefulIsAuthorized({
      principal: { type: 'Agent', id: scope.actor.name },
      action: { type: 'Action', id: act.action },
      resource: { type: 'Target', id: scope.target.name },
      context: { ...contextOf(act, slice) },
      entities: entitiesOf(scope, slice),
      preparsedSchemaName: SCHEMA_NAME,
      preparsedPolicySetId: slice.name,
      validateRequest: true,
    });
    const complaint = answer.type === 'failure' ? answer.errors[0] : answer.warnings[0];
    if (answer.type === 'failure' || complaint !== undefined) {
      return failed(complaint?.message ?? 'Cedar did not say why');
    }
    const { decision, diagnostics } = answer.response;
    const error = diagnostics.errors[0];
    if (error !== undefined) return failed(`rule ${error.policyId}: ${error.error.message}`);
    const rules = diagnostics.reason.map((id) => this.#ruleOf(id));
    const rule = rules.reduce<Rule | null>((best, one) => this.#stricter(best, one), null);
    if (rule === null) {
      return { kind: 'failed', id: 'policy.no-permit', reason: 'no rule permits it' };
    }
    if ((decision === 'allow') !== (rule.effect === 'permit')) {
      return failed(`Cedar said ${decision} by ${rule.id}, a ${rule.effect}`);
    }
    const protect = rules.find((one) => one.verdict === 'protect') ?? null;
    return { kind: 'ruled', verdict: rule.verdict, rule, protect };
  }

  #ruleOf(id: string): Rule {
    const rule = this.#rules[this.#rank.get(id) ?? -1];
    if (rule === undefined) throw new Error(`Cedar names a rule that does not exist: ${id}`);
    return rule;
  }

  /** The strictest verdict; of holds the one with most people; of equals the one that comes first. */
  #stricter(a: Rule | null, b: Rule): Rule {
    if (a === null) return b;
    const order = VERDICT_ORDER.indexOf(b.verdict) - VERDICT_ORDER.indexOf(a.verdict);
    if (order !== 0) return order > 0 ? b : a;
    if (a.people !== b.people) return b.people > a.people ? b : a;
    return (this.#rank.get(b.id) ?? 0) < (this.#rank.get(a.id) ?? 0) ? b : a;
  }

  #sliceOf(action: EffectKind, level: EnvironmentLevel): Slice {
    const key = `${action}/${level}`;
    const known = this.#slices.get(key);
    if (known !== undefined) return known;
    const rules = this.#rules.filter((rule) => appliesTo(rule, action, level));
    const views = rules.map(viewOf);
    const slice: Slice = {
      name: `${this.#version}/${key}`,
      looksAt: new Set(views.flatMap((view) => [...view.attributes])),
      looksAtAgent: views.some((view) => view.looksAtAgent),
      looksAtRecovery: views.some((view) => view.looksAtRecovery),
    };
    const policies = Object.fromEntries(rules.map((rule) => [rule.id, rule.text]));
    const parsed = preparsePolicySet(slice.name, { staticPolicies: policies });
    if (parsed.type === 'failure') throw broken(key, parsed.errors[0]?.message);
    this.#slices.set(key, slice);
    return slice;
  }
}

function contextOf(act: Act, slice: Slice): ActContext {
  const pick = <Name extends Attribute>(name: Name): ActContext[Name] =>
    slice.looksAt.has(name) ? act[name] : BLANK[name];
  return {
    verb: pick('verb'),
    objectType: pick('objectType'),
    schema: pick('schema'),
    name: pick('name'),
    reach: pick('reach'),
    additive: pick('additive'),
    listed: pick('listed'),
    protected: pick('protected'),
    reversal: pick('reversal'),
    lost: pick('lost'),
    code: pick('code'),
  };
}

/** Two entities, never the tree: each costs about 34 us a call. */
function entitiesOf(scope: Scope, slice: Slice): EntityJson[] {
  const { target, actor } = scope;
  const recovery = recoveryAttributes(slice.looksAtRecovery ? scope.recovery : NOT_CONFIGURED);
  return [
    { uid: { type: 'Agent', id: actor.name }, attrs: {}, parents: [] },
    {
      uid: { type: 'Target', id: target.name },
      attrs: { protocol: target.protocol, recovery },
      parents: [
        { type: 'Environment', id: target.environment.name },
        { type: 'Level', id: target.environment.level },
      ],
    },
  ];
}

/** As the schema has it. What is no whole number there is an error of Cedar's, which is a refusal. */
export function recoveryAttributes(
  facts: RecoveryFacts,
): Record<(typeof RECOVERY_ATTRIBUTES)[number], number | boolean> {
  const { colour, outsideBlastRadius, provenAgeMinutes, rpoSeconds } = facts;
  return {
    provenAgeMinutes,
    outsideBlastRadius,
    rpoSeconds,
    configured: colour !== 'none',
    red: colour === 'red',
  };
}

function failed(reason: string): Answer {
  return { kind: 'failed', id: 'policy.error', reason: `the policy failed: ${reason}` };
}

function broken(what: string, message: string | undefined): HoldfastError {
  return new HoldfastError('HF_POLICY_INVALID', {
    expected: `Cedar to accept the rules for ${what}`,
    found: message ?? 'an error without words',
    hint: 'Run holdfast policy check.',
  });
}
