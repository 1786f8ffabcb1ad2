/** Holds: what agents asked and people decide. */
import { z } from 'zod';
import { HOLD_STATES } from '../../approvals/hold.ts';
import { EFFECT_KINDS, OBJECT_TYPES } from '../../model/effect.ts';
import { PROTECTION_LEVELS, TAKEN_BACK_BY } from '../../model/reversal.ts';
import { ID, NAME, PAGE_QUERY, pageOf, route, WHEN } from './route.ts';
import { DIGEST_SHOWN, NOTE, WORD } from './word.ts';

export const EFFECT = z.object({
  kind: z.enum(EFFECT_KINDS),
  verb: z.string(),
  object: z
    .object({ type: z.enum(OBJECT_TYPES), schema: z.string().nullable(), name: z.string() })
    .nullable(),
  reach: z.enum(['none', 'rows', 'whole', 'cascade', 'unknown']),
  additive: z.boolean(),
  why: z.string().nullable(),
});

export const SIGNATURE = z.object({
  person: z.string(),
  method: z.string(),
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
  signatures: z.array(SIGNATURE),
  openedAt: WHEN,
  expiresAt: WHEN,
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
  takingBack: z
    .object({
      level: z.enum(PROTECTION_LEVELS),
      reversal: z.enum(TAKEN_BACK_BY),
      reason: z.string(),
    })
    .nullable(),
  decidedAt: WHEN.nullable(),
  decidedBy: z.string().nullable(),
  note: z.string().nullable(),
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
  'holds.approve': route({
    method: 'POST',
    path: '/v1/holds/:id/approve',
    access: 'holds.decide',
    summary: 'Approve with a code: these exact bytes may pass once, on this target',
    params: ID,
    body: z.strictObject({ ...WORD, digestShown: DIGEST_SHOWN.nullable().default(null) }),
    answer: HOLD,
  }),
  'holds.deny': route({
    method: 'POST',
    path: '/v1/holds/:id/deny',
    access: 'holds.decide',
    summary: 'Deny with a code: these exact bytes are refused on this target from now on',
    params: ID,
    body: z.strictObject({
      ...WORD,
      digestShown: DIGEST_SHOWN.nullable().default(null),
      note: NOTE.default(''),
    }),
    answer: HOLD,
  }),
} as const;
