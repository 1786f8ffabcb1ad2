/**
 * What an agent may, with everything its parents may not taken off: environments, targets, kinds of
 * effects, hours, expiry, a pause. `effectiveScope` is the one place where it is worked out, in this
 * order: the agent itself, its parent, the parent of that, up to one without a parent.
 *
 * A child can only narrow, at any depth. Ancestors that cannot be followed to an end (one is missing,
 * one comes twice, there are too many) leave nothing at all. What it will not do: read a clock or a store.
 */
import type { Allowance, Stop } from '../model/allowance.ts';
import type { EffectKind } from '../model/effect.ts';
import { AGENT_DEPTH_MAX } from '../model/limits.ts';
import type { AgentRecord, AgentSettings, Pause } from './agent-store.ts';
import { isOpenAt, type WorkingHours, workingHoursText } from './working-hours.ts';

export interface EffectiveScope {
  /** Names; null: any. An empty set is none. */
  readonly environments: ReadonlySet<string> | null;
  readonly targets: ReadonlySet<string> | null;
  /** Null: each kind. */
  readonly effectKinds: ReadonlySet<EffectKind> | null;
  /** It works while all of them are open. */
  readonly hours: readonly WorkingHours[];
  readonly expiresAt: Date | null;
  /** Of itself, else of the nearest ancestor that is paused. */
  readonly pausedBy: { readonly agent: string; readonly pause: Pause } | null;
}

/** What narrows, of one agent. */
export type Narrowing = Omit<AgentSettings, 'purpose' | 'owner'> &
  Pick<AgentRecord, 'name' | 'paused'>;

export type ScopedAgent = Narrowing & Pick<AgentRecord, 'id' | 'parentId'>;

const NO_LIMITS: EffectiveScope = {
  environments: null,
  targets: null,
  effectKinds: null,
  hours: [],
  expiresAt: null,
  pausedBy: null,
};

/** By their ids, `agent` itself needs not be among them. */
export function effectiveScope(
  agent: ScopedAgent,
  agents: ReadonlyMap<string, ScopedAgent>,
): EffectiveScope {
  let scope = narrowed(NO_LIMITS, agent);
  const seen = new Set([agent.id]);
  for (let { parentId } = agent; parentId !== null; ) {
    const parent = agents.get(parentId);
    if (parent === undefined || seen.has(parentId) || seen.size >= AGENT_DEPTH_MAX) {
      return nothing(agent.name);
    }
    seen.add(parentId);
    scope = narrowed(scope, parent);
    parentId = parent.parentId;
  }
  return scope;
}

function narrowed(scope: EffectiveScope, agent: Narrowing): EffectiveScope {
  const { effectKinds, environments, expiresAt, paused, targets, workingHours } = agent;
  return {
    environments: meet(scope.environments, namesOf(environments)),
    targets: meet(scope.targets, namesOf(targets)),
    effectKinds: meet(scope.effectKinds, effectKinds),
    hours: workingHours === null ? scope.hours : [...scope.hours, workingHours],
    expiresAt: earlier(scope.expiresAt, expiresAt),
    pausedBy: scope.pausedBy ?? (paused === null ? null : { agent: agent.name, pause: paused }),
  };
}

function nothing(agent: string): EffectiveScope {
  const note = 'its parents cannot be followed to an end';
  return {
    environments: new Set(),
    targets: new Set(),
    effectKinds: new Set(),
    hours: [],
    expiresAt: null,
    pausedBy: { agent, pause: { at: new Date(0), by: 'Holdfast', note } },
  };
}

/** An agent's own empty list means any; in a scope that is null. */
function namesOf(names: readonly string[]): readonly string[] | null {
  return names.length === 0 ? null : names;
}

function meet<T>(scope: ReadonlySet<T> | null, own: readonly T[] | null): ReadonlySet<T> | null {
  if (own === null) return scope;
  return new Set(scope === null ? own : own.filter((one) => scope.has(one)));
}

function earlier(a: Date | null, b: Date | null): Date | null {
  if (a === null || b === null) return a ?? b;
  return a.getTime() <= b.getTime() ? a : b;
}

const ASK = 'Stop here and tell whoever gave you the task; do not look for another way in.';

/** Null: it may work at that moment. */
export function stopAt(
  { expiresAt, hours, pausedBy }: EffectiveScope,
  name: string,
  now: Date,
): Stop | null {
  if (pausedBy !== null) return pauseStop(name, pausedBy);
  if (expiresAt !== null && expiresAt.getTime() <= now.getTime()) {
    const reason = `agent ${name} was set up until ${expiresAt.toISOString()}, and that is over`;
    return { code: 'HF_AGENT_EXPIRED', reason, hint: ASK };
  }
  const shut = hours.find((one) => !isOpenAt(one, now));
  if (shut === undefined) return null;
  const reason = `agent ${name} works ${workingHoursText(shut)}, and it is outside of that now`;
  const hint = 'Wait until its hours begin, or ask a person; do not look for another way in.';
  return { code: 'HF_AGENT_HOURS', reason, hint };
}

function pauseStop(name: string, { agent, pause }: NonNullable<EffectiveScope['pausedBy']>): Stop {
  const who = agent === name ? `agent ${name}` : `agent ${agent}, the parent of ${name},`;
  const why = pause.note === '' ? '' : `: ${pause.note}`;
  return { code: 'HF_AGENT_PAUSED', reason: `${who} was paused by ${pause.by}${why}`, hint: ASK };
}

export function allowanceOf(scope: EffectiveScope, stop: Stop | null): Allowance {
  const { effectKinds, environments, targets } = scope;
  return { stop, environments, targets, effectKinds };
}

/**
 * The targets a token is good for: what it names and the agent may, or, empty, all of its environment.
 * Null: none, so that it opens nothing. `targets` empty: what the agent may.
 */
export function tokenTargets(
  scope: EffectiveScope,
  environment: string,
  targets: readonly string[],
): readonly string[] | null {
  if (scope.environments !== null && !scope.environments.has(environment)) return null;
  const allowed = scope.targets;
  if (allowed === null) return targets;
  const left = targets.length === 0 ? [...allowed] : targets.filter((one) => allowed.has(one));
  return left.length === 0 ? null : left;
}

/** How `settings` would be wider than `parent` is; half sentences, empty when they only narrow. */
export function widerThan(
  parent: EffectiveScope,
  settings: Pick<AgentSettings, 'environments' | 'targets' | 'effectKinds' | 'expiresAt'>,
): readonly string[] {
  const { effectKinds, environments, expiresAt, targets } = settings;
  const beyond = <T extends string>(what: string, own: readonly T[], may: ReadonlySet<T> | null) =>
    may === null ? [] : own.filter((one) => !may.has(one)).map((one) => `${what} ${one}`);
  const isLater =
    parent.expiresAt !== null &&
    expiresAt !== null &&
    expiresAt.getTime() > parent.expiresAt.getTime();
  return [
    ...beyond('environment', environments, parent.environments),
    ...beyond('target', targets, parent.targets),
    ...beyond('effects', effectKinds ?? [], parent.effectKinds),
    ...(isLater ? [`expiry ${expiresAt.toISOString()}`] : []),
  ];
}
