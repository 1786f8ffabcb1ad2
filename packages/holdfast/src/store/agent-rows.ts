/** Agents and tokens between our tables and the house. What a column says that nobody can read narrows. */
import type { Selectable } from 'kysely';
import type {
  AgentOwner,
  AgentRecord,
  AgentSettings,
  Pause,
  TokenRecord,
  TokenUse,
} from '../identity/agent-store.ts';
import { NEVER, readWorkingHours, workingHoursText } from '../identity/working-hours.ts';
import { EFFECT_KINDS, type EffectKind } from '../model/effect.ts';
import { PROTOCOL_NAMES } from '../model/target.ts';
import type { AgentsTable, TokensTable } from './tables.ts';

type AgentRow = Selectable<AgentsTable>;

export function agentOf(row: AgentRow, owner: AgentOwner | null): AgentRecord {
  const { working_hours: hours } = row;
  return {
    id: row.id,
    name: row.name,
    salt: row.salt,
    addedAt: row.added_at,
    purpose: row.purpose,
    owner,
    environments: row.environments,
    targets: row.targets,
    effectKinds: row.effect_kinds?.filter(isEffectKind) ?? null,
    workingHours: hours === null ? null : (readWorkingHours(hours) ?? NEVER),
    expiresAt: row.expires_at,
    parentId: row.parent_id,
    paused: pauseOf(row),
  };
}

function pauseOf(row: AgentRow): Pause | null {
  if (row.paused_at === null) return null;
  return { at: row.paused_at, by: row.paused_by ?? 'somebody', note: row.paused_note ?? '' };
}

function isEffectKind(word: string): word is EffectKind {
  return EFFECT_KINDS.some((kind) => kind === word);
}

export function rowOfAgent(agent: AgentRecord) {
  return {
    id: agent.id,
    name: agent.name,
    salt: agent.salt,
    added_at: agent.addedAt,
    parent_id: agent.parentId,
    ...columnsOfSettings(agent),
    ...columnsOfPause(agent.paused),
  };
}

function columnsOfSettings(settings: AgentSettings) {
  const { effectKinds, environments, expiresAt, owner, purpose, targets, workingHours } = settings;
  return {
    purpose,
    owner_id: owner?.id ?? null,
    environments: [...environments],
    targets: [...targets],
    effect_kinds: effectKinds === null ? null : [...effectKinds],
    working_hours: workingHours === null ? null : workingHoursText(workingHours),
    expires_at: expiresAt,
  };
}

/** Those columns that `change` speaks of. */
export function columnsOfChange(change: Partial<AgentSettings>): Partial<Selectable<AgentsTable>> {
  const { effectKinds, environments, expiresAt, owner, purpose, targets, workingHours } = change;
  return {
    ...(purpose === undefined ? {} : { purpose }),
    ...(owner === undefined ? {} : { owner_id: owner?.id ?? null }),
    ...(environments === undefined ? {} : { environments: [...environments] }),
    ...(targets === undefined ? {} : { targets: [...targets] }),
    ...(effectKinds === undefined
      ? {}
      : { effect_kinds: effectKinds === null ? null : [...effectKinds] }),
    ...(workingHours === undefined
      ? {}
      : { working_hours: workingHours === null ? null : workingHoursText(workingHours) }),
    ...(expiresAt === undefined ? {} : { expires_at: expiresAt }),
  };
}

export function columnsOfPause(pause: Pause | null) {
  return {
    paused_at: pause?.at ?? null,
    paused_by: pause?.by ?? null,
    paused_note: pause?.note ?? null,
  };
}

export function tokenOf(row: Selectable<TokensTable>): TokenRecord {
  return {
    id: row.id,
    agentId: row.agent_id,
    tokenHash: row.token_hash,
    storedKey: row.stored_key,
    serverKey: row.server_key,
    environment: row.environment,
    targets: row.targets,
    issuedAt: row.issued_at,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
    lastUse: useOf(row),
  };
}

function useOf(row: Selectable<TokensTable>): TokenUse | null {
  const { last_protocol: word, last_source: source, last_used_at: at } = row;
  const protocol = PROTOCOL_NAMES.find((name) => name === word);
  if (at === null || protocol === undefined) return null;
  return { at, source: source ?? '', protocol };
}
