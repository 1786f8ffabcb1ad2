/**
 * Foreign keys, checked by us for exactly the touched rows, because with session_replication_role =
 * replica the server's own checks rest together with the user's triggers. What a check relies on is
 * locked: touched tables against writers, rows of other tables that are referred to FOR KEY SHARE, as
 * PostgreSQL does itself.
 */
import type { Row, TargetSession } from '../../target-database.ts';
import { text } from './current-table.ts';
import type { Keyless } from './keyless.ts';
import type { Net } from './net.ts';
import { GOES } from './write.ts';

export interface ForeignKey {
  readonly name: string;
  /** The table at the root of its partitions, by which work is grouped; so with `parent`. */
  readonly child: number;
  /** Where the constraint stands: a partition, when it was declared there. */
  readonly childAt: number;
  readonly childSql: string;
  readonly childShown: string;
  readonly parent: number;
  readonly parentSql: string;
  readonly parentShown: string;
  readonly childColumns: readonly string[];
  readonly parentColumns: readonly string[];
  readonly parentAttnums: readonly number[];
  /** Parent's column = child's column, in order. */
  readonly equals: readonly string[];
  /** Parent's column = parent's column, in order. */
  readonly parentEquals: readonly string[];
  /** ON UPDATE CASCADE, SET NULL or SET DEFAULT: the server changes the child's rows with the parent's. */
  readonly carriesUpdates: boolean;
}

function operators(column: string): string {
  return `(select array_agg(format('OPERATOR(%I.%s)', n.nspname, o.oprname) order by k.i)
               from unnest(${column}) with ordinality k(op, i)
               join pg_operator o on o.oid = k.op join pg_namespace n on n.oid = o.oprnamespace)`;
}

export async function readForeignKeys(
  session: TargetSession,
  oids: readonly number[],
): Promise<ForeignKey[]> {
  const rows = await session.query(
    `select c.conname as name, c.confupdtype in ('c', 'n', 'd') as carries_updates, c.conrelid::bigint::text as child_at,
            r.child::bigint::text as child, r.parent::bigint::text as parent,
            case cc.relkind when 'p' then '' else 'only ' end || format('%I.%I', cn.nspname, cc.relname) as child_sql, cn.nspname || '.' || cc.relname as child_shown,
            case pc.relkind when 'p' then '' else 'only ' end || format('%I.%I', pn.nspname, pc.relname) as parent_sql, pn.nspname || '.' || pc.relname as parent_shown,
            (select array_agg(a.attname::text order by k.i) from unnest(c.conkey) with ordinality k(n, i)
               join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.n) as child_columns,
            (select array_agg(a.attname::text order by k.i) from unnest(c.confkey) with ordinality k(n, i)
               join pg_attribute a on a.attrelid = c.confrelid and a.attnum = k.n) as parent_columns,
            (select array_agg(ra.attnum::int order by k.i) from unnest(c.confkey) with ordinality k(n, i)
               join pg_attribute a on a.attrelid = c.confrelid and a.attnum = k.n
               join pg_attribute ra on ra.attrelid = r.parent and ra.attname = a.attname) as parent_attnums,
            ${operators('c.conpfeqop')} as equals, ${operators('c.conppeqop')} as parent_equals
       from pg_constraint c
       cross join lateral (select coalesce(pg_partition_root(c.conrelid), c.conrelid)::oid as child,
                                  coalesce(pg_partition_root(c.confrelid), c.confrelid)::oid as parent) r
       join pg_class cc on cc.oid = c.conrelid join pg_namespace cn on cn.oid = cc.relnamespace
       join pg_class pc on pc.oid = c.confrelid join pg_namespace pn on pn.oid = pc.relnamespace
      where c.contype = 'f' and c.conparentid = 0
        and (r.child = any ($1::oid[]) or r.parent = any ($1::oid[])) order by c.oid`,
    [oids],
  );
  return rows.map((row) => ({
    name: text(row, 'name'),
    child: Number(row['child']),
    childAt: Number(row['child_at']),
    childSql: text(row, 'child_sql'),
    childShown: text(row, 'child_shown'),
    parent: Number(row['parent']),
    parentSql: text(row, 'parent_sql'),
    parentShown: text(row, 'parent_shown'),
    childColumns: words(row, 'child_columns'),
    parentColumns: words(row, 'parent_columns'),
    parentAttnums: words(row, 'parent_attnums').map(Number),
    equals: words(row, 'equals'),
    parentEquals: words(row, 'parent_equals'),
    carriesUpdates: row['carries_updates'] === true,
  }));
}

/** A row of a plan that a foreign key does not let be written. */
export interface Violation {
  readonly kind: 'parent-missing' | 'dependents';
  readonly b: string | null;
  readonly a: string | null;
  readonly about: string;
}

