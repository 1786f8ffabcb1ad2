/** Records as the API shows them: plain JSON, instants as ISO 8601. */
import type { z } from 'zod';
import type { HoldRecord } from '../approvals/hold.ts';
import type { Signature } from '../policy/judge.ts';
import type { Routes } from './contract/index.ts';

export type HoldView = z.input<Routes['holds.show']['answer']>;

export function holdView({ card, ...hold }: HoldRecord): HoldView {
  return {
    id: hold.id,
    state: hold.state,
    agent: card.agentName,
    target: card.target,
    environment: card.environment,
    level: card.environmentLevel,
    statement: card.statement,
    reason: card.reason,
    rule: card.rule,
    peopleNeeded: hold.peopleNeeded,
    signatures: signaturesView(hold.signatures),
    openedAt: hold.openedAt.toISOString(),
    expiresAt: hold.expiresAt.toISOString(),
    digest: card.digest,
    effects: [...card.effects],
    effectsTotal: card.effectsTotal,
    couldNotTell: card.couldNotTell,
    resolvedBy: card.resolvedBy,
    agentId: card.agentId,
    tokenId: card.tokenId,
    sessionId: card.sessionId,
    source: card.source,
    client: card.client,
    takingBack: card.takingBack,
    decidedAt: hold.decidedAt?.toISOString() ?? null,
    decidedBy: hold.decidedBy,
    note: hold.note,
  };
}

export function signaturesView(signatures: readonly Signature[]): HoldView['signatures'] {
  return signatures.map(({ at, method, personName }) => ({
    person: personName,
    method,
    at: at.toISOString(),
  }));
}
