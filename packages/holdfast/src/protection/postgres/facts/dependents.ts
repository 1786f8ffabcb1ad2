/**
 * What else changes because of an act, by the catalogs: what goes with an object that is dropped, where rows
 * go or change through a foreign key, what refuses the act as it is written, who is sent the rows by
 * replication. Function bodies that are kept as text have no dependency in any catalog: those that name a
 * table are listed as what breaks.
 *
 * It reads catalogs only. Each list ends at LISTED_MAX; a total of more than that means "at least".
 */
import { z } from 'zod';
import type { Dependent } from '../../../model/touched.ts';
import type { TargetSession } from '../../target-database.ts';
import { RELATIONS_MAX } from './relations.ts';

/** Of each kind; a person reads twenty, and the first thousand say how bad it is. */
export const LISTED_MAX = 1_000;

/** An object of a catalog that goes; `column` 0: whole. */
export interface Seed {
  readonly catalog: string;
  readonly oid: number;
  readonly column: number;
}

const FOUND = z.array(
  z.object({
    name: z.string(),
    type: z.string(),
    what: z.enum(['goes', 'rows', 'breaks', 'stops']),
  }),
);

/**
 * pg_depend from the object on. `by_cascade`: only CASCADE takes it; without, it stops the DROP. What
 * belongs to a table that goes (its indexes, constraints, row type, triggers, policies) is not news.
 */
const GOING_SQL = `
  with recursive seed as (
    select catalog::regclass::oid as classid, oid as objid, col as subid
      from jsonb_to_recordset($1::jsonb) as s(catalog text, oid oid, col int)
  ), gone as (
    select s.classid, s.objid, s.subid, false as by_cascade, true as is_seed from seed s
    union
    select x.classid, x.objid, x.subid, g.by_cascade or x.deptype = 'n', false
      from gone g cross join lateral (
        select d.classid, d.objid, d.objsubid as subid, d.deptype from pg_depend d
          where d.refclassid = g.classid and d.refobjid = g.objid
            and (g.subid = 0 or d.refobjsubid = g.subid)
        union all
        -- A view falls with the rule that it is.
        select 'pg_class'::regclass, r.ev_class, 0, 'i' from pg_rewrite r
          where g.classid = 'pg_rewrite'::regclass and r.oid = g.objid and r.rulename = '_RETURN'
      ) x where x.deptype in ('n', 'a', 'i', 'P', 'S')
        -- Of their own table, and nothing hangs on them.
        and (x.deptype = 'n' or x.classid <> all (array['pg_trigger', 'pg_attrdef', 'pg_policy',
          'pg_statistic_ext', 'pg_publication_rel']::regclass[]))
  ), whole as (
    select distinct g.objid from gone g where g.classid = 'pg_class'::regclass and g.subid = 0
  ), candidate as (
    select g.classid, g.objid, g.subid, bool_and(g.by_cascade) as by_cascade from gone g
      where not exists (select from seed s where s.classid = g.classid and s.objid = g.objid
          and (s.subid = g.subid or s.subid = 0))
        and g.classid not in ('pg_rewrite'::regclass, 'pg_amop'::regclass, 'pg_amproc'::regclass)
      group by 1, 2, 3
  ), told as (
    select c.*, r.relkind as kind, case c.classid
        when 'pg_constraint'::regclass then (select k.conrelid from pg_constraint k where k.oid = c.objid)
        when 'pg_attrdef'::regclass then (select a.adrelid from pg_attrdef a where a.oid = c.objid)
        when 'pg_trigger'::regclass then (select t.tgrelid from pg_trigger t where t.oid = c.objid)
        when 'pg_policy'::regclass then (select p.polrelid from pg_policy p where p.oid = c.objid)
        when 'pg_class'::regclass then (select i.indrelid from pg_index i where i.indexrelid = c.objid)
      end as owner
      from candidate c left join pg_class r on c.classid = 'pg_class'::regclass and r.oid = c.objid
  )
  select i.identity as name, i.type, case when t.by_cascade and not $2 then 'stops' else 'goes' end as what
    from told t cross join lateral pg_identify_object(t.classid, t.objid, t.subid) i
    where (t.owner is null or t.owner not in (select w.objid from whole w))
      and not (t.classid = 'pg_class'::regclass and t.subid > 0
        and t.objid in (select w.objid from whole w))
      and t.classid <> 'pg_publication_rel'::regclass
      -- A row type is its table, an array type what it is of. A sequence of a column is the column.
      and not exists (select from pg_type y left join pg_class c on c.oid = y.typrelid
        where t.classid = 'pg_type'::regclass and y.oid = t.objid
          and (y.typcategory = 'A' or not t.by_cascade or c.relkind <> 'c'))
      and not (t.kind in ('S', 't') and not t.by_cascade)
      and not exists (select from pg_trigger g
        where t.classid = 'pg_trigger'::regclass and g.oid = t.objid and g.tgisinternal)
      and not ($3::oid[] is not null and t.classid = 'pg_class'::regclass and t.objid = any($3::oid[]))
    order by 3, 2, 1 limit ${LISTED_MAX + 1}`;