/** Rows we put back whose parent is not there. */
export async function orphans(
  session: TargetSession,
  net: Net,
  key: ForeignKey,
  locked: ReadonlySet<number>,
): Promise<Violation[]> {
  const child = key.childColumns.map((name) => `t.${quoteName(name)}`);
  const onParent = joined(key, 'p2', 't');
  const restored = `${net.plan} p join ${net.table.from} t on ${net.onKey('p', 't')}
     where p.act in ('i', 'u') and ${GOES} and ${child.map((one) => `${one} is not null`).join(' and ')}
       ${key.childAt === key.child ? '' : `and t.tableoid in (select relid from pg_partition_tree(${key.childAt}))`}`;
  if (!locked.has(key.parent)) {
    await session.query(
      `with held as (select 1 from ${key.parentSql} p2
         where exists (select from ${restored} and ${onParent}) for key share)
       select count(*) from held`,
    );
  }
  const rows = await session.query(
    `select p.b::text as b, p.a::text as a from ${restored}
       and not exists (select from ${key.parentSql} p2 where ${onParent})`,
  );
  const about = `${key.childShown} (${key.childColumns.join(', ')}) refers to a row of ${key.parentShown} that is not there (${key.name}).`;
  return rows.map((row) => ({ kind: 'parent-missing', ...place(row), about }));
}

/**
 * Of a table without a key, in one sentence, or null: put back without the row it refers to, or removed
 * though others refer to it. It is decided as a whole, so the rows are counted.
 */
export async function bagViolation(
  session: TargetSession,
  bag: Keyless,
  key: ForeignKey,
  locked: ReadonlySet<number>,
): Promise<string | null> {
  const { table } = bag;
  const keptOf = (name: string): string => {
    const column = bag.common.find((one) => one.name === name);
    return column === undefined ? 'null' : bag.value(column, 'l');
  };
  const touched = `${bag.bag} b join ${bag.rows} l on l.ctid = b.id`;
  if (key.child === table.oid) {
    const kept = key.childColumns.map(keptOf);
    const onParent = key.parentColumns
      .map((name, at) => `p2.${quoteName(name)} ${key.equals[at] ?? '='} ${kept[at]}`)
      .join(' and ');
    const whole = kept.map((one) => `${one} is not null`).join(' and ');
    if (!locked.has(key.parent)) {
      await session.query(
        `with held as (select 1 from ${key.parentSql} p2
           where exists (select from ${touched} where b.d > 0 and ${onParent}) for key share)
         select count(*) from held`,
      );
    }
    const stands = key.childAt === key.child ? '' : standsIn(bag, key.childAt);
    const rows = await countOf(
      session,
      `${touched} where b.d > 0 and ${whole}${stands}
         and not exists (select from ${key.parentSql} p2 where ${onParent})`,
    );
    if (rows > 0) {
      return `${rows} row(s) of ${key.childShown} (${key.childColumns.join(', ')}) refer to rows of ${key.parentShown} that are not there (${key.name}).`;
    }
  }
  if (key.parent !== table.oid) return null;
  const kept = key.parentColumns.map(keptOf);
  const refers = key.childColumns
    .map((name, at) => `${kept[at]} ${key.equals[at] ?? '='} c.${quoteName(name)}`)
    .join(' and ');
  const stays = key.parentColumns
    .map((name, at) => `t.${quoteName(name)} ${key.parentEquals[at] ?? '='} ${kept[at]}`)
    .join(' and ');
  const rows = await countOf(
    session,
    `${touched} where b.d < 0 and exists (select from ${key.childSql} c where ${refers})
       and not exists (select from ${key.parentSql} t where ${stays})`,
  );
  return rows === 0 ? null : `Rows of ${key.childShown} refer to ${rows} of them (${key.name}).`;
}

/** Only rows that now stand in that partition: a row's image, looked for there. */
function standsIn({ common, table, value }: Keyless, partition: number): string {
  const kept = common.map((column) => value(column, 'l')).join(', ');
  const now = common.map((column) => `t.${quoteName(column.name)}`).join(', ');
  return ` and exists (select from ${table.from} t where row(${now})::text = row(${kept})::text
    and t.tableoid in (select relid from pg_partition_tree(${partition})))`;
}

async function countOf(session: TargetSession, from: string): Promise<number> {
  const [row] = await session.query(`select count(*)::int as rows from ${from}`);
  return Number(row?.['rows'] ?? 0);
}

