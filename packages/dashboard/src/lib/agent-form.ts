/**
 * What a person says of an agent in a form, and what of it is sent: what they did not touch is left out, so
 * that two people who change different things do not undo each other's.
 */
import type { AgentShown } from '../api/agents.ts';
import type { Body } from '../api/client.ts';

export type EffectKind = NonNullable<AgentShown['effectKinds']>[number];
export type AgentChange = NonNullable<Body<'agents.change'>>;

export const EFFECT_WORDS: Readonly<Record<EffectKind, string>> = {
  read: 'look at data',
  write: 'add rows; change and remove those that a condition picks',
  destroy: 'remove data that no condition limits: tables, volumes',
  reshape: 'change structure or settings',
  grant: 'change who may what',
  execute: 'run code whose effects are not seen: functions, DO',
  unknown: 'what Holdfast cannot tell',
};
export const EFFECT_KINDS: readonly EffectKind[] = [
  'read',
  'write',
  'destroy',
  'reshape',
  'grant',
  'execute',
  'unknown',
];

/** Every field as its control holds it; none chosen in a list is any. */
export interface AgentForm {
  readonly purpose: string;
  /** Empty: nobody. */
  readonly owner: string;
  readonly environments: readonly string[];
  readonly targets: readonly string[];
  readonly effectKinds: readonly EffectKind[];
  /** Empty: always. */
  readonly workingHours: string;
  /** A day, at whose beginning in UTC it ends; empty: never. */
  readonly expiresOn: string;
}

export const EMPTY_FORM: AgentForm = {
  purpose: '',
  owner: '',
  environments: [],
  targets: [],
  effectKinds: [],
  workingHours: '',
  expiresOn: '',
};

export function formOf(agent: AgentShown): AgentForm {
  const { environments, expiresAt, owner, purpose, targets, workingHours } = agent;
  return {
    purpose,
    // Who was removed cannot be named again.
    owner: owner === null || owner.isRemoved ? '' : owner.name,
    environments,
    targets,
    effectKinds: agent.effectKinds ?? [],
    workingHours: workingHours ?? '',
    expiresOn: expiresAt?.slice(0, 10) ?? '',
  };
}

/** What differs; empty: nothing does. */
export function changesOf(before: AgentForm, after: AgentForm): AgentChange {
  const differs = (name: keyof AgentForm): boolean =>
    JSON.stringify(before[name]) !== JSON.stringify(after[name]);
  const { environments, expiresOn, owner, targets } = after;
  const effectKinds = EFFECT_KINDS.filter((kind) => after.effectKinds.includes(kind));
  const workingHours = after.workingHours.trim();
  return {
    ...(differs('purpose') ? { purpose: after.purpose.trim() } : {}),
    ...(differs('owner') ? { owner: owner === '' ? null : owner } : {}),
    ...(differs('environments') ? { environments: [...environments] } : {}),
    ...(differs('targets') ? { targets: [...targets] } : {}),
    ...(differs('effectKinds')
      ? { effectKinds: effectKinds.length === 0 ? null : effectKinds }
      : {}),
    ...(differs('workingHours') ? { workingHours: workingHours === '' ? null : workingHours } : {}),
    ...(differs('expiresOn')
      ? { expiresAt: expiresOn === '' ? null : `${expiresOn}T00:00:00Z` }
      : {}),
  };
}

/** With or without one, in the order of `all`, what is not in it last. */
export function toggled<T extends string>(
  all: readonly T[],
  chosen: readonly T[],
  one: T,
  isOn: boolean,
): readonly T[] {
  const others = chosen.filter((name) => name !== one);
  const next = isOn ? [...others, one] : others;
  return [...all.filter((name) => next.includes(name)), ...next.filter((n) => !all.includes(n))];
}
