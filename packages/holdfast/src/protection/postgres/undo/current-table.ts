/**
 * The table of a captured shape as it stands now. It is found by its oid, so that a rename does not hide
 * it, and by its name when the oid is gone (dumped and restored, made anew). Rows of a partition are
 * worked on through the root of its tree: they may have moved since.
 */
import type { Row, TargetSession } from '../../target-database.ts';
import type { TableShape } from '../../undo-item.ts';
import { ident, TRASH_PREFIX } from '../layout.ts';

export interface CurrentColumn {
  readonly attnum: number;
  readonly name: string;
  /** format_type under `search_path = pg_catalog`: qualified where it must be. */
  readonly type: string;
  /** ` COLLATE "s"."c"` where it is not the type's own. */
  readonly collate: string;
  readonly generated: string;
  readonly identity: string;
  readonly hasDefault: boolean;
}

export interface KeyColumn {
  readonly attnum: number;
  /** `OPERATOR(pg_catalog.=)`: the one of its index, whatever the search_path finds. */
  readonly equals: string;
}

export interface CurrentTable {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  /** `public.bookings`, for people. */
  readonly shown: string;
  /** `"public"."bookings"`, for SQL. */
  readonly sql: string;
  /** The same to read, change and delete from: ONLY it, unless its rows lie in partitions. */
  readonly from: string;
  readonly columns: readonly CurrentColumn[];
  readonly key: readonly KeyColumn[];
}

/** A shape, its table now, and for each captured column the column it goes to (by place). */
export interface Placed {
  readonly shape: TableShape;
  readonly table: CurrentTable;
  readonly to: readonly (CurrentColumn | null)[];
}

export type Found =
  | { readonly kind: 'placed'; readonly placed: Placed; readonly notes: readonly string[] }
  | { readonly kind: 'gone'; readonly about: string };

export async function placeShape(session: TargetSession, shape: TableShape): Promise<Found> {
  const [at] = await session.query(
    `select c.oid::bigint::text as oid, n.nspname as schema, c.relname as name, c.relkind as kind,
            coalesce(nullif(pg_partition_root(c.oid), c.oid), c.oid)::oid::bigint::text as root,
            c.oid = $1::oid as same
       from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p') and (c.oid = $1::oid or (n.nspname = $2 and c.relname = $3))
      order by (c.oid = $1::oid) desc limit 1`,
    [shape.tableOid, shape.schema, shape.table],
  );
  const was = `${shape.schema}.${shape.table}`;
  if (at === undefined) return { kind: 'gone', about: `The table ${was} no longer exists.` };
  const schema = text(at, 'schema');
  if (schema.startsWith(TRASH_PREFIX)) {
    return { kind: 'gone', about: `The table ${was} was dropped since: undo its DROP first.` };
  }
  const leaf = await readTable(session, Number(text(at, 'oid')));
  const root = at['root'] === at['oid'] ? leaf : await readTable(session, Number(text(at, 'root')));
  const notes: string[] = [];
  if (leaf.shown !== was) notes.push(`${was} is now called ${leaf.shown}.`);
  if (at['same'] !== true) notes.push(`${was} was made anew since; columns are matched by name.`);
  const to = shape.columns.map((column) => {
    const own =
      at['same'] === true
        ? leaf.columns.find(({ attnum }) => attnum === column.attnum)
        : leaf.columns.find(({ name }) => name === column.name);
    const found = root.columns.find(({ name }) => name === own?.name) ?? null;
    if (found === null && column.generated === '') {
      notes.push(`${was}: column ${column.name} no longer exists; its values do not come back.`);
    } else if (found !== null && found.name !== column.name) {
      notes.push(`${was}: column ${column.name} is now called ${found.name}.`);
    }
    return found !== null && found.generated === '' && column.generated === '' ? found : null;
  });
  for (const column of root.columns) {
    if (column.generated === '' && !to.includes(column)) {
      notes.push(`${was}: column ${column.name} was added since; rows put back get its default.`);
    }
  }
  return { kind: 'placed', placed: { shape, table: root, to }, notes };
}

async function readTable(session: TargetSession, oid: number): Promise<CurrentTable> {
  const rows = await session.query(
    `select n.nspname as schema, c.relname as name, c.relkind as kind, a.attnum::int as attnum, a.attname as column,
            format_type(a.atttypid, a.atttypmod) as type, a.attgenerated as generated,
            a.attidentity as identity, a.atthasdef or a.attidentity <> '' as has_default,
            case when a.attcollation <> t.typcollation and a.attcollation <> 0
                 then (select format(' COLLATE %I.%I', ln.nspname, l.collname)
                         from pg_collation l join pg_namespace ln on ln.oid = l.collnamespace
                        where l.oid = a.attcollation) else '' end as collate
       from pg_class c join pg_namespace n on n.oid = c.relnamespace
       left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
       left join pg_type t on t.oid = a.atttypid
      where c.oid = $1::oid order by a.attnum`,
    [oid],
  );
  const [first] = rows;
  const schema = first === undefined ? '' : text(first, 'schema');
  const name = first === undefined ? '' : text(first, 'name');
  return {
    oid,
    schema,
    name,
    shown: `${schema}.${name}`,
    sql: `${ident(schema)}.${ident(name)}`,
    from: `${first?.['kind'] === 'p' ? '' : 'only '}${ident(schema)}.${ident(name)}`,
    columns: rows.filter((row) => row['attnum'] !== null).map(columnOf),
    key: await readKey(session, oid),
  };
}

function columnOf(row: Row): CurrentColumn {
  return {
    attnum: Number(row['attnum']),
    name: text(row, 'column'),
    type: text(row, 'type'),
    collate: text(row, 'collate'),
    generated: text(row, 'generated'),
    identity: text(row, 'identity'),
    hasDefault: row['has_default'] === true,
  };
}

/** Primary key first, else the narrowest unique index over NOT NULL columns. */
async function readKey(session: TargetSession, oid: number): Promise<readonly KeyColumn[]> {
  const rows = await session.query(
    `select i.indexrelid::bigint::text as index, k.attnum::int as attnum, ${EQUALS} as equals
       from (select * from pg_index i
              where i.indrelid = $1::oid and i.indisunique and i.indisvalid
                and i.indpred is null and not (0 = any (i.indkey::int2[]))
                and not exists (select from pg_attribute a where a.attrelid = i.indrelid
                                   and a.attnum = any ((i.indkey::int2[])[0:i.indnkeyatts - 1])
                                   and not a.attnotnull)
              order by i.indisprimary desc, i.indnkeyatts, i.indexrelid limit 1) i
      cross join lateral unnest((i.indkey::int2[])[0:i.indnkeyatts - 1],
                                (i.indclass::oid[])[0:i.indnkeyatts - 1])
                 with ordinality k(attnum, opclass, place)
      order by k.place`,
    [oid],
  );
  return rows.map((row) => ({ attnum: Number(row['attnum']), equals: text(row, 'equals') }));
}

/** The equality of an index column's operator class, as SQL; `k.opclass` is in scope. */
export const EQUALS = `(select format('OPERATOR(%I.%s)', opn.nspname, op.oprname)
   from pg_opclass oc
   join pg_amop ao on ao.amopfamily = oc.opcfamily and ao.amoplefttype = oc.opcintype
                  and ao.amoprighttype = oc.opcintype and ao.amopstrategy = 3
   join pg_operator op on op.oid = ao.amopopr
   join pg_namespace opn on opn.oid = op.oprnamespace
  where oc.oid = k.opclass)`;

export function text(row: Row, name: string): string {
  const value = row[name];
  return typeof value === 'string' ? value : String(value ?? '');
}
