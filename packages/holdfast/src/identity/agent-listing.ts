/** Agents as people see them: what was said of each, what is left of it under its parents, its tokens. */
import type { EffectKind } from '../model/effect.ts';
import { type EffectiveScope, effectiveScope, stopAt } from './agent-scope.ts';
import type { AgentOwner, AgentSnapshot, Pause, TokenRecord } from './agent-store.ts';
import { workingHoursText } from './working-hours.ts';

export type ListedToken = Pick<
  TokenRecord,
  'id' | 'environment' | 'targets' | 'issuedAt' | 'expiresAt' | 'lastUse'
>;

/** What it may with everything its parents may not taken off; null: any, each, always, never. */
interface ListedScope {
  readonly environments: readonly string[] | null;
  readonly targets: readonly string[] | null;
  readonly effectKinds: readonly EffectKind[] | null;
  /** All of them have to be open. */
  readonly workingHours: readonly string[];
  readonly expiresAt: Date | null;
}

export interface AgentListing {
  readonly id: string;
  readonly name: string;
  readonly addedAt: Date;
  readonly purpose: string;
  readonly owner: AgentOwner | null;
  readonly environments: readonly string[];
  readonly targets: readonly string[];
  readonly effectKinds: readonly EffectKind[] | null;
  /** As it is written: `Mon-Fri 08:00-19:00 Europe/Lisbon`. */
  readonly workingHours: string | null;
  readonly expiresAt: Date | null;
  /** By name. */
  readonly parent: string | null;
  readonly children: readonly string[];
  readonly paused: Pause | null;
  readonly state: 'active' | 'paused' | 'expired' | 'off-hours';
  /** Why it is not active; null: it is. */
  readonly stop: string | null;
  readonly effective: ListedScope;
  /** Live ones: not revoked, not expired. */
  readonly tokens: readonly ListedToken[];
}

const STATES = {
  HF_AGENT_PAUSED: 'paused',
  HF_AGENT_EXPIRED: 'expired',
  HF_AGENT_HOURS: 'off-hours',
} as const;

export function listingsOf({ agents, tokens }: AgentSnapshot, now: Date): AgentListing[] {
  const byId = new Map(agents.map((agent) => [agent.id, agent]));
  return agents.map((agent) => {
    const { id, name, parentId, workingHours } = agent;
    const scope = effectiveScope(agent, byId);
    const stop = stopAt(scope, name, now);
    return {
      id,
      name,
      addedAt: agent.addedAt,
      purpose: agent.purpose,
      owner: agent.owner,
      environments: agent.environments,
      targets: agent.targets,
      effectKinds: agent.effectKinds,
      workingHours: workingHours === null ? null : workingHoursText(workingHours),
      expiresAt: agent.expiresAt,
      parent: parentId === null ? null : (byId.get(parentId)?.name ?? 'unknown'),
      children: agents.filter((one) => one.parentId === id).map((one) => one.name),
      paused: agent.paused,
      state: stop === null ? 'active' : STATES[stop.code],
      stop: stop?.reason ?? null,
      effective: listed(scope),
      tokens: tokens.filter(({ agentId }) => agentId === id).map(withoutKeys),
    };
  });
}

function listed(scope: EffectiveScope): ListedScope {
  const { effectKinds, environments, expiresAt, hours, targets } = scope;
  return {
    environments: environments === null ? null : [...environments],
    targets: targets === null ? null : [...targets],
    effectKinds: effectKinds === null ? null : [...effectKinds],
    workingHours: hours.map(workingHoursText),
    expiresAt,
  };
}

/** A list goes into JSON, and what checks a token is nobody's business there. */
function withoutKeys(token: TokenRecord): ListedToken {
  const { environment, expiresAt, id, issuedAt, lastUse, targets } = token;
  return { id, environment, targets, issuedAt, expiresAt, lastUse };
}
