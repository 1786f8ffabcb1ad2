import type { z } from 'zod';
import {
  DEFERRAL_STATES,
  type DeferralLine,
  type DeferralRecord,
  OPEN_DEFERRAL_STATES,
} from '../../approvals/deferral.ts';
import { hastenAct } from '../../approvals/hasten.ts';
import type { Countdown, KeptDeferrals } from '../../approvals/kept-deferrals.ts';
import type { Proposals } from '../../approvals/proposals.ts';
import type { DEFERRAL_ROUTES } from '../contract/deferrals.ts';
import { pageOf, placeIn } from '../cursor.ts';
import type { Handlers } from '../handler.ts';
import { signaturesView } from '../views.ts';
import { type People, signedOf } from '../word.ts';
import { proposalView } from './proposals.ts';

export interface DeferralRouteParts {
  readonly deferrals: KeptDeferrals;
  readonly proposals: Proposals;
  readonly people: People;
}

type LineView = z.input<(typeof DEFERRAL_ROUTES)['deferrals.cancel']['answer']>;
type View = z.input<(typeof DEFERRAL_ROUTES)['deferrals.show']['answer']>;

export function deferralRoutes(parts: DeferralRouteParts): Handlers<typeof DEFERRAL_ROUTES> {
  const { deferrals, people, proposals } = parts;
  return {
    'deferrals.list': async ({ query }) => {
      const { agent = null, cursor, limit, state, target = null } = query;
      const found = await deferrals.page({
        states: state === 'open' ? OPEN_DEFERRAL_STATES : DEFERRAL_STATES,
        agent,
        target,
        after: placeIn(cursor),
        limit: limit + 1,
      });
      return pageOf(found, limit, lineView, ({ id, scheduledAt }) => ({ at: scheduledAt, id }));
    },
    'deferrals.show': async ({ params }) => view(await deferrals.show(params.id)),
    'deferrals.cancel': async ({ body, params, principal }) => {
      const signed = await signedOf(principal, body, 'deferrals.cancel', people);
      const { note } = body;
      return lineView(await deferrals.cancel({ signed, deferralId: params.id, note }));
    },
    'deferrals.hasten': async ({ params }) => {
      const deferral = await deferrals.show(params.id);
      return proposalView(await proposals.open(hastenAct(deferral)));
    },
  };
}

function lineView({ card, ...deferral }: Countdown<DeferralLine>): LineView {
  return {
    id: deferral.id,
    state: deferral.state,
    agent: card.agentName,
    target: card.target,
    environment: card.environment,
    level: card.environmentLevel,
    statement: card.statement,
    rule: card.rule,
    reason: card.reason,
    digest: card.digest,
    hold: deferral.holdId,
    scheduledAt: deferral.scheduledAt.toISOString(),
    dueAt: deferral.dueAt.toISOString(),
    decidedAt: deferral.decidedAt?.toISOString() ?? null,
    decidedBy: deferral.decidedBy,
    note: deferral.note,
  };
}

function view(deferral: Countdown<DeferralRecord>): View {
  const { card, parameters, searchPath, signatures, statement } = deferral;
  return {
    ...lineView(deferral),
    text: statement.toString('utf8'),
    parameters: parameters.map(parameterText),
    searchPath: [...searchPath],
    effects: [...card.effects],
    effectsTotal: card.effectsTotal,
    signatures: signaturesView(signatures),
    resolvedBy: card.resolvedBy,
    agentId: card.agentId,
    tokenId: card.tokenId,
    sessionId: card.sessionId,
    source: card.source,
    client: card.client,
  };
}

/** As it was bound; what came in binary is shown as bytes. */
function parameterText({ isBinary, value }: DeferralRecord['parameters'][number]): string | null {
  if (value === null) return null;
  return isBinary ? `\\x${value.toString('hex')}` : value.toString('utf8');
}
