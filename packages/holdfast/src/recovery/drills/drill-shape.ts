/** Reads what drills left in a vault. Whoever holds its key may have written there: it is read as strangers' text. */
import { z } from 'zod';
import { CHECK_NAMES, type DrillResult } from './drill-result.ts';

const word = z.string().min(1).max(512);
const lsn = z.string().regex(/^[0-9A-F]{1,8}\/[0-9A-F]{1,8}$/);
const time = z.int().nonnegative();
const DRILL_SHAPE = z.strictObject({
  format: z.literal('holdfast/drill/1'),
  id: word,
  target: word,
  vault: word,
  point: word,
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

/** Null: it is not one of ours, or of a format that is not known here. */
export function readDrill(text: string): DrillResult | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  const read = DRILL_SHAPE.safeParse(value);
  return read.success ? read.data : null;
}
