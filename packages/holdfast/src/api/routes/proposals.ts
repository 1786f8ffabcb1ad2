import type { z } from 'zod';
import type { ProposalRecord, Proposals } from '../../approvals/proposals.ts';
import type { PROPOSAL_ROUTES } from '../contract/proposals.ts';
import { pageOf, placeIn } from '../cursor.ts';
import type { Handlers } from '../handler.ts';
import { signaturesView } from '../views.ts';
import { type People, wordOf } from '../word.ts';
import { statesOf } from './holds.ts';

export interface ProposalRouteParts {
  readonly proposals: Proposals;
  readonly people: People;
}

export type ProposalView = z.input<(typeof PROPOSAL_ROUTES)['proposals.show']['answer']>;

export function proposalRoutes({
  people,
  proposals,
}: ProposalRouteParts): Handlers<typeof PROPOSAL_ROUTES> {
  return {
    'proposals.list': async ({ query: { cursor, limit, state } }) => {
      const found = await proposals.page({
        states: statesOf(state),
        agent: null,
        target: null,
        after: placeIn(cursor),
        limit: limit + 1,
      });
      return pageOf(found, limit, proposalView, ({ id, openedAt }) => ({ at: openedAt, id }));
    },
    'proposals.show': async ({ params }) => proposalView(await proposals.show(params.id)),
    'proposals.approve': async ({ body, params, principal }) => {
      const word = await wordOf(principal, body, 'proposals.decide', people);
      const { digestShown } = body;
      return proposalView(await proposals.approve({ ...word, holdId: params.id, digestShown }));
    },
    'proposals.deny': async ({ body, params, principal }) => {
      const word = await wordOf(principal, body, 'proposals.decide', people);
      const { digestShown, note } = body;
      return proposalView(await proposals.deny({ ...word, holdId: params.id, digestShown, note }));
    },
  };
}

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
    signatures: signaturesView(proposal.signatures),
    openedAt: proposal.openedAt.toISOString(),
    expiresAt: proposal.expiresAt.toISOString(),
    decidedAt: proposal.decidedAt?.toISOString() ?? null,
    decidedBy: proposal.decidedBy,
    note: proposal.note,
    outcome: proposal.outcome,
  };
}
