/**
 * What one agent may do now, as far as the agent itself goes: whatever policy says of the act, it does
 * not pass beyond this. Made by `identity/`, judged by `policy/` beneath every preset, and taken from
 * memory for each unit, so that a pause counts for the next one.
 */
import type { EffectKind } from './effect.ts';

/** Why an agent may do nothing at all now. */
export interface Stop {
  readonly code: 'HF_AGENT_PAUSED' | 'HF_AGENT_EXPIRED' | 'HF_AGENT_HOURS';
  /** A sentence without its full stop, for agent and people. */
  readonly reason: string;
  readonly hint: string;
}

/** The same object for as long as nothing in it changes: judges cache by its identity. */
export interface Allowance {
  /** Null: it may work now. */
  readonly stop: Stop | null;
  /** Names; null: any. An empty set is none. */
  readonly environments: ReadonlySet<string> | null;
  readonly targets: ReadonlySet<string> | null;
  /** Null: each kind. */
  readonly effectKinds: ReadonlySet<EffectKind> | null;
}

/** For who is no agent of the store: explaining policy, policy tests. */
export const ANYTHING: Allowance = {
  stop: null,
  environments: null,
  targets: null,
  effectKinds: null,
};

/** Ids of the rules by which an agent's own limits refuse; they stand in the trail and in refusals. */
export const ALLOWANCE_RULES = {
  HF_AGENT_PAUSED: 'agent.paused',
  HF_AGENT_EXPIRED: 'agent.expired',
  HF_AGENT_HOURS: 'agent.hours',
  HF_AGENT_SCOPE: 'agent.scope',
  HF_AGENT_EFFECT: 'agent.effect-kinds',
} as const;
export type AllowanceCode = keyof typeof ALLOWANCE_RULES;

/** Null: another rule. */
export function allowanceCodeOf(rule: string): AllowanceCode | null {
  switch (rule) {
    case 'agent.paused':
      return 'HF_AGENT_PAUSED';
    case 'agent.expired':
      return 'HF_AGENT_EXPIRED';
    case 'agent.hours':
      return 'HF_AGENT_HOURS';
    case 'agent.scope':
      return 'HF_AGENT_SCOPE';
    case 'agent.effect-kinds':
      return 'HF_AGENT_EFFECT';
    default:
      return null;
  }
}
