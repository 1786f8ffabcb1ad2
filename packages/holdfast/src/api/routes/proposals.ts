import type { z } from 'zod';
import type { ProposalRecord } from '../../approvals/proposals.ts';
import type { Routes } from '../contract/index.ts';

export type ProposalView = z.input<Routes['proposals.show']['answer']>;

export function proposalView({ card, ...proposal }: ProposalRecord): ProposalView {
  return {
    id: proposal.id,
    state: proposal.state,
    act: card.actKind,
    target: card.target,
    environment: card.environment,
    level: card.environmentLevel,
    words: card.statement,
    exactly: card.act,
    reason: card.reason,
    digest: card.digest,
    peopleNeeded: proposal.peopleNeeded,
    signatures: proposal.signatures.map(({ at, method, personName }) => ({
      person: personName,
      method,
      at: at.toISOString(),
    })),
    openedAt: proposal.openedAt.toISOString(),
    expiresAt: proposal.expiresAt.toISOString(),
    decidedAt: proposal.decidedAt?.toISOString() ?? null,
    decidedBy: proposal.decidedBy,
    note: proposal.note,
    outcome: proposal.outcome,
  };
}
