/**
 * What the server would say no to when rows are written back, said in a preview: foreign keys that point out of the
 * rows that are put in, unique values that newer rows have, and what would reach rows beyond the order.
 */
import { z } from 'zod';
import { oneLine } from '../../../model/text.ts';
import { ident } from '../../../protection/postgres/layout.ts';
import type { ForeignKey } from '../../../protection/postgres/undo/references.ts';
import type { TargetSession } from '../../../protection/target-database.ts';
import { from, shown } from '../table-facts.ts';
import { reached } from './reach.ts';
import { isMissing, type WrittenHow, type WrittenTable } from './written-table.ts';

/** Sentences; none: nothing that is known here is in its way. */
export async function obstaclesTo(
  session: TargetSession,
  tables: readonly WrittenTable[],
  foreign: readonly ForeignKey[],
  how: WrittenHow,
): Promise<string[]> {
  const sentences: string[] = [];
  for (const key of foreign) {
    const parents = tables.filter(({ table }) => table.oid === key.parent);
    for (const child of tables.filter(({ table }) => table.oid === key.child)) {
      if (child.counts.missing === 0) continue;
      const count = await orphansOf(session, child, parents, key);
      if (count > 0)
        sentences.push(
          `${count} row(s) of ${oneLine(key.childShown)} refer to rows of ${oneLine(key.parentShown)} that are not there (${oneLine(key.name)}): write that table back too.`,
        );
    }
  }
  sentences.push(...(await reached(session, tables, foreign, how)));
  for (const one of tables) sentences.push(...(await clashes(session, one)));
  return sentences;
}

async function orphansOf(
  session: TargetSession,
  child: WrittenTable,
  parents: readonly WrittenTable[],
  key: ForeignKey,
): Promise<number> {
  const pairs = key.childColumns.map((name, at) => [name, key.parentColumns[at] ?? name] as const);
  const on = pairs.map(([mine, theirs]) => `p.${ident(theirs)} = r.${ident(mine)}`).join(' and ');
  const isSet = pairs.map(([mine]) => `r.${ident(mine)} is not null`).join(' and ');
  const inCopy = parents.map(({ rows }) => ` and not exists (select from ${rows} p where ${on})`);
  const [row] = await session.query(`
    select count(*)::int as n from ${child.rows} r
     where ${isMissing(child)} and ${isSet}
       and not exists (select from ${key.parentSql} p where ${on})${inCopy.join('')}`);
  return Number(row?.['n'] ?? 0);
}

const UNIQUE = z.object({ name: z.string(), columns: z.array(z.string()) });

/** Plain unique indexes; those of expressions, and exclusion constraints, are left to the server. */
async function clashes(session: TargetSession, one: WrittenTable): Promise<readonly string[]> {
  const { columns, live } = one.shared;
  const found = await session.query(
    `select x.relname::text as name, (select jsonb_agg(a.attname order by k.at)
        from unnest(i.indkey::int2[]) with ordinality as k(attnum, at)
        join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum where k.at <= i.indnkeyatts) as columns
       from pg_index i join pg_class x on x.oid = i.indexrelid
      where i.indrelid = $1::oid and i.indisunique and not i.indisprimary and i.indisvalid
        and i.indexprs is null and i.indpred is null order by 1`,
    [live.oid],
  );
  const sentences: string[] = [];
  for (const index of z.array(UNIQUE).parse(found)) {
    if (!index.columns.every((name) => columns.includes(name))) continue;
    const is = index.columns.map((name) => `u.${ident(name)} = r.${ident(name)}`).join(' and ');
    const [row] = await session.query(`
      select count(*)::int as n from ${one.rows} r
       where ${isMissing(one)} and exists (select from ${from(live)} u where ${is})`);
    const count = Number(row?.['n'] ?? 0);
    if (count > 0)
      sentences.push(
        `${count} row(s) of ${oneLine(shown(live))} have a value that a newer row has and only one may (${oneLine(index.name)}).`,
      );
  }
  return sentences;
}
