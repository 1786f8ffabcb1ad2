/**
 * A copy and its live target, opened for one piece of work. A copy in which somebody wrote after it came back is not
 * what lay in the vault: nothing more is read from it.
 */
import { RESTORE_STATEMENT_MS_MAX } from '../../model/limits.ts';
import type { TargetDatabase } from '../../protection/target-database.ts';
import { type Copy, restoredOf, type StandingTarget } from './copy.ts';
import { state } from './write-refusals.ts';

/** HF_RESTORE_STATE where it is not ready, or was written in. */
export async function onBothSides<T>(
  copy: Copy,
  work: (restored: TargetDatabase, live: TargetDatabase) => Promise<T>,
): Promise<T> {
  const { database, open } = copy.of;
  const of = restoredOf(copy);
  if ((await markOf(of, database)) !== copy.mark) {
    throw state(
      `${copy.id} as it came out of the vault`,
      'that somebody wrote in it since',
      'Nothing was read from it. Discard it, and restore once more.',
    );
  }
  const restored = of.database(database, RESTORE_STATEMENT_MS_MAX);
  const live = open();
  try {
    return await work(restored, live);
  } finally {
    await Promise.allSettled([restored.close(), live.close()]);
  }
}

/** Autovacuum and everything else is off in a copy: a newer transaction is somebody's who wrote. */
export async function markOf(restored: StandingTarget, database: string): Promise<string> {
  const client = await restored.connect(database);
  try {
    const { rows } = await client.query<{ mark: string }>(
      'select pg_catalog.txid_snapshot_xmax(pg_catalog.txid_current_snapshot())::text as mark',
    );
    return rows[0]?.mark ?? '';
  } finally {
    await client.end().catch(() => {});
  }
}
