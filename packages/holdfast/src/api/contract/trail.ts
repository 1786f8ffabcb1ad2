/** The trail: what was asked, decided, and what came of it. */
import { z } from 'zod';
import { VERDICT_ORDER } from '../../model/verdict.ts';
import { NAME, PAGE_QUERY, PROGRESS, pageOf, route, streamRoute, WHEN } from './route.ts';

/** Where an entry lies; far below 2^53. */
const INDEX = z.number().int().min(0);

const TRAIL_LINE = z.object({
  index: INDEX,
  kind: z.string(),
  at: WHEN,
  /** By name; null: nobody's, or several agents' (a batch of reads). */
  agent: z.string().nullable(),
  target: z.string().nullable(),
  verdict: z.enum(VERDICT_ORDER).nullable(),
  rule: z.string().nullable(),
  /** The id of a hold that it is about. */
  hold: z.string().nullable(),
  /** The beginning of a statement, or the sentence of an event. */
  text: z.string(),
  /** Of a decision: what came of it; null: nothing yet, or it is none. */
  outcome: z
    .object({
      index: INDEX,
      kind: z.enum(['done', 'failed', 'not-forwarded', 'unknown']),
      words: z.string(),
    })
    .nullable(),
});

const AUDIT_REPORT = z.object({
  ok: z.boolean(),
  origin: z.string(),
  from: z.number(),
  to: z.number(),
  root: z.string(),
  checkpoints: z.number().int(),
  decisions: z.number().int(),
  outcomes: z.number().int(),
  open: z.number().int(),
  timeStepsBack: z.number().int(),
  findings: z.array(
    z.object({ code: z.string(), index: z.number().nullable(), message: z.string() }),
  ),
  findingCount: z.number().int(),
});

/** One event of a verification: how far it is, or what came of it. */
const VERIFICATION = z.discriminatedUnion('kind', [
  PROGRESS,
  z.object({ kind: z.literal('report'), report: AUDIT_REPORT }),
]);

export const TRAIL_ROUTES = {
  'trail.list': route({
    method: 'GET',
    path: '/v1/trail',
    access: 'trail.read',
    summary: 'List entries, newest first',
    query: z.strictObject({
      ...PAGE_QUERY,
      kind: NAME.optional(),
      agent: NAME.optional(),
      target: NAME.optional(),
      verdict: z.enum(VERDICT_ORDER).optional(),
      hold: NAME.optional(),
      since: WHEN.optional(),
      until: WHEN.optional(),
      /** Anywhere in the entry; upper and lower case of ASCII are the same. */
      text: NAME.optional(),
    }),
    /**
     * A page looks at a bounded number of entries: it may be short, even empty, and still have a `next`.
     * `lookedTo`: the oldest entry that was looked at; `behind`: entries too new to be filtered yet.
     */
    answer: pageOf(TRAIL_LINE).extend({
      size: INDEX,
      lookedTo: INDEX.nullable(),
      behind: z.number().int(),
    }),
  }),
  'trail.status': route({
    method: 'GET',
    path: '/v1/trail/status',
    access: 'trail.read',
    summary: 'Say how large the trail is, and who signs it',
    answer: z.object({
      size: INDEX,
      origin: z.string(),
      /** What `holdfast-verify --key` takes. */
      key: z.string(),
      checkpoint: z.object({ size: INDEX, note: z.string() }).nullable(),
    }),
  }),
  'trail.verify': streamRoute({
    path: '/v1/trail/verify',
    access: 'trail.verify',
    summary: 'Hold every entry against the signed checkpoints, and tell how far it is',
    answer: VERIFICATION,
    stream: 'text/event-stream',
  }),
  'trail.export': streamRoute({
    path: '/v1/trail/export',
    access: 'trail.export',
    summary: 'Download the trail as a file that holdfast-verify checks offline',
    query: z.strictObject({ from: z.coerce.number().int().min(0).default(0) }),
    answer: z.unknown(),
    stream: 'application/jsonl',
  }),
  'trail.show': route({
    method: 'GET',
    path: '/v1/trail/:index',
    access: 'trail.read',
    summary: 'Show one entry, whole',
    params: z.strictObject({ index: z.string().regex(/^\d{1,15}$/, 'the number of an entry') }),
    answer: z.object({
      index: INDEX,
      /** As it was hashed. */
      entry: z.record(z.string(), z.unknown()),
      /** The canonical JSON itself. */
      json: z.string(),
      outcome: INDEX.nullable(),
    }),
  }),
} as const;
