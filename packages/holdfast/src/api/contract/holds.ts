/** Holds: what agents asked and people decide. */
import { z } from 'zod';
import { EFFECT, TAKING_BACK } from '../../approvals/card-shape.ts';
import { LIKENESSES } from '../../approvals/history.ts';
import { HOLD_STATES } from '../../approvals/hold.ts';
import { DEPENDENT_WHATS } from '../../model/touched.ts';
import { ID, NAME, PAGE_QUERY, pageOf, route, WHEN } from './route.ts';
import { CHALLENGE, CHALLENGE_QUERY, DECISION } from './word.ts';

export const SIGNATURE = z.object({
  person: z.string(),
  method: z.string(),
  comment: z.string(),
  at: WHEN,
});

/** One line of the list. */
const HOLD_LINE = z.object({
  id: z.string(),
  state: z.enum(HOLD_STATES),
  agent: z.string(),
  target: z.string(),
  environment: z.string(),
  level: z.string(),
  statement: z.string(),
  reason: z.string(),
  rule: z.string(),
  peopleNeeded: z.number().int(),
  /** How many people have yet to sign. */
  peopleMissing: z.number().int(),
  signatures: z.array(SIGNATURE),
  openedAt: WHEN,
  expiresAt: WHEN,
});

const MEASURED = z.object({ value: z.number(), how: z.enum(['exact', 'estimate']) });

/** What Holdfast found out at the target when it opened. */
const FACTS = z.object({
  lookedUpAt: WHEN,
  rows: MEASURED.nullable(),
  objects: z.array(
    z.object({
      name: z.string(),
      type: z.string(),
      rows: MEASURED.nullable(),
      bytes: MEASURED.nullable(),
    }),
  ),
  objectsTotal: z.number().int(),
  dependents: z.array(
    z.object({ name: z.string(), type: z.string(), what: z.enum(DEPENDENT_WHATS) }),
  ),
  dependentsTotal: z.number().int(),
  recoveryLost: z.array(z.string()),
  notTold: z.array(z.string()),
});

const HOLD = HOLD_LINE.extend({
  digest: z.string(),
  effects: z.array(EFFECT),
  effectsTotal: z.number().int(),
  couldNotTell: z.string().nullable(),
  resolvedBy: z.string(),
  agentId: z.string(),
  tokenId: z.string(),
  sessionId: z.string(),
  source: z.string(),
  client: z.string(),
  takingBack: TAKING_BACK.nullable(),
  policyVersion: z.string().nullable(),
  /** Of all that is signed; to compare by eye or ear. */
  digestWords: z.string(),
  /** What an approver types, since it goes for good; null: nothing. */
  typedName: z.string().nullable(),
  /** Rows it may change when it runs, or the approval is void. */
  rowsAtMost: z.number().nullable(),
  /** No approval is used after this. */
  approvalUntil: WHEN.nullable(),
  /** What the agent says it is about: its own words. */
  task: z.string().nullable(),
  /** The person who answers for the agent. */
  owner: z.string().nullable(),
  facts: FACTS.nullable(),
  decidedAt: WHEN.nullable(),
  decidedBy: z.string().nullable(),
  note: z.string().nullable(),
});

/** What happened around it, looked up when the card is shown. */
const PAST = z.object({
  /** The agent's decisions of the last minutes, newest first. */
  recent: z.object({
    acts: z.array(
      z.object({
        index: z.number().int(),
        at: WHEN,
        target: z.string(),
        verdict: z.string(),
        effects: z.array(z.string()),
        firstLine: z.string(),
        outcome: z.string().nullable(),
      }),
    ),
    isCut: z.boolean(),
  }),
  /** Holds like this one, and how they ended. */
  similar: z.array(
    z.object({
      id: z.string(),
      openedAt: WHEN,
      agent: z.string(),
      target: z.string(),
      state: z.enum(HOLD_STATES),
      likeness: z.enum(LIKENESSES),
      people: z.array(z.string()),
      note: z.string().nullable(),
    }),
  ),
});

export const HOLD_ROUTES = {
  'holds.list': route({
    method: 'GET',
    path: '/v1/holds',
    access: 'holds.read',
    summary: 'List holds, newest first',
    query: z.strictObject({
      ...PAGE_QUERY,
      /** `open`: waiting or signed. */
      state: z.enum(['open', 'all', ...HOLD_STATES]).default('open'),
      agent: NAME.optional(),
      target: NAME.optional(),
    }),
    answer: pageOf(HOLD_LINE),
  }),
  'holds.show': route({
    method: 'GET',
    path: '/v1/holds/:id',
    access: 'holds.read',
    summary: 'Show one hold with its card',
    params: ID,
    answer: HOLD,
  }),
  'holds.past': route({
    method: 'GET',
    path: '/v1/holds/:id/past',
    access: 'holds.read',
    summary: 'Show what its agent did of late, and how holds like it ended',
    params: ID,
    answer: PAST,
  }),
  'holds.challenge': route({
    method: 'GET',
    path: '/v1/holds/:id/challenge',
    access: 'holds.decide',
    summary: 'Give what a passkey is asked to sign for a yes or a no',
    params: ID,
    query: CHALLENGE_QUERY,
    answer: CHALLENGE,
  }),
  'holds.approve': route({
    method: 'POST',
    path: '/v1/holds/:id/approve',
    access: 'holds.decide',
    summary: 'Approve by passkey or code: these exact bytes may pass once, on this target',
    params: ID,
    body: DECISION,
    answer: HOLD,
  }),
  'holds.deny': route({
    method: 'POST',
    path: '/v1/holds/:id/deny',
    access: 'holds.decide',
    summary: 'Deny by passkey or code: these exact bytes are refused on this target from now on',
    params: ID,
    body: DECISION,
    answer: HOLD,
  }),
} as const;
