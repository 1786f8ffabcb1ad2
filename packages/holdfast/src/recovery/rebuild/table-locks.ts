/**
 * Who writes meanwhile waits: foreign keys are off while a batch goes in or out, and are looked at by plain
 * reads. So the table and those at the other end of its foreign keys are locked against writes, before the
 * transaction's snapshot is taken (a LOCK takes none): what others committed until then is seen, and nothing
 * is committed after it. Waits no longer than the session's `lock_timeout`.
 */
import { z } from 'zod';
import { HoldfastError } from '../../model/errors.ts';
import type { TargetDatabase, TargetSession } from '../../protection/target-database.ts';
import type { Asked } from './table-facts.ts';

export interface Locked {
  readonly schema: string;
  readonly table: string;
  /** `parents`: what its rows refer to; `referrers`: what refers to them. */
  readonly ends: 'parents' | 'referrers';
}

/** Like `database.transaction('serializable', …)`, with the tables locked. */
export async function lockedTransaction<T>(
  database: TargetDatabase,
  locked: Locked,
  work: (session: TargetSession) => Promise<T>,
): Promise<T> {
  const tables = await tablesOf(database, locked);
  return database.transaction('serializable', async (session) => {
    if (tables.length > 0) {
      await session.query(`lock table ${tables.join(', ')} in share row exclusive mode`);
    }
    const now = await tablesOf(session, locked);
    if (now.join() === tables.join()) return work(session);
    throw new HoldfastError('HF_REBUILD_STATE', {
      expected: 'the foreign keys of the table as they were a moment ago',
      found: 'others: somebody changed them',
      hint: 'Nothing was changed. Try again.',
    });
  });
}

/** Names as SQL, in one order, so that two of these wait for each other instead of for ever. */
async function tablesOf(asked: Asked, { ends, schema, table }: Locked): Promise<readonly string[]> {
  const [mine, other] = ends === 'parents' ? ['conrelid', 'confrelid'] : ['confrelid', 'conrelid'];
  const rows = await asked.query(
    `with it as (select c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace
                  where n.nspname = $1 and c.relname = $2 and c.relkind in ('r', 'p'))
     select format('%I.%I', n.nspname, c.relname) as name
       from (select oid from it
             union select k.${other} from pg_constraint k join it on k.${mine} = it.oid where k.contype = 'f') o
       join pg_class c on c.oid = o.oid join pg_namespace n on n.oid = c.relnamespace
      order by c.oid`,
    [schema, table],
  );
  return z
    .array(z.object({ name: z.string() }))
    .parse(rows)
    .map(({ name }) => name);
}
