/** Proposals: what people propose, and several must sign. */
import { z } from 'zod';
import { HOLD_STATES } from '../../approvals/hold.ts';
import { ACT_KINDS } from '../../approvals/proposed-act.ts';
import { SIGNATURE } from './holds.ts';
import { ID, PAGE_QUERY, pageOf, route, WHEN } from './route.ts';
import { CHALLENGE, CHALLENGE_QUERY, DECISION } from './word.ts';

export const PROPOSAL = z.object({
  id: z.string(),
  state: z.enum(HOLD_STATES),
  act: z.enum(ACT_KINDS),
  target: z.string(),
  environment: z.string(),
  level: z.string(),
  /** For whoever signs: what happens, and what cannot be taken back afterwards. */
  words: z.string(),
  /** Canonical JSON: exactly what the digest covers. */
  exactly: z.string(),
  reason: z.string(),
  digest: z.string(),
  /** Of all that is signed; to compare by eye or ear. */
  digestWords: z.string(),
  peopleNeeded: z.number().int(),
  peopleMissing: z.number().int(),
  signatures: z.array(SIGNATURE),
  openedAt: WHEN,
  expiresAt: WHEN,
  decidedAt: WHEN.nullable(),
  decidedBy: z.string().nullable(),
  note: z.string().nullable(),
  /** Null: not carried out; `consumed` without one: begun, end unknown. */
  outcome: z.object({ kind: z.enum(['done', 'failed']), note: z.string() }).nullable(),
});

export const PROPOSAL_ROUTES = {
  'proposals.list': route({
    method: 'GET',
    path: '/v1/proposals',
    access: 'proposals.read',
    summary: 'List proposals, newest first',
    query: z.strictObject({ ...PAGE_QUERY, state: z.enum(['open', 'all']).default('open') }),
    answer: pageOf(PROPOSAL),
  }),
  'proposals.show': route({
    method: 'GET',
    path: '/v1/proposals/:id',
    access: 'proposals.read',
    summary: 'Show one proposal: what would happen, and who signed',
    params: ID,
    answer: PROPOSAL,
  }),
  'proposals.challenge': route({
    method: 'GET',
    path: '/v1/proposals/:id/challenge',
    access: 'proposals.decide',
    summary: 'Give what a passkey is asked to sign for a yes or a no',
    params: ID,
    query: CHALLENGE_QUERY,
    answer: CHALLENGE,
  }),
  'proposals.approve': route({
    method: 'POST',
    path: '/v1/proposals/:id/approve',
    access: 'proposals.decide',
    summary: 'Sign: with the last signature it is carried out at once',
    params: ID,
    body: DECISION,
    answer: PROPOSAL,
  }),
  'proposals.deny': route({
    method: 'POST',
    path: '/v1/proposals/:id/deny',
    access: 'proposals.decide',
    summary: 'Deny: this very act is not carried out, now or later',
    params: ID,
    body: DECISION,
    answer: PROPOSAL,
  }),
} as const;
