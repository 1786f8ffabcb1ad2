/** Deferrals: approved, not to be taken back, and waiting out the grace. */
import { z } from 'zod';
import { EFFECT } from '../../approvals/card-shape.ts';
import { DEFERRAL_STATES } from '../../approvals/deferral.ts';
import { SIGNATURE } from './holds.ts';
import { PROPOSAL } from './proposals.ts';
import { ID, NAME, PAGE_QUERY, pageOf, route, WHEN } from './route.ts';
import { NOTE, WORD_OR_PROOF } from './word.ts';

const DEFERRAL_LINE = z.object({
  id: z.string(),
  state: z.enum(DEFERRAL_STATES),
  agent: z.string(),
  target: z.string(),
  environment: z.string(),
  level: z.string(),
  statement: z.string(),
  rule: z.string(),
  reason: z.string(),
  digest: z.string(),
  hold: z.string().nullable(),
  scheduledAt: WHEN,
  /** If watching goes on without a break. */
  dueAt: WHEN,
  decidedAt: WHEN.nullable(),
  decidedBy: z.string().nullable(),
  note: z.string().nullable(),
});

const DEFERRAL = DEFERRAL_LINE.extend({
  /** All of what will run, not cut; `statement` is its beginning. */
  text: z.string(),
  /** As bound; bytes as `\x…`; null is NULL. */
  parameters: z.array(z.string().nullable()),
  searchPath: z.array(z.string()),
  effects: z.array(EFFECT),
  effectsTotal: z.number().int(),
  signatures: z.array(SIGNATURE),
  resolvedBy: z.string(),
  agentId: z.string(),
  tokenId: z.string(),
  sessionId: z.string(),
  source: z.string(),
  client: z.string(),
});

export const DEFERRAL_ROUTES = {
  'deferrals.list': route({
    method: 'GET',
    path: '/v1/deferrals',
    access: 'deferrals.read',
    summary: 'List what waits out the grace, newest first',
    query: z.strictObject({
      ...PAGE_QUERY,
      /** `open`: scheduled or running. */
      state: z.enum(['open', 'all']).default('open'),
      agent: NAME.optional(),
      target: NAME.optional(),
    }),
    answer: pageOf(DEFERRAL_LINE),
  }),
  'deferrals.show': route({
    method: 'GET',
    path: '/v1/deferrals/:id',
    access: 'deferrals.read',
    summary: 'Show one deferral: what exactly will run, and when',
    params: ID,
    answer: DEFERRAL,
  }),
  'deferrals.cancel': route({
    method: 'POST',
    path: '/v1/deferrals/:id/cancel',
    access: 'deferrals.cancel',
    summary: 'Call it off: one person is enough, and it is final',
    params: ID,
    body: z.strictObject({ ...WORD_OR_PROOF, note: NOTE.default('') }),
    answer: DEFERRAL_LINE,
  }),
  'deferrals.hasten': route({
    method: 'POST',
    path: '/v1/deferrals/:id/hasten',
    access: 'proposals.open',
    summary: 'Propose to run it before its time; several people have to sign',
    params: ID,
    answer: PROPOSAL,
  }),
} as const;