/** `orphans` before anything is written: a parent that comes back in the same undo counts as there. */
export async function orphansAhead(
  session: TargetSession,
  net: Net,
  key: ForeignKey,
  parent: Net | null,
): Promise<Violation[]> {
  const kept = key.childColumns.map((name) => loadedValue(net, name, 'l'));
  if (kept.includes(null)) return [];
  const is = (side: (name: string) => string): string =>
    key.parentColumns
      .map((name, at) => `${side(name)} ${key.equals[at] ?? '='} ${kept[at]}`)
      .join(' and ');
  const comes =
    parent === null
      ? ''
      : ` and not exists (select from ${parent.plan} pp join ${parent.rows} pl on pl.ctid = pp.b
           where pp.act in ('i', 'u') and ${GOES.replaceAll('p.', 'pp.')}
             and ${is((name) => loadedValue(parent, name, 'pl') ?? 'null')})`;
  const rows = await session.query(
    `select p.b::text as b, p.a::text as a from ${net.plan} p join ${net.rows} l on l.ctid = p.b
      where p.act in ('i', 'u') and ${GOES} and ${kept.map((one) => `${one} is not null`).join(' and ')}
        and not exists (select from ${key.parentSql} p2 where ${is((name) => `p2.${quoteName(name)}`)})${comes}`,
  );
  const about = `${key.childShown} (${key.childColumns.join(', ')}) refers to a row of ${key.parentShown} that is not there (${key.name}).`;
  return rows.map((row) => ({ kind: 'parent-missing', ...place(row), about }));
}

/** `dependents` before anything is written: rows that go, or change, in the same undo are left out. */
export async function dependentsAhead(
  session: TargetSession,
  net: Net,
  key: ForeignKey,
  child: Net | null,
): Promise<Violation[]> {
  const olds = key.parentAttnums.map((attnum) => `p.o${attnum}`);
  const refers = key.childColumns
    .map((name, at) => `${olds[at]} ${key.equals[at] ?? '='} c.${quoteName(name)}`)
    .join(' and ');
  const goes =
    child === null
      ? ''
      : ` and not exists (select from ${child.plan} cp
           where cp.act in ('d', 'u') and ${GOES.replaceAll('p.', 'cp.')} and ${child.onKey('cp', 'c')})`;
  const children = `from ${key.childSql} c where ${refers}${goes}`;
  const rows = await session.query(
    `select p.b::text as b, p.a::text as a, (select count(*) ${children})::text as children
       from ${net.plan} p where p.act = 'd' and ${GOES} and exists (select ${children})`,
  );
  return rows.map((row) => ({
    kind: 'dependents',
    ...place(row),
    about: `${text(row, 'children')} row(s) of ${key.childShown} refer to it (${key.name}).`,
  }));
}

function loadedValue({ common, value }: Net, name: string, alias: string): string | null {
  const column = common.find((one) => one.name === name);
  return column === undefined ? null : value(column, alias);
}

/** Rows we remove (or whose key we change) that others refer to. `when`: before or after the write. */
export async function dependents(
  session: TargetSession,
  net: Net,
  key: ForeignKey,
  when: 'before' | 'after',
): Promise<Violation[]> {
  const olds = key.parentAttnums.map((attnum) => `p.o${attnum}`);
  const refers = key.childColumns
    .map((name, at) => `${olds[at]} ${key.equals[at] ?? '='} c.${quoteName(name)}`)
    .join(' and ');
  const stays = key.parentColumns
    .map((name, at) => `t.${quoteName(name)} ${key.parentEquals[at] ?? '='} ${olds[at]}`)
    .join(' and ');
  const gone =
    when === 'before' ? '' : ` and not exists (select from ${key.parentSql} t where ${stays})`;
  const rows = await session.query(
    `select p.b::text as b, p.a::text as a,
            (select count(*) from ${key.childSql} c where ${refers})::text as children
       from ${net.plan} p
      where p.act in ${when === 'before' ? "('d')" : "('d', 'u')"} and ${GOES}
        and exists (select from ${key.childSql} c where ${refers})${gone}`,
  );
  return rows.map((row) => ({
    kind: 'dependents',
    ...place(row),
    about: `${text(row, 'children')} row(s) of ${key.childShown} refer to it (${key.name}).`,
  }));
}

function joined(key: ForeignKey, parent: string, child: string): string {
  return key.parentColumns
    .map((name, at) => {
      const other = quoteName(key.childColumns[at] ?? '');
      return `${parent}.${quoteName(name)} ${key.equals[at] ?? '='} ${child}.${other}`;
    })
    .join(' and ');
}

function place(row: Row): { readonly b: string | null; readonly a: string | null } {
  const { b, a } = row;
  return { b: typeof b === 'string' ? b : null, a: typeof a === 'string' ? a : null };
}

/** Parents before children, as far as there is an order; tables of a circle in the order given. */
export function parentsFirst<T extends { readonly table: { readonly oid: number } }>(
  groups: readonly T[],
  keys: readonly ForeignKey[],
): T[] {
  const left = new Set(groups);
  const ordered: T[] = [];
  while (left.size > 0) {
    const oids = new Set([...left].map(({ table }) => table.oid));
    const free = [...left].filter(({ table: { oid } }) =>
      keys.every(({ child, parent }) => child !== oid || parent === oid || !oids.has(parent)),
    );
    for (const one of free.length > 0 ? free : [...left]) {
      left.delete(one);
      ordered.push(one);
    }
  }
  return ordered;
}

function words(row: Row, name: string): readonly string[] {
  const value = row[name];
  return Array.isArray(value) ? value.map(String) : [];
}

function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
