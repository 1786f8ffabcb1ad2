/**
 * From names to what they mean at the target, and what each of it holds by the server's own statistics.
 * Catalogs only: nothing here waits for a lock on a table, or runs a view, a policy or a function.
 */
import { z } from 'zod';
import type { NamePath } from '../../../model/session-settings.ts';
import type { TargetSession } from '../../target-database.ts';
import { SCHEMA, TRASH_PREFIX } from '../layout.ts';
import type { Wanted } from './asked.ts';

/** One object of the catalogs that a name may mean. */
export interface Meant {
  /** Place of its name in what was wanted. */
  readonly at: number;
  /** Oid of the catalog it lies in, by name: `pg_class`, `pg_namespace`, `pg_proc`, `pg_type`. */
  readonly catalog: 'pg_class' | 'pg_namespace' | 'pg_proc' | 'pg_type';
  readonly oid: number;
  /** Number of the column; 0: the whole object. */
  readonly column: number;
  readonly schema: string;
  /** Quoted where SQL needs it: `public.payments`. */
  readonly identity: string;
}

/** A table, with or without children, a view, a sequence, an index. */
export interface Relation {
  /** What it belongs to: itself, or the parent or partitioned table that was named. */
  readonly root: number;
  readonly oid: number;
  /** pg_class.relkind. */
  readonly kind: string;
  readonly schema: string;
  readonly name: string;
  readonly identity: string;
  /** pg_class.reltuples; -1: never analyzed. */
  readonly tuples: number;
  readonly pages: number;
  /** With indexes and TOAST. */
  readonly pagesTotal: number;
  /** Rows by the counters of the server, which know what was never analyzed. */
  readonly live: number;
  /** Rows are shown by policies, whose code runs as who looks. */
  readonly hasPolicies: boolean;
  /** Somebody holds it, or waits for it, so that whoever opens it waits. */
  readonly isLocked: boolean;
}

/** More would not be read in the time there is. */
export const RELATIONS_MAX = 10_000;

const MEANT = z.array(
  z.object({
    at: z.number(),
    catalog: z.enum(['pg_class', 'pg_namespace', 'pg_proc', 'pg_type']),
    oid: z.number(),
    column: z.number(),
    schema: z.string(),
    identity: z.string(),
  }),
);

const RELATION = z.array(
  z.object({
    root: z.number(),
    oid: z.number(),
    kind: z.string(),
    schema: z.string(),
    name: z.string(),
    identity: z.string(),
    tuples: z.number(),
    pages: z.number(),
    pagesTotal: z.number(),
    live: z.number(),
    hasPolicies: z.boolean(),
    isLocked: z.boolean(),
  }),
);

/** Oids as float8: text would have to be parsed, and they have 32 bits. */
const MEANT_SQL = `
  with wanted as (
    select * from jsonb_to_recordset($1::jsonb)
      as w(at int, kind text, "schema" text, name text, "column" text)
  ), meant as (
    select w.at, w."schema" as said, 'pg_class' as catalog, c.oid, 0 as col, c.relnamespace as ns, c.relname as name
      from wanted w join pg_class c on c.relname = w.name
      where w.kind = 'relation' and c.relkind <> 't' and c.relpersistence <> 't'
    union all
    select w.at, w."schema", 'pg_class', c.oid, a.attnum, c.relnamespace, c.relname
      from wanted w join pg_class c on c.relname = w.name
        join pg_attribute a on a.attrelid = c.oid and a.attname = w."column" and not a.attisdropped
      where w.kind = 'column' and c.relpersistence <> 't'
    union all
    select w.at, w."schema", 'pg_proc', p.oid, 0, p.pronamespace, p.proname
      from wanted w join pg_proc p on p.proname = w.name where w.kind = 'function'
    union all
    select w.at, w."schema", 'pg_type', t.oid, 0, t.typnamespace, t.typname
      from wanted w join pg_type t on t.typname = w.name where w.kind = 'type'
  )
  select m.at, m.catalog, m.oid::int8::float8 as oid, m.col::float8 as "column", n.nspname as "schema",
      quote_ident(n.nspname) || '.' || quote_ident(m.name) as identity
    from meant m join pg_namespace n on n.oid = m.ns
    where case when m.said is not null then n.nspname = m.said
      when $2 then n.nspname !~ '^(pg_|information_schema$|${SCHEMA}$|${TRASH_PREFIX})'
      else n.nspname = any($3::text[]) end
  union all
  select w.at, 'pg_namespace', n.oid::int8::float8, 0, n.nspname, quote_ident(n.nspname)
    from wanted w join pg_namespace n on n.nspname = w.name where w.kind = 'schema'`;

