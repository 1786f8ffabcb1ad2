/** What one put leaves behind: a small file that names the key and the pieces, itself named by its hash. */
import { z } from 'zod';
import { canonicalJson } from '../../../model/canonical.ts';
import { jsonOf } from '../../../model/json.ts';

const HASH = z.string().regex(/^[0-9a-f]{64}$/);

const RECORD = z.strictObject({
  format: z.literal('holdfast/restic/1'),
  key: z.string(),
  bytes: z.int().nonnegative(),
  sha256: HASH,
  /** In order; each is a file of the type `data`. */
  pieces: z.array(z.strictObject({ name: HASH, bytes: z.int().nonnegative() })),
  storedAt: z.iso.datetime(),
  /** Two puts of the same bytes are two versions. */
  nonce: z.string(),
});
export type PutRecord = z.infer<typeof RECORD>;

export function recordText(record: PutRecord): Buffer {
  return Buffer.from(canonicalJson(record));
}

/** Null: it is none of ours. */
export function readRecord(bytes: Buffer): PutRecord | null {
  const read = RECORD.safeParse(jsonOf(bytes.toString('utf8')));
  return read.success ? read.data : null;
}
