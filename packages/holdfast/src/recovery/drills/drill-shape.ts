/** Reads what drills left in a vault. Whoever holds its key may have written there: it is read as strangers' text. */
import { z } from 'zod';
import { jsonOf } from '../../model/json.ts';
import { NOT_COUNTED } from '../point-seal.ts';
import { CHECK_NAMES, type DrillResult } from './drill-result.ts';

const word = z.string().min(1).max(512);
const lsn = z.string().regex(/^[0-9A-F]{1,8}\/[0-9A-F]{1,8}$/);
const time = z.int().nonnegative();
export const DRILL_SHAPE = z.strictObject({
  format: z.literal('holdfast/drill/1'),
  id: word,
  target: word,
  vault: word,
  point: word,
  pointDigest: z.string().regex(/^[0-9a-f]{64}$/),
  seal: z.enum(NOT_COUNTED).optional(),
  goal: z.strictObject({ at: z.iso.datetime().nullable(), lsn: lsn.nullable() }),
  startedAt: z.iso.datetime(),
  endedAt: z.iso.datetime(),
  phases: z
    .strictObject({
      fetchMs: time,
      restoreMs: time,
      replayMs: time,
      firstQueryMs: time,
      checkMs: time,
    })
    .nullable(),
  rtoMs: time.nullable(),
  rpoMs: time.nullable(),
  checks: z.array(
    z.strictObject({
      name: z.enum(CHECK_NAMES),
      end: z.enum(['passed', 'failed', 'could-not-run']),
      said: z.string(),
    }),
  ),
  verdict: z.enum(['passed', 'failed', 'could-not-run']),
  isolation: z.enum(['no network', 'no listener']).nullable(),
  server: z.string().nullable(),
});

/** For a field of something else that is read: what is no drill of ours makes all of it not read. */
export const DRILL_FIELD = DRILL_SHAPE.transform((drill): DrillResult => drill).nullable();

/** Null: it is not one of ours, or of a format that is not known here. */
export function readDrill(text: string): DrillResult | null {
  const read = DRILL_SHAPE.safeParse(jsonOf(text));
  return read.success ? read.data : null;
}
