/** Short ways to say scopes and readings in tests of policy. */

import { type Allowance, ANYTHING } from '../model/allowance.ts';
import type { CouldNotTell, Effect, ObjectRef, Reading } from '../model/effect.ts';
import { NOT_CONFIGURED, type RecoveryFacts } from '../model/recovery-facts.ts';
import { type Protection, UNPROTECTED } from '../model/reversal.ts';
import type { EnvironmentLevel } from '../model/target.ts';
import { CachedJudge } from '../policy/cached-judge.ts';
import type { Scope } from '../policy/judge.ts';
import { loadPolicy } from '../policy/policy.ts';
import type { PolicySource } from '../policy/policy-source.ts';

export const LEVELS = ['open', 'guarded', 'sealed'] as const;

/** An environment and a target for each level: `guarded-env` with `guarded-db`, people 1. */
export function source(cedar = '', more: Partial<PolicySource> = {}): PolicySource {
  return {
    files: cedar === '' ? [] : [{ path: 'own.cedar', text: cedar }],
    replaces: [],
    environments: LEVELS.map((level) => ({ name: `${level}-env`, people: 1 })),
    targets: LEVELS.map((level) => ({
      name: `${level}-db`,
      functionsAllowed: ['app.recalculate', 'anywhere'],
    })),
    ...more,
  };
}

export function judgeOf(cedar = '', more: Partial<PolicySource> = {}): CachedJudge {
  return new CachedJudge(loadPolicy(source(cedar, more)));
}

export function scope(
  level: EnvironmentLevel,
  searchPath: readonly string[] = ['public'],
  agent = 'cursor-backend',
  protection: Protection = UNPROTECTED,
  allowance: Allowance = ANYTHING,
  recovery: RecoveryFacts = NOT_CONFIGURED,
): Scope {
  return {
    actor: { kind: 'agent', id: `agent_${agent}`, name: agent, tokenId: 'token_1' },
    target: {
      name: `${level}-db`,
      environment: { name: `${level}-env`, level },
      protocol: 'postgres',
      resolvedBy: 'a test',
    },
    searchPath,
    protection,
    recovery,
    allowance,
  };
}

export function table(name: string, schema: string | null = null): ObjectRef {
  return { type: 'table', schema, name };
}

export function effect(kind: Effect['kind'], more: Partial<Effect> = {}): Effect {
  return {
    kind,
    verb: kind.toUpperCase(),
    object: table('cars'),
    reach: kind === 'destroy' ? 'whole' : 'rows',
    additive: false,
    why: null,
    ...more,
  };
}

export function understood(...effects: readonly Effect[]): Reading {
  return { kind: 'understood', effects };
}

export function couldNotTell(code: CouldNotTell['code'], ...effects: readonly Effect[]): Reading {
  const message = `near "x" (${code})`;
  return { kind: 'could-not-tell', effects, reason: { code, message, position: 7 } };
}
