/**
 * Rows beyond those of an order that writing it back would reach: ON DELETE CASCADE deletes rows of tables that
 * nobody named, SET NULL and ON UPDATE CASCADE change them, and no bound counts them. So where rows that stay
 * refer to what goes, or to a value that would be another, that is said, and nothing is written. Rows of the
 * order itself that go as well, or become what they were, are in nobody's way. Only references of rows that
 * go or change are looked at: as none is carried on from there, none goes any further.
 *
 * It is true while the tables that refer (`reachingKeys`) are locked, and of its moment where they are not.
 */
import type { HoldfastError } from '../../../model/errors.ts';
import { oneLine } from '../../../model/text.ts';
import { ident } from '../../../protection/postgres/layout.ts';
import type { ForeignKey } from '../../../protection/postgres/undo/references.ts';
import type { TargetSession } from '../../../protection/target-database.ts';
import { from, type SharedTable } from '../table-facts.ts';
import { state } from '../write-refusals.ts';
import {
  comesBack,
  differ,
  isExtra,
  onKey,
  setColumns,
  type WrittenHow,
  type WrittenTable,
} from './written-table.ts';

/** Foreign keys by which writing these could reach rows of others: whoever writes locks where they stand. */
export function reachingKeys(
  tables: readonly Pick<WrittenTable, 'shared' | 'table'>[],
  foreign: readonly ForeignKey[],
  how: WrittenHow,
): readonly ForeignKey[] {
  return foreign.filter((key) =>
    tables.some(
      (one) =>
        one.table.oid === key.parent &&
        (how.extra === 'delete' || (how.changed === 'set-back' && mayMove(one.shared, key))),
    ),
  );
}

/** Sentences; none: nothing but the rows of the order is deleted or changed by it. */
export async function reached(
  session: TargetSession,
  tables: readonly WrittenTable[],
  foreign: readonly ForeignKey[],
  how: WrittenHow,
): Promise<readonly string[]> {
  const sentences: string[] = [];
  for (const key of reachingKeys(tables, foreign, how)) {
    const children = tables.filter(({ table }) => table.oid === key.child);
    const say = (count: number, what: string): void => {
      if (count === 0) return;
      sentences.push(
        `${count} row(s) of ${oneLine(key.childShown)} refer to rows of ${oneLine(key.parentShown)} ${what} (${oneLine(key.name)}).`,
      );
    };
    for (const parent of tables.filter(({ table }) => table.oid === key.parent)) {
      const { changed, extra } = parent.counts;
      if (how.extra === 'delete' && extra > 0) {
        const count = await referring(session, key, children, how, parent, isExtra(parent));
        say(count, 'that would be deleted');
      }
      if (how.changed === 'set-back' && changed > 0 && mayMove(parent.shared, key)) {
        const count = await referring(session, key, children, how, parent, moves(parent, key));
        say(count, 'by a value that would be another');
      }
    }
  }
  return sentences;
}

/** What the server would do to them no bound counts, and nobody asked for. */
export function beyondOrder(sentences: readonly string[]): HoldfastError {
  return state(
    'nothing but the rows that were named to be deleted or changed',
    sentences.join(' '),
    'Nothing was changed. Name the tables that refer to these rows too, or keep the rows that they refer to.',
  );
}

/** Whether setting back can change what is referred to, with the server changing who refers along with it. */
function mayMove(shared: SharedTable, key: ForeignKey): boolean {
  if (!key.carriesUpdates) return false;
  const set = setColumns(shared);
  const generated = shared.live.columns.filter(({ isGenerated }) => isGenerated);
  return key.parentColumns.some(
    (name) => set.includes(name) || generated.some((one) => one.name === name),
  );
}

/** Rows of the child that are what they are afterwards, too, and refer to rows of the parent that are meant. */
async function referring(
  session: TargetSession,
  key: ForeignKey,
  children: readonly WrittenTable[],
  how: WrittenHow,
  parent: WrittenTable,
  meant: string,
): Promise<number> {
  const refers = key.parentColumns.map(
    (name, at) =>
      `t.${ident(name)} ${key.equals[at] ?? '='} c.${ident(key.childColumns[at] ?? name)}`,
  );
  const stays = children.flatMap((child) => {
    const isWhole = key.childColumns.every((name) => child.shared.columns.includes(name));
    return [
      ...(how.extra === 'delete' ? [isExtra(child)] : []),
      ...(how.changed === 'set-back' && isWhole ? [comesBack(child)] : []),
    ].map((sql) => `not (${within(child)}${sql})`);
  });
  const where = stays.length === 0 ? '' : ` where ${stays.join(' and ')}`;
  const [row] = await session.query(`
    select count(*)::int as n from (select t.* from ${key.childSql} t${where}) c
     where exists (select from ${from(parent.shared.live)} t where ${meant} and ${refers.join(' and ')})`);
  return Number(row?.['n'] ?? 0);
}

function moves(one: WrittenTable, key: ForeignKey): string {
  const { columns } = one.shared;
  // Of a generated column that the copy does not know nobody can say what it would be.
  const of = key.parentColumns.every((name) => columns.includes(name))
    ? key.parentColumns
    : columns;
  return `exists (select from ${one.rows} r where ${onKey(one)}
    and ${differ(columns)} and ${differ(of)})`;
}

/** Of one partition: rows of the others are not meant. */
function within({ shared, table }: WrittenTable): string {
  if (Number(shared.live.oid) === table.oid) return '';
  return `t.tableoid in (select relid from pg_partition_tree(${Number(shared.live.oid)}::oid::regclass)) and `;
}
