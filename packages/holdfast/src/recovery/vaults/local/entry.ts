/**
 * A line of the manifest: canonical JSON and a line feed. Each carries the SHA-256 of the line before it
 * (the line feed left out), so that none can be changed, left out or put in without breaking all after it.
 */
import { hash } from 'node:crypto';
import { z } from 'zod';
import { canonicalJson } from '../../../model/canonical.ts';

const HASH = z.string().regex(/^[0-9a-f]{64}$/);
const COUNT = z.int().nonnegative();

const NEWS = z.discriminatedUnion('kind', [
  /** The vault's process began; `by` says as which user. */
  z.strictObject({ kind: z.literal('opened'), by: z.string() }),
  z.strictObject({
    kind: z.literal('stored'),
    key: z.string(),
    version: z.string(),
    bytes: COUNT,
    sha256: HASH,
    retainUntil: z.iso.datetime(),
    /** The file that holds it, from the vault's folder; several small objects share one. */
    unit: z.string(),
    offset: COUNT,
  }),
  /** The entry of that number stands for nothing: its put failed. */
  z.strictObject({ kind: z.literal('voided'), entry: COUNT }),
  /** What the unit holds may go, and will, unless somebody stops it. */
  z.strictObject({ kind: z.literal('expiring'), unit: z.string() }),
  z.strictObject({ kind: z.literal('expired'), unit: z.string() }),
  /** All that this segment lists is gone; `head` is the hash of its last line. */
  z.strictObject({ kind: z.literal('retired'), segment: COUNT, head: HASH }),
  z.strictObject({ kind: z.literal('beat') }),
]);
const FRAME = z.object({
  number: COUNT,
  previous: HASH,
  at: z.iso.datetime(),
  /** How long the vault has watched in all its life: what retention is counted in. */
  watchedMs: COUNT,
});
const ENTRY = z.intersection(FRAME, z.looseObject({ kind: z.string() }));

export type News = z.infer<typeof NEWS>;
export type Entry = z.infer<typeof FRAME> & News;
export type StoredEntry = Extract<Entry, { readonly kind: 'stored' }>;

/** Before the first line. */
export const NO_HASH = '0'.repeat(64);

export function lineOf(entry: Entry): string {
  return canonicalJson(entry);
}

export function hashOfLine(line: string | Buffer): string {
  return hash('sha256', line, 'hex');
}

/** Null: it is no entry, or not written as we write. */
export function parseLine(line: string): Entry | null {
  try {
    const { number, previous, at, watchedMs, ...news } = ENTRY.parse(JSON.parse(line));
    const entry = { number, previous, at, watchedMs, ...NEWS.parse(news) };
    return lineOf(entry) === line ? entry : null;
  } catch {
    return null;
  }
}
