import type { z } from 'zod';
import { peopleMissing } from '../../approvals/hold.ts';
import { wordsOf } from '../../approvals/peoples-desk.ts';
import type { ProposalRecord, Proposals } from '../../approvals/proposals.ts';
import type { Passkeys } from '../../identity/passkeys.ts';
import type { PROPOSAL_ROUTES } from '../contract/proposals.ts';
import { pageOf, placeIn } from '../cursor.ts';
import { decisionOf } from '../decision.ts';
import type { Handlers } from '../handler.ts';
import { personOf } from '../person.ts';
import { signaturesView } from '../views.ts';
import type { People } from '../word.ts';
import { statesOf } from './holds.ts';

export interface ProposalRouteParts {
  readonly proposals: Proposals;
  readonly people: People;
  readonly passkeys: Pick<Passkeys, 'toSign'>;
}

export type ProposalView = z.input<(typeof PROPOSAL_ROUTES)['proposals.show']['answer']>;

export function proposalRoutes({
  passkeys,
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
    'proposals.challenge': async ({ params, principal, query }) => {
      const challenges = await proposals.challenges(params.id);
      const asked = await passkeys.toSign(personOf(principal), challenges[query.decision]);
      return { ...asked, binding: challenges.bindings[query.decision] };
    },
    'proposals.approve': async ({ body, params, principal }) => {
      const word = await decisionOf(principal, params.id, body, 'proposals.decide', people);
      return proposalView(await proposals.approve(word));
    },
    'proposals.deny': async ({ body, params, principal }) => {
      const word = await decisionOf(principal, params.id, body, 'proposals.decide', people);
      return proposalView(await proposals.deny({ ...word, note: body.comment }));
    },
  };
}

export function proposalView(proposal: ProposalRecord): ProposalView {
  const { card } = proposal;
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
    digestWords: wordsOf(proposal),
    peopleNeeded: proposal.peopleNeeded,
    peopleMissing: peopleMissing(proposal),
    signatures: signaturesView(proposal.signatures),
    openedAt: proposal.openedAt.toISOString(),
    expiresAt: proposal.expiresAt.toISOString(),
    decidedAt: proposal.decidedAt?.toISOString() ?? null,
    decidedBy: proposal.decidedBy,
    note: proposal.note,
    outcome: proposal.outcome,
  };
}
