/**
 * The keys of a batch in a temporary table of the session's own, so that statements that run by the lesser
 * role (which takes no parameters) name its rows. Made by the session itself and only read by the lesser
 * role: code of others that runs there hangs nothing on it.
 */
import { REBUILD_BATCH_ROWS } from '../../model/limits.ts';
import type { TargetSession } from '../../protection/target-database.ts';

export interface HeldKey {
  readonly key: string;
  /** Of the row as the books have it; null where nobody asks. */
  readonly digest: string | null;
}

/** `key` and `digest`, both text. */
export const HELD = 'pg_temp.hf_batch';
export const KEY_TYPES = { text: 'text', integer: 'bigint', uuid: 'uuid' } as const;

/** Instead of those that were held before; gone with the transaction. */
export async function holdKeys(session: TargetSession, held: readonly HeldKey[]): Promise<void> {
  await session.query(`drop table if exists ${HELD}`);
  await session.query('create temp table hf_batch (key text, digest text) on commit drop');
  await session.query(`grant select on ${HELD} to public`);
  for (let at = 0; at < held.length; at += REBUILD_BATCH_ROWS) {
    const part = held.slice(at, at + REBUILD_BATCH_ROWS);
    await session.query(`insert into ${HELD} select * from unnest($1::text[], $2::text[])`, [
      part.map(({ key }) => key),
      part.map(({ digest }) => digest),
    ]);
  }
}

/** What a key column is compared with, to be one of those that are held. */
export function anyHeld(kind: keyof typeof KEY_TYPES): string {
  return `any (array(select k.key::${KEY_TYPES[kind]} from ${HELD} k))`;
}
