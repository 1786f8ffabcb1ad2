/**
 * Newer rows that hold a unique value which a row to be put back needs. Every unique index but the key is
 * looked at, by the server's own words for its expressions and its predicate; exclusion constraints
 * are left to the server (its refusal is reported as a conflict of the table).
 */
import type { TargetSession } from '../../target-database.ts';
import { EQUALS, text } from './current-table.ts';
import { type Net, quoted } from './net.ts';
import { GOES } from './write.ts';

/** Temp table (b, at, id): the plan's row, and where the row in its way is. Null: no index but the key. */
export interface Way {
  readonly table: string;
  readonly indexes: readonly UniqueIndex[];
}

export async function makeWay(
  session: TargetSession,
  { table }: Net,
  name: string,
): Promise<Way | null> {
  const indexes = await uniqueIndexes(session, table.oid);
  if (indexes.length === 0) return null;
  await session.query(`create temp table ${name} (b tid, at oid, id tid) on commit drop`);
  return { table: `pg_temp.${name}`, indexes };
}

/** Fills it anew, and marks what is in conflict: how many rows of the plan. */
export async function findInTheWay(
  session: TargetSession,
  net: Net,
  { table: way, indexes }: Way,
): Promise<number> {
  await session.query(`truncate ${way}`);
  for (const index of indexes) {
    const { exprs, equals, predicate, nullsEqual } = index;
    const where = predicate === null ? '' : ` where ${predicate}`;
    const list = exprs.map((expr, place) => `${expr} as u${place}`).join(', ');
    const kept = net.common.map((column) => `${net.value(column, 'l')} as ${quoted(column)}`);
    // Named so that no column of a table is likely to be called the same.
    const keys = net.keyColumns.map(({ attnum }) => `"hf k${attnum}" as k${attnum}`);
    const nowKeys = net.keyColumns.map((column) => `t.${quoted(column)} as "hf k${column.attnum}"`);
    const same = exprs.map((_, place) => {
      const is = `kept.u${place} ${equals[place] ?? '='} now.u${place}`;
      return nullsEqual ? `(${is} or (kept.u${place} is null and now.u${place} is null))` : is;
    });
    const self = net.table.key.map(({ attnum, equals: is }) => `p.k${attnum} ${is} now.k${attnum}`);
    // What we remove or change ourselves is no newer work and gives its values up.
    const mine = `exists (select from ${net.plan} p where p.act in ('d', 'u') and ${GOES}
                            and ${self.join(' and ')})`;
    await session.query(
      `insert into ${way}
       with kept as (select "hf b" as b, ${list} from (
              select p.b as "hf b", ${kept.join(', ')} from ${net.plan} p
                join ${net.rows} l on l.ctid = p.b
               where p.act in ('i', 'u') and ${GOES}) s${where}),
            now as (select "hf at" as at, "hf id" as id, ${keys.join(', ')}, ${list} from (
              select t.tableoid as "hf at", t.ctid as "hf id", ${nowKeys.join(', ')}, t.*
                from ${net.table.from} t) s${where})
       select kept.b, now.at, now.id from kept join now on ${same.join(' and ')} where not ${mine}`,
    );
  }
  const [found] = await session.query(
    `with marked as (update ${net.plan} p set conflict = 'unique'
        from ${way} w where p.b = w.b and p.conflict is distinct from 'unique' returning 1)
     select count(*)::int as rows from marked`,
  );
  return Number(found?.['rows'] ?? 0);
}

interface UniqueIndex {
  readonly exprs: readonly string[];
  readonly equals: readonly string[];
  readonly predicate: string | null;
  readonly nullsEqual: boolean;
}

async function uniqueIndexes(session: TargetSession, oid: number): Promise<UniqueIndex[]> {
  const rows = await session.query(
    `select i.indexrelid::bigint::text as index, k.place::int as place,
            pg_get_indexdef(i.indexrelid, k.place::int, false) as expr, ${EQUALS} as equals,
            pg_get_expr(i.indpred, i.indrelid) as predicate, i.indnullsnotdistinct as nulls_equal
       from pg_index i
      cross join lateral unnest((i.indclass::oid[])[0:i.indnkeyatts - 1])
                 with ordinality k(opclass, place)
      where i.indrelid = $1::oid and i.indisunique and i.indisvalid and not i.indisprimary
        and exists (select from pg_am am join pg_class ic on ic.relam = am.oid
                     where ic.oid = i.indexrelid and am.amname = 'btree')
      order by i.indexrelid, k.place`,
    [oid],
  );
  return [...groupBy(rows).values()].map((of) => ({
    exprs: of.map((row) => text(row, 'expr')),
    equals: of.map((row) => text(row, 'equals')),
    predicate: typeof of[0]?.['predicate'] === 'string' ? of[0]['predicate'] : null,
    nullsEqual: of[0]?.['nulls_equal'] === true,
  }));
}

type Rows = Awaited<ReturnType<TargetSession['query']>>;

function groupBy(rows: Rows): Map<string, Rows[number][]> {
  const by = new Map<string, Rows[number][]>();
  for (const row of rows) {
    const index = text(row, 'index');
    by.set(index, [...(by.get(index) ?? []), row]);
  }
  return by;
}
