/**
 * Foreign keys, checked by us for exactly the touched rows, because with session_replication_role =
 * replica the server's own checks rest together with the user's triggers. What a check relies on is
 * locked: touched tables against writers, rows of other tables that are referred to FOR KEY SHARE, as
 * PostgreSQL does itself.
 */
import type { Row, TargetSession } from '../../target-database.ts';
import { text } from './current-table.ts';
import type { Net } from './net.ts';
import { GOES } from './write.ts';

export interface ForeignKey {
  readonly name: string;
  readonly child: number;
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
}

export async function readForeignKeys(
  session: TargetSession,
  oids: readonly number[],
): Promise<ForeignKey[]> {
  const rows = await session.query(
    `select c.conname as name, c.conrelid::bigint::text as child, c.confrelid::bigint::text as parent,
            format('%I.%I', cn.nspname, cc.relname) as child_sql, cn.nspname || '.' || cc.relname as child_shown,
            format('%I.%I', pn.nspname, pc.relname) as parent_sql, pn.nspname || '.' || pc.relname as parent_shown,
            (select array_agg(a.attname::text order by k.i) from unnest(c.conkey) with ordinality k(n, i)
               join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.n) as child_columns,
            (select array_agg(a.attname::text order by k.i) from unnest(c.confkey) with ordinality k(n, i)
               join pg_attribute a on a.attrelid = c.confrelid and a.attnum = k.n) as parent_columns,
            (select array_agg(k.n::int order by k.i) from unnest(c.confkey) with ordinality k(n, i)) as parent_attnums,
            (select array_agg(format('OPERATOR(%I.%s)', n.nspname, o.oprname) order by k.i)
               from unnest(c.conpfeqop) with ordinality k(op, i)
               join pg_operator o on o.oid = k.op join pg_namespace n on n.oid = o.oprnamespace) as equals
       from pg_constraint c
       join pg_class cc on cc.oid = c.conrelid join pg_namespace cn on cn.oid = cc.relnamespace
       join pg_class pc on pc.oid = c.confrelid join pg_namespace pn on pn.oid = pc.relnamespace
      where c.contype = 'f' and c.conparentid = 0
        and (c.conrelid = any ($1::oid[]) or c.confrelid = any ($1::oid[])) order by c.oid`,
    [oids],
  );
  return rows.map((row) => ({
    name: text(row, 'name'),
    child: Number(row['child']),
    childSql: text(row, 'child_sql'),
    childShown: text(row, 'child_shown'),
    parent: Number(row['parent']),
    parentSql: text(row, 'parent_sql'),
    parentShown: text(row, 'parent_shown'),
    childColumns: words(row, 'child_columns'),
    parentColumns: words(row, 'parent_columns'),
    parentAttnums: words(row, 'parent_attnums').map(Number),
    equals: words(row, 'equals'),
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
  const restored = `${net.plan} p join ${net.table.sql} t on ${net.onKey('p', 't')}
     where p.act in ('i', 'u') and ${GOES} and ${child.map((one) => `${one} is not null`).join(' and ')}`;
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
    .map((name, at) => `t.${quoteName(name)} = ${olds[at]}`)
    .join(' and ');
  const gone =
    when === 'before' ? '' : ` and not exists (select from ${net.table.sql} t where ${stays})`;
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