/** What a DROP takes with it; without CASCADE: what stops it. `known`: relations that are told otherwise. */
export async function goingWith(
  session: TargetSession,
  seeds: readonly Seed[],
  isCascade: boolean,
  known: readonly number[],
): Promise<readonly Dependent[]> {
  const rows = seeds.map(({ catalog, column, oid }) => ({
    catalog: `pg_catalog.${catalog}`,
    oid,
    col: column,
  }));
  return FOUND.parse(await session.query(GOING_SQL, [JSON.stringify(rows), isCascade, [...known]]));
}

/** Foreign keys that point here, and those that point at what they reach by CASCADE. */
const FOREIGN_KEYS_SQL = `
  with recursive reached as (
    select t.oid as rel, null::oid as key, null::"char" as act from unnest($1::oid[]) as t(oid)
    union
    select k.conrelid, k.oid, case when $2 = 'delete' then k.confdeltype else k.confupdtype end
      from reached r join pg_constraint k on k.confrelid = r.rel and k.contype = 'f'
      where (r.act is null or r.act = 'c') and (r.key is null or $2 = 'delete')
        and not exists (select from pg_constraint p
          where p.oid = k.conparentid and p.confrelid = k.confrelid)
  )
  select quote_ident(n.nspname) || '.' || quote_ident(c.relname) as name,
      'foreign key ' || quote_ident(k.conname) || ', ON ' || upper($2) || ' '
        || case r.act when 'c' then 'CASCADE' when 'n' then 'SET NULL' when 'd' then 'SET DEFAULT'
            when 'r' then 'RESTRICT' else 'NO ACTION' end as type,
      case when r.act in ('c', 'n', 'd') then 'rows' else 'stops' end as what
    from reached r join pg_constraint k on k.oid = r.key join pg_class c on c.oid = r.rel
      join pg_namespace n on n.oid = c.relnamespace
    where $2 = 'delete' or r.act in ('c', 'n', 'd')
    order by 3, 1, 2 limit ${LISTED_MAX + 1}`;

/** Rows of others that are deleted or changed with these, and what refuses while others point here. */
export async function throughForeignKeys(
  session: TargetSession,
  relations: readonly number[],
  what: 'delete' | 'update',
): Promise<readonly Dependent[]> {
  return FOUND.parse(await session.query(FOREIGN_KEYS_SQL, [[...relations], what]));
}

const TRUNCATED_SQL = `
  with recursive pointing as materialized (
    select k.confrelid as at, k.conrelid as oid from pg_constraint k where k.contype = 'f'
    union all select i.inhparent, i.inhrelid from pg_inherits i
  ), emptied as (
    select t.oid from unnest($1::oid[]) as t(oid)
    union
    select p.oid from emptied e join pointing p on p.at = e.oid
  )
  select e.oid::int8::float8 as oid from emptied e where e.oid <> all ($1::oid[])
    limit ${RELATIONS_MAX + 1}`;
