/** Rows are put in, parents first; set back; deleted, children first; and then looked at: what was meant, and no more. */
import type { HoldfastError } from '../../../model/errors.ts';
import { ident } from '../../../protection/postgres/layout.ts';
import type { TargetSession } from '../../../protection/target-database.ts';
import { from, shown } from '../table-facts.ts';
import { state } from '../write-refusals.ts';
import {
  countsOf,
  differ,
  isExtra,
  isMissing,
  onKey,
  setColumns,
  type WrittenHow,
  type WrittenTable,
  writable,
} from './written-table.ts';

/** `tables`: parents first. HF_RESTORE_STATE. */
export async function writeRows(
  session: TargetSession,
  tables: readonly WrittenTable[],
  { changed, extra }: WrittenHow,
): Promise<void> {
  const run = async (one: WrittenTable, sql: string, expected: number): Promise<void> => {
    if (expected === 0) return;
    const [row] = await session.query(
      `with hf_done as (${sql} returning 1) select count(*)::int as n from hf_done`,
    );
    if (row?.['n'] !== expected) throw swallowed(one, expected, Number(row?.['n'] ?? 0));
  };
  for (const one of tables) await run(one, insertSql(one), one.counts.missing);
  const changes = changed === 'set-back' ? tables : [];
  for (const one of changes) await run(one, updateSql(one), one.counts.changed);
  const removals = extra === 'delete' ? [...tables].reverse() : [];
  for (const one of removals) await run(one, deleteSql(one), one.counts.extra);
  for (const one of tables) {
    const left = await countsOf(session, one);
    const isLeft =
      left.missing > 0 ||
      left.changed !== (changed === 'set-back' ? 0 : one.counts.changed) ||
      left.extra !== (extra === 'delete' ? 0 : one.counts.extra);
    if (isLeft) throw altered(one);
  }
}

function insertSql(one: WrittenTable): string {
  const { schema, name } = one.shared.live;
  const columns = writable(one.shared).map((column) => ident(column));
  return `insert into ${ident(schema)}.${ident(name)} (${columns.join(', ')}) overriding system value
    select ${columns.map((column) => `r.${column}`).join(', ')} from ${one.rows} r where ${isMissing(one)}`;
}

function updateSql(one: WrittenTable): string {
  const sets = setColumns(one.shared).map((name) => ident(name));
  return `update ${from(one.shared.live)} t set ${sets.map((name) => `${name} = r.${name}`).join(', ')}
    from ${one.rows} r where ${onKey(one)} and ${differ(one.shared.columns)}`;
}

function deleteSql(one: WrittenTable): string {
  return `delete from ${from(one.shared.live)} t where ${isExtra(one)}`;
}

function swallowed({ shared }: WrittenTable, expected: number, found: number): HoldfastError {
  return state(
    `${expected} rows of ${shown(shared.live)} to be written`,
    `${found}: a trigger or a rule kept the others out`,
    'Nothing was changed. Disable it for as long as this takes.',
  );
}

function altered({ shared }: WrittenTable): HoldfastError {
  return state(
    `the rows of ${shown(shared.live)} as they were restored`,
    'others: a trigger changed what was written, or rows beside it',
    'Nothing was changed. Disable it for as long as this takes.',
  );
}
