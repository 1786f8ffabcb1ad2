/**
 * What is to be done about agents, their tokens and sealed credentials, as data: a pure function of what
 * there is and of the time. Codes are stable; each finding says what to do.
 *
 * `act`: something is open that should not be. `warn`: it will be, or nobody answers for it.
 */
import {
  CREDENTIAL_WARN_MS,
  TOKEN_NEAR_END_MS,
  TOKEN_RENEWED_LIFE_MS_MIN,
  TOKEN_UNUSED_MS_MAX,
} from '../model/limits.ts';
import type { ForeignRow } from '../model/row-macs.ts';
import type { AgentListing, ListedToken } from './agent-listing.ts';
import type { CredentialRotation } from './credentials.ts';
import { type Role, rolesAllow } from './roles.ts';

export interface AgentFinding {
  readonly code:
    | 'agent.no-purpose'
    | 'agent.no-owner'
    | 'agent.owner-removed'
    | 'agent.owner-role'
    | 'agent.nothing-left'
    | 'agent.expired'
    | 'token.unused'
    | 'token.near-end'
    | 'credential.aging'
    | 'credential.old'
    | 'credential.refused'
    | 'row.foreign';
  readonly severity: 'act' | 'warn';
  /** The name of the agent or of the credential, or the id of the row. */
  readonly subject: string;
  readonly about: string;
  readonly fix: string;
}

export interface FindingsInput {
  readonly agents: readonly AgentListing[];
  readonly credentials: readonly { readonly name: string; readonly addedAt: Date }[];
  /** People there are. `roles` left out: not known, and nothing is found by them. */
  readonly people: readonly { readonly id: string; readonly roles?: readonly Role[] }[];
  /** Rows of our tables that somebody else wrote, as far as they were met. */
  readonly foreign: readonly ForeignRow[];
  readonly rotation: CredentialRotation;
  readonly now: Date;
}

/** Where what is looked at lies. */
export interface FindingsSources extends Pick<FindingsInput, 'rotation' | 'now'> {
  readonly agents: Listed<FindingsInput['agents']>;
  readonly credentials: Listed<FindingsInput['credentials']>;
  readonly people: Listed<FindingsInput['people']>;
  /** Asked for last: looking at the others meets them. */
  readonly foreign: () => readonly ForeignRow[];
}

interface Listed<List> {
  readonly list: () => Promise<List>;
}

const DAY_MS = 86_400_000;

export async function findingsOf(sources: FindingsSources): Promise<AgentFinding[]> {
  const { agents, credentials, foreign, now, people, rotation } = sources;
  return agentFindings({
    agents: await agents.list(),
    credentials: await credentials.list(),
    people: await people.list(),
    foreign: foreign(),
    rotation,
    now,
  });
}

export function agentFindings(input: FindingsInput): AgentFinding[] {
  const { agents, credentials, foreign, now, people, rotation } = input;
  const rolesOf = new Map(people.map(({ id, roles }) => [id, roles]));
  return [
    ...foreign.map(foreignFinding),
    ...agents.flatMap((agent) => [
      ...ownerFindings(agent, rolesOf),
      ...scopeFindings(agent),
      ...agent.tokens.flatMap((token) => tokenFindings(agent.name, token, now)),
    ]),
    ...credentials.flatMap((one) => credentialFindings(one, rotation, now)),
  ];
}

function foreignFinding({ id, kind }: ForeignRow): AgentFinding {
  return {
    code: 'row.foreign',
    severity: 'act',
    subject: id,
    about: `the row of ${kind} ${id} was written, or changed, by somebody else than Holdfast; it counts as not there`,
    fix: 'Find out who writes to the store of Holdfast; make anew what is missed, and delete the row.',
  };
}