/** Every object that a name may mean; of names that are looked up in order, the first only. */
export async function meantBy(
  session: TargetSession,
  wanted: readonly Wanted[],
  path: NamePath,
): Promise<readonly Meant[]> {
  const names = wanted.flatMap((one, at) => splits(one).map((split) => ({ at, ...split })));
  const isAny = path.schemas.length === 0;
  const rows = await session.query(MEANT_SQL, [JSON.stringify(names), isAny, [...path.schemas]]);
  const meant = MEANT.parse(rows);
  if (isAny || !path.isInOrder) return meant;
  const place = (one: Meant): number => path.schemas.indexOf(one.schema);
  return meant.filter((one) => {
    const isSaid = wanted[one.at]?.schema !== null || one.catalog === 'pg_namespace';
    const others = meant.filter(({ at }) => at === one.at);
    return isSaid || others.every((other) => place(one) <= place(other));
  });
}

interface Split {
  readonly kind: Wanted['kind'];
  readonly schema: string | null;
  readonly name: string;
  readonly column: string | null;
}

/** `table.column` with every dot as the one between: either may have a dot in it. */
function splits({ kind, name, schema }: Wanted): readonly Split[] {
  if (kind !== 'column') return [{ kind, schema, name, column: null }];
  const parts = name.split('.');
  return parts.slice(1).map((_part, at) => ({
    kind,
    schema,
    name: parts.slice(0, at + 1).join('.'),
    column: parts.slice(at + 1).join('.'),
  }));
}

const locked = `
  select distinct l.relation from pg_locks l
    where l.locktype = 'relation' and l.mode = 'AccessExclusiveLock' and l.pid <> pg_backend_pid()
      and l.database = (select d.oid from pg_database d where d.datname = current_database())`;

const RELATIONS_SQL = `
  with recursive root as (
    select c.oid from pg_class c
      where c.oid = any($1::oid[])
        -- What is a part of something beside it is told with that.
        or c.relnamespace = any($2::oid[]) and c.relkind in ('r', 'p', 'm', 'f', 'v')
          and not exists (select from pg_inherits i join pg_class o on o.oid = i.inhparent
            where i.inhrelid = c.oid and o.relnamespace = any($2::oid[]))
  ), tree as (
    select r.oid as root, r.oid from root r
    union
    select t.root, i.inhrelid from tree t join pg_inherits i on i.inhparent = t.oid
  ), shut as materialized (${locked})
  select t.root::int8::float8 as root, t.oid::int8::float8 as oid, c.relkind::text as kind,
      n.nspname as "schema", c.relname as name,
      quote_ident(n.nspname) || '.' || quote_ident(c.relname) as identity,
      c.reltuples::float8 as tuples, c.relpages::float8 as pages,
      c.relpages::float8 + coalesce((select o.relpages from pg_class o where o.oid = c.reltoastrelid), 0)
        + coalesce((select sum(o.relpages) from pg_index x join pg_class o on o.oid = x.indexrelid
            where x.indrelid = c.oid), 0)::float8 as "pagesTotal",
      coalesce(pg_stat_get_live_tuples(c.oid), 0)::float8 as live,
      c.relrowsecurity as "hasPolicies", c.oid in (select s.relation from shut s) as "isLocked"
    from tree t join pg_class c on c.oid = t.oid join pg_namespace n on n.oid = c.relnamespace
    order by greatest(c.relpages, pg_stat_get_live_tuples(c.oid) / 100) desc, c.oid limit ${RELATIONS_MAX + 1}`;

/** Of these relations and all that lies in these schemas, with partitions and children; largest first. */
export async function relationsOf(
  session: TargetSession,
  relations: readonly number[],
  schemas: readonly number[],
): Promise<readonly Relation[]> {
  return RELATION.parse(await session.query(RELATIONS_SQL, [[...relations], [...schemas]]));
}

const DATABASES = z.array(
  z.object({ name: z.string(), identity: z.string(), bytes: z.number().nullable() }),
);

/** Another database is not looked into: its size is all that can be told from here. */
export async function databasesOf(
  session: TargetSession,
  names: readonly string[],
): Promise<z.infer<typeof DATABASES>> {
  const rows = await session.query(
    `select d.datname as name, quote_ident(d.datname) as identity,
        case when has_database_privilege(d.oid, 'connect') then pg_database_size(d.oid)::float8 end as bytes
      from pg_database d where d.datname = any($1::text[])`,
    [[...names]],
  );
  return DATABASES.parse(rows);
}
