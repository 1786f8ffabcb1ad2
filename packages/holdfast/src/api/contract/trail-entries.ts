/** Entries in their order, whole: what follows the trail, or wants its end. */
import { z } from 'zod';
import { API_PAGE_DEFAULT, API_PAGE_MAX } from '../../model/limits.ts';
import { route } from './route.ts';

export const TRAIL_ENTRY_ROUTES = {
  'trail.entries': route({
    method: 'GET',
    path: '/v1/trail/entries',
    access: 'trail.read',
    summary: 'List entries as they were hashed, oldest first, from a place or from near the end',
    query: z.strictObject({
      /** The index of the first; left out: the newest ones. */
      from: z.coerce.number().int().min(0).optional(),
      limit: z.coerce.number().int().min(1).max(API_PAGE_MAX).default(API_PAGE_DEFAULT),
    }),
    answer: z.object({
      items: z.array(
        z.object({
          index: z.number().int(),
          /** The canonical JSON itself. */
          json: z.string(),
        }),
      ),
      /** Entries in the trail. */
      size: z.number().int(),
    }),
  }),
} as const;
