/** Now: what a person who opens the dashboard has to know first; and the news of it, as it comes. */
import { z } from 'zod';
import { PROTECTION_LEVELS } from '../../model/reversal.ts';
import { route, streamRoute, WHEN } from './route.ts';

/** What changed; the ids only, for whoever may see more asks for it. */
const NEWS = z.discriminatedUnion('kind', [
  /** `id` null: look again, something may have been missed. */
  z.object({ kind: z.literal('hold'), id: z.string().nullable() }),
  z.object({ kind: z.literal('trail'), size: z.number().int() }),
  z.object({ kind: z.literal('deferrals') }),
  z.object({ kind: z.literal('undo') }),
  z.object({ kind: z.literal('agents') }),
  z.object({ kind: z.literal('targets') }),
  z.object({ kind: z.literal('recovery') }),
]);

export const NOW_ROUTES = {
  'now.show': route({
    method: 'GET',
    path: '/v1/now',
    access: 'holds.read',
    summary: 'Say what waits, who works, and what can be taken back, at this moment',
    answer: z.object({
      at: WHEN,
      holds: z.object({ waiting: z.number().int(), signed: z.number().int() }),
      proposals: z.object({ open: z.number().int() }),
      deferrals: z.object({ open: z.number().int(), nextDueAt: WHEN.nullable() }),
      /** Sessions of agents, open on any gateway as far as the trail tells. */
      sessions: z.array(
        z.object({
          id: z.string(),
          agent: z.string().nullable(),
          target: z.string().nullable(),
          since: WHEN,
        }),
      ),
      undo: z.object({
        items: z.number().int(),
        /** Of watched time, until the first may go. */
        nextPurgeMs: z.number().nullable(),
      }),
      targets: z.array(
        z.object({
          name: z.string(),
          environment: z.string(),
          level: z.enum(PROTECTION_LEVELS),
          trouble: z.string().nullable(),
        }),
      ),
      /** The newest entries that somebody should look at. */
      signals: z.array(
        z.object({ index: z.number().int(), kind: z.string(), at: WHEN, words: z.string() }),
      ),
      trail: z.object({ size: z.number().int() }),
      policy: z.object({ version: z.string(), rules: z.number().int() }),
    }),
  }),
  'events.stream': streamRoute({
    path: '/v1/events',
    access: 'holds.read',
    summary: 'Tell what changes as it changes: ids and kinds only',
    answer: NEWS,
    stream: 'text/event-stream',
  }),
} as const;