function ownerFindings(
  { name, owner, purpose }: AgentListing,
  rolesOf: ReadonlyMap<string, readonly Role[] | undefined>,
): AgentFinding[] {
  const finding = (code: AgentFinding['code'], about: string, fix: string): AgentFinding => ({
    code,
    severity: 'warn',
    subject: name,
    about,
    fix,
  });
  const setOwner = `Say who answers for it: holdfast agents set ${name} --owner PERSON`;
  const found: AgentFinding[] = [];
  if (purpose === '') {
    const fix = `Say it in one sentence: holdfast agents set ${name} --purpose '…'`;
    found.push(finding('agent.no-purpose', `nobody said what ${name} is for`, fix));
  }
  if (owner === null) {
    found.push(finding('agent.no-owner', `nobody answers for ${name}`, setOwner));
  } else if (owner.isRemoved) {
    const about = `${owner.name}, who answers for ${name}, was removed`;
    found.push(finding('agent.owner-removed', about, setOwner));
  } else {
    const roles = rolesOf.get(owner.id);
    if (roles !== undefined && !rolesAllow(roles, 'agents.stop')) {
      const about = `${owner.name}, who answers for ${name}, has no role any more by which they could stop it`;
      found.push(finding('agent.owner-role', about, setOwner));
    }
  }
  return found;
}

function scopeFindings({ effective, name, state, tokens }: AgentListing): AgentFinding[] {
  const { effectKinds, environments, targets } = effective;
  const found: AgentFinding[] = [];
  if ([effectKinds, environments, targets].some((some) => some?.length === 0)) {
    found.push({
      code: 'agent.nothing-left',
      severity: 'warn',
      subject: name,
      about: `nothing is left that ${name} may: what it was given and what its parents may do not meet`,
      fix: `See both with: holdfast agents show ${name}; then: holdfast agents set`,
    });
  }
  if (state === 'expired' && tokens.length > 0) {
    found.push({
      code: 'agent.expired',
      severity: 'warn',
      subject: name,
      about: `${name} has expired, and ${tokens.length} token(s) of it were not revoked`,
      fix: `Revoke them: holdfast agents revoke --agent ${name}`,
    });
  }
  return found;
}

function tokenFindings(agent: string, token: ListedToken, now: Date): AgentFinding[] {
  const { expiresAt, id, issuedAt, lastUse } = token;
  const found: AgentFinding[] = [];
  const ageMs = now.getTime() - issuedAt.getTime();
  if (lastUse === null && ageMs >= TOKEN_UNUSED_MS_MAX) {
    found.push({
      code: 'token.unused',
      severity: 'act',
      subject: agent,
      about: `${id} of ${agent} was issued ${daysOf(ageMs)} days ago and never used`,
      fix: `Revoke it: holdfast agents revoke ${id}`,
    });
  }
  const lifeMs = expiresAt.getTime() - issuedAt.getTime();
  const leftMs = expiresAt.getTime() - now.getTime();
  // Short ones are meant to run out; those that somebody relies on for weeks are renewed by somebody.
  if (lifeMs >= TOKEN_RENEWED_LIFE_MS_MIN && leftMs <= TOKEN_NEAR_END_MS) {
    found.push({
      code: 'token.near-end',
      severity: 'warn',
      subject: agent,
      about: `${id} of ${agent} ends ${expiresAt.toISOString()}`,
      fix: `If it is still needed: holdfast agents token ${agent} --env ${token.environment}`,
    });
  }
  return found;
}

function credentialFindings(
  { addedAt, name }: FindingsInput['credentials'][number],
  { refuseAfterMs, rotationMs }: CredentialRotation,
  now: Date,
): AgentFinding[] {
  const ageMs = now.getTime() - addedAt.getTime();
  const age = `the sealed credential ${name} is ${daysOf(ageMs)} days old`;
  const fix = `Make a new one there, then: holdfast credentials add ${name} --from-env VARIABLE; make the old one void.`;
  const finding = (
    code: AgentFinding['code'],
    severity: AgentFinding['severity'],
    about: string,
  ): AgentFinding => ({ code, severity, subject: name, about, fix });
  if (refuseAfterMs !== null && ageMs > refuseAfterMs) {
    const about = `${age} and is not used any more (credentials.refuseAfterDays)`;
    return [finding('credential.refused', 'act', about)];
  }
  if (ageMs > rotationMs) {
    return [finding('credential.old', 'act', `${age}; it has ${daysOf(rotationMs)} to live`)];
  }
  if (ageMs <= rotationMs - CREDENTIAL_WARN_MS) return [];
  const left = Math.max(0, Math.ceil((rotationMs - ageMs) / DAY_MS));
  return [finding('credential.aging', 'warn', `${age} and is to be rotated within ${left} day(s)`)];
}

function daysOf(ms: number): number {
  return Math.floor(ms / DAY_MS);
}
