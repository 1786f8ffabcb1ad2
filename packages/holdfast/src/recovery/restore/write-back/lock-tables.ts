/** Nobody else writes in these tables, nor in those from where rows could be reached, until all of it is over. */
import { type ForeignKey, readForeignKeys } from '../../../protection/postgres/undo/references.ts';
import type { TargetSession } from '../../../protection/target-database.ts';
import { from } from '../table-facts.ts';
import { state } from '../write-refusals.ts';
import { type FoundTable, rootsOf } from './find-tables.ts';
import { reachingKeys } from './reach.ts';
import type { WrittenHow } from './written-table.ts';

/** Resolves to their foreign keys as they are from now on. */
export async function lockTables(
  session: TargetSession,
  found: readonly FoundTable[],
  foreign: readonly ForeignKey[],
  how: WrittenHow,
): Promise<readonly ForeignKey[]> {
  const locked = new Map([
    ...reachingKeys(found, foreign, how).map((key) => [key.childAt, key.childSql] as const),
    ...found.map(({ shared }) => [Number(shared.live.oid), from(shared.live)] as const),
  ]);
  for (const [, table] of [...locked].sort(([a], [b]) => a - b)) {
    await session.query(`lock table ${table} in share row exclusive mode`);
  }
  // Nobody makes another one of these tables now.
  const now = await readForeignKeys(session, rootsOf(found));
  const other = reachingKeys(found, now, how).find((key) => !locked.has(key.childAt));
  if (other === undefined) return now;
  throw state(
    'the foreign keys of these tables as they were a moment ago',
    `another one, of ${other.childShown} (${other.name})`,
    'Nothing was changed. Try again.',
  );
}
