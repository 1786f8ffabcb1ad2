/**
 * A table without a key: rows are a multiset, told apart by their whole image as text. What was taken out
 * comes back as often as it was taken, what was put in is removed as often; a row that is no longer there
 * to be removed was changed since. Which of several equal rows is removed makes no difference.
 * Decided as a whole: `ours` puts back and removes what it finds, anything else leaves the table alone.
 */
import type { TargetSession } from '../../target-database.ts';
import type { Choice, UndoConflict } from '../../undo/undo-report.ts';
import { text } from './current-table.ts';
import type { Loaded } from './load.ts';
import { quoted } from './net.ts';
import { counted, type Say, swallowed, type Written } from './write.ts';

export interface Keyless extends Loaded {
  /** Temp table (id, img, d, there): place of an image, how often more it was before, how many stand there now. */
  readonly bag: string;
}

export async function planBag(
  session: TargetSession,
  loaded: Loaded,
  name: string,
  entries: string | null,
): Promise<Keyless> {
  const { rows, value, common, table } = loaded;
  const image = `row(${common.map((column) => value(column, 'l')).join(', ')})::text`;
  await session.query(
    `create temp table ${name} on commit drop as
     with bag as (
       select min(l.ctid) as id, ${image} as img,
              sum(case when l.side = '-' then 1 else -1 end)::bigint as d
         from ${rows} l ${entries === null ? '' : `join ${entries} en on en.seq = l.seq`}
        group by 2 having sum(case when l.side = '-' then 1 else -1 end) <> 0),
     now as (
       select ${nowImage(loaded)} as img, count(*) as rows from ${table.from} t
        where exists (select from bag where d < 0) group by 1)
     select bag.id, bag.img, bag.d, coalesce(now.rows, 0) as there, l.sh
       from bag join ${rows} l on l.ctid = bag.id left join now on now.img = bag.img and bag.d < 0`,
  );
  if (loaded.isLarge) await session.query(`analyze pg_temp.${name} (id, d, there)`);
  return { ...loaded, bag: `pg_temp.${name}` };
}

export async function bagConflicts(
  session: TargetSession,
  keyless: Keyless,
  choice: Choice | null,
): Promise<{ readonly total: number; readonly shown: readonly UndoConflict[] }> {
  const rows = await session.query(
    `select img, (-d - there)::text as missing, count(*) over ()::int as total from ${keyless.bag}
      where d < 0 and there < -d order by id limit 50`,
  );
  const shown = rows.map(
    (row): UndoConflict => ({
      kind: 'changed',
      table: keyless.table.shown,
      key: null,
      about: `${text(row, 'missing')} row(s) ${text(row, 'img')} are no longer there as they were left; the table has no key to find them by.`,
      kept: null,
      now: null,
      choice,
      choices: ['ours', 'theirs', 'skip'],
    }),
  );
  return { total: Number(rows[0]?.['total'] ?? 0), shown };
}

export async function writeBag(
  session: TargetSession,
  keyless: Keyless,
  say: Say,
): Promise<Written> {
  const { bag, rows, table, value, shapes } = keyless;
  const deleted = await counted(
    session,
    `delete from ${table.from} t using (
       select n.at, n.id from (
         select t.tableoid as at, t.ctid as id, ${nowImage(keyless)} as img,
                row_number() over (partition by ${nowImage(keyless)}) as place from ${table.from} t) n
         join ${bag} b on b.img = n.img where b.d < 0 and n.place <= -b.d) gone
      where t.tableoid = gone.at and t.ctid = gone.id`,
    say,
  );
  const planned = await lookAtBag(session, keyless);
  let inserted = 0;
  for (const [sh, columns] of shapes.entries()) {
    inserted += await counted(
      session,
      `insert into ${table.sql} (${columns.map(quoted).join(', ')}) overriding system value
       select ${columns.map((column) => value(column, 'l')).join(', ')}
         from ${bag} b join ${rows} l on l.ctid = b.id cross join lateral generate_series(1, b.d)
        where b.d > 0 and b.sh = ${sh}`,
      say,
    );
  }
  if (inserted !== planned.inserted) throw swallowed(table.shown, planned.inserted, inserted);
  return { inserted, updated: 0, deleted };
}

/** What the bag would write: of rows to be removed, those that are there. */
export async function lookAtBag(session: TargetSession, { bag }: Keyless): Promise<Written> {
  const [row] = await session.query(
    `select coalesce(sum(d) filter (where d > 0), 0)::int as inserted,
            coalesce(sum(least(-d, there)) filter (where d < 0), 0)::int as deleted from ${bag}`,
  );
  return {
    inserted: Number(row?.['inserted'] ?? 0),
    updated: 0,
    deleted: Number(row?.['deleted'] ?? 0),
  };
}

function nowImage({ common }: Loaded): string {
  return `row(${common.map((column) => `t.${quoted(column)}`).join(', ')})::text`;
}
