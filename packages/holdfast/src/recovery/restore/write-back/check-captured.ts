/** What is written into the live target can be taken back: only where capture sees it. */
import type { TargetSession } from '../../../protection/target-database.ts';
import { shown, type TableName } from '../table-facts.ts';
import { state } from '../write-refusals.ts';

/** All of its leaves: a part that nothing captures could not be taken back. HF_RESTORE_STATE. */
export async function checkCaptured(
  session: TargetSession,
  table: TableName & { readonly oid: string },
): Promise<void> {
  const name = shown(table);
  const hint =
    'Run `holdfast protect TARGET --apply`, so that it can be taken back; then try again.';
  const [ours] = await session.query(
    `select to_regprocedure('holdfast.faults(regclass)') is not null as ours`,
  );
  if (ours?.['ours'] !== true) throw state(`${name} to be protected`, 'that it is not', hint);
  const faults = await session.query(
    `select r.relid::text as "table", f.fault
       from (select relid from pg_partition_tree($1::oid::regclass) where isleaf
             union select $1::oid::regclass) r(relid), holdfast.faults(r.relid::regclass) f(fault)`,
    [table.oid],
  );
  const [first] = faults;
  if (first === undefined) return;
  throw state(`${name} to be captured`, `${String(first['fault'])}`, hint);
}
