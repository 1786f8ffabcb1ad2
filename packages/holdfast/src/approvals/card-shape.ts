/** What of a card is kept and sent as JSON, checked when it comes back: out of our tables, and over the API. */
import { z } from 'zod';
import { EFFECT_KINDS, OBJECT_TYPES } from '../model/effect.ts';
import { PROTECTION_LEVELS, TAKEN_BACK_BY } from '../model/reversal.ts';

/** `Effect` of model/effect.ts. */
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

/** `TakingBack` of model/reversal.ts. */
export const TAKING_BACK = z.object({
  level: z.enum(PROTECTION_LEVELS),
  reversal: z.enum(TAKEN_BACK_BY),
  reason: z.string(),
});
