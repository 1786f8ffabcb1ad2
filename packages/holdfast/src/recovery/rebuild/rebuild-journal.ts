/**
 * What is kept of a rebuild between two looks at it, beside the proposal: facts that never change, and what
 * was said and done since, in order. It comes back out of our store (`model/record-journal.ts`) as strangers'
 * JSON, and is looked at field by field here.
 */
import { z } from 'zod';
import { oneLine } from '../../model/text.ts';
import { CHOICE } from './proposal-shape.ts';

const text = z.string();
const count = z.int().min(0);

export const REBUILD_FACTS = z.strictObject({
  schema: text,
  table: text,
  mappingSha256: text,
  /** Folder of the restored copy, on the machine that proposed. */
  copy: text,
  /** The moment that the copy stands at, RFC 3339. */
  at: text,
  /** The vault that the copy came from was read as it was then, RFC 3339; null: as it was when it was restored. */
  asOf: text.nullable().default(null),
  sources: z
    .array(
      z.strictObject({
        source: text,
        kind: text,
        file: text,
        sha256: text,
        bytes: count,
        records: count,
        unread: count,
      }),
    )
    .readonly(),
  /** As it was proposed. */
  counts: z.strictObject({
    READY: count,
    CONFLICT: count,
    INCOMPLETE: count,
    EXISTS: count,
    LEFT_OUT: count,
    UNREADABLE: count,
  }),
});
export type RebuildFacts = Readonly<z.output<typeof REBUILD_FACTS>>;

/** `, out of …` for a sentence about a copy; empty: out of the vault as it was when it was restored. */
export function outOfView(asOf: string | null): string {
  return asOf === null ? '' : `, out of the vault as it was at ${oneLine(asOf)}`;
}

const place = z.enum(['copy', 'live']);
const by = { by: text, name: text, at: text };
/** Found in the database by somebody else than who did it, and did not live to write it down. */
const isRecognised = z.literal(true).optional();

export const REBUILD_ENTRY = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('choice'), row: text, choice: CHOICE, ...by }),
  /** About to be put in: what has no `put` or `failed` behind it was cut off. */
  z.strictObject({ kind: z.literal('begun'), place, digest: text, ...by }),
  z.strictObject({
    kind: z.literal('put'),
    place,
    digest: text,
    batch: text,
    /** Sum of the books of the batch, to see that they are the same when it is taken back. */
    books: text,
    inserted: count,
    skipped: count,
    isRecognised,
    ...by,
  }),
  z.strictObject({ kind: z.literal('failed'), place, why: text, at: text }),
  z.strictObject({ kind: z.literal('taking-back'), place, batch: text, ...by }),
  z.strictObject({
    kind: z.literal('taken-back'),
    place,
    batch: text,
    deleted: count,
    gone: count,
    kept: count,
    isRecognised,
    ...by,
  }),
  /** The copy goes: nothing of before is in it any more. */
  z.strictObject({ kind: z.literal('forgotten'), ...by }),
]);
export type RebuildEntry = Readonly<z.output<typeof REBUILD_ENTRY>>;
