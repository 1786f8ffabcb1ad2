/**
 * Reads what lies in a vault back into words: a point.json, a drill. A vault may have been written to by
 * anybody who holds its key, so all of it is read as strangers' text.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { CHECK_NAMES, type DrillResult } from './drills/drill-result.ts';
import { ENGINE_KINDS, type RecoveryPoint } from './recovery-point.ts';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const lsn = z.string().regex(/^[0-9A-F]{1,8}\/[0-9A-F]{1,8}$/);
const size = z.int().nonnegative();
const word = z.string().min(1).max(512);

const POINT_SHAPE = z.strictObject({
  format: z.literal('holdfast/point/1'),
  id: word,
  target: word,
  engine: z.enum(ENGINE_KINDS),
  server: z.strictObject({
    version: z.int().positive(),
    systemIdentifier: z.string().regex(/^\d{1,20}$/),
    walSegmentBytes: z.int().positive(),
    hasChecksums: z.boolean(),
  }),
  wal: z.strictObject({ timeline: z.int().positive(), startLsn: lsn, endLsn: lsn }).nullable(),
  startedAt: z.iso.datetime(),
  endedAt: z.iso.datetime(),
  files: z.array(
    z.strictObject({
      key: word,
      version: word,
      bytes: size,
      sha256,
      plainBytes: size,
      plainSha256: sha256,
      role: z.enum(['base', 'tablespace', 'manifest', 'globals', 'dump']),
      tablespace: z.strictObject({ oid: z.int().positive(), location: z.string() }).nullable(),
    }),
  ),
  prior: word.nullable(),
  recipients: z.array(word),
  previous: sha256.nullable(),
});

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
export function readPoint(text: string): RecoveryPoint | null {
  return parsed(POINT_SHAPE, text);
}

export function readDrill(text: string): DrillResult | null {
  return parsed(DRILL_SHAPE, text);
}

/** What the next point of the same target names as `previous`. */
export function pointHash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function parsed<Shape extends z.ZodType>(shape: Shape, text: string): z.output<Shape> | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  const read = shape.safeParse(value);
  return read.success ? read.data : null;
}