const OIDS = z.array(z.object({ oid: z.number() }));

/** All tables that TRUNCATE ... CASCADE empties besides those it names. */
export async function alsoTruncated(
  session: TargetSession,
  relations: readonly number[],
): Promise<readonly number[]> {
  const rows = await session.query(TRUNCATED_SQL, [[...relations]]);
  return OIDS.parse(rows).map(({ oid }) => oid);
}

const POINTING_SQL = `
  select quote_ident(n.nspname) || '.' || quote_ident(c.relname) as name,
      'foreign key ' || quote_ident(k.conname) as type, 'stops' as what
    from pg_constraint k join pg_class c on c.oid = k.conrelid
      join pg_namespace n on n.oid = c.relnamespace
    where k.contype = 'f' and k.confrelid = any($1::oid[]) and k.conrelid <> all ($1::oid[])
      and not exists (select from pg_constraint p
        where p.oid = k.conparentid and p.confrelid = k.confrelid)
    order by 1, 2 limit ${LISTED_MAX + 1}`;

/** TRUNCATE without CASCADE is refused while a table beside it points here, empty or not. */
export async function stopsTruncate(
  session: TargetSession,
  relations: readonly number[],
): Promise<readonly Dependent[]> {
  return FOUND.parse(await session.query(POINTING_SQL, [[...relations]]));
}

/** `$2`: which flag of the publication says that it is sent on; '' for a DROP, which is not. */
const PUBLICATIONS_SQL = `
  select distinct quote_ident(p.pubname) as name, 'publication' as type,
      case when $2 = '' then 'breaks' else 'rows' end as what
    from pg_publication p
    where (p.puballtables and $2 <> ''
        or exists (select from pg_publication_rel r where r.prpubid = p.oid and r.prrelid = any($1::oid[]))
        or exists (select from pg_publication_namespace s join pg_class c on c.relnamespace = s.pnnspid
          where s.pnpubid = p.oid and c.oid = any($1::oid[])))
      and case $2 when 'delete' then p.pubdelete when 'update' then p.pubupdate
        when 'truncate' then p.pubtruncate else true end
    order by 1 limit ${LISTED_MAX + 1}`;

/** Subscribers get the same change. */
export async function publishedBy(
  session: TargetSession,
  relations: readonly number[],
  act: 'delete' | 'update' | 'truncate' | '',
): Promise<readonly Dependent[]> {
  return FOUND.parse(await session.query(PUBLICATIONS_SQL, [[...relations], act]));
}

/** As a word: `payments` and not `payments_old`. Names shorter than this are words of any text. */
const NAMED_CHARS_MIN = 4;
const NAMING_SQL = `
  select i.identity as name, 'function that names it' as type, 'breaks' as what
    from pg_proc p join pg_language l on l.oid = p.prolang
      cross join lateral pg_identify_object('pg_proc'::regclass, p.oid, 0) i
    where p.oid >= 16384 and l.lanname not in ('c', 'internal') and p.prosqlbody is null
      and p.pronamespace::regnamespace::text !~ '^(holdfast$|holdfast_trash_|pg_|information_schema$)'
      and lower(p.prosrc) ~ $1
    order by 1 limit ${LISTED_MAX + 1}`;

/** Functions whose text names one of these, as far as a text can be believed. */
export async function functionsNaming(
  session: TargetSession,
  names: readonly string[],
): Promise<readonly Dependent[]> {
  const asked = names.filter((name) => name.length >= NAMED_CHARS_MIN);
  if (asked.length === 0) return [];
  const words = asked.map((name) => name.toLowerCase().replaceAll(/[\\^$.*+?()[\]{}|-]/g, '\\$&'));
  const pattern = `(^|[^a-z0-9_$])(${words.join('|')})($|[^a-z0-9_$])`;
  return FOUND.parse(await session.query(NAMING_SQL, [pattern]));
}
