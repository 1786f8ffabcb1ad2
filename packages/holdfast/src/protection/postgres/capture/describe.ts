/**
 * What a table looks like to the capture, as SQL functions in the target: its columns and what each is
 * kept as, its key, whether rows are kept whole, and whether it is watched by statement or by row.
 */
import type { SqlFunction } from './sql-function.ts';

/**
 * Types of pg_catalog are kept as they are, with these exceptions: names of objects (regclass...) are
 * kept as oid, so that a later rename does not change what they point to; what cannot be moved out of
 * the page (tsquery, int2vector) is kept as text, so that a full row still fits with our columns.
 */
const keptAs: SqlFunction = {
  name: 'holdfast.kept_as',
  parameters: 'wanted oid, modifier integer',
  returns: 'text',
  volatility: 'stable',
  body: `
declare
  held pg_type;
  mod integer := modifier;
begin
  select * into strict held from pg_type where oid = wanted;
  while held.typtype = 'd' loop
    mod := held.typtypmod;
    select * into strict held from pg_type where oid = held.typbasetype;
  end loop;
  if held.typnamespace <> 'pg_catalog'::regnamespace then return 'text'; end if;
  if held.typname like 'reg%' then return 'oid'; end if;
  if held.typname like '\\_reg%' then return 'oid[]'; end if;
  if held.typlen < 0 and held.typstorage = 'p' then return 'text'; end if;
  return format_type(held.oid, mod);
end`,
};

const shapeColumns: SqlFunction = {
  name: 'holdfast.shape_columns',
  parameters: 'wanted regclass',
  returns: 'jsonb',
  volatility: 'stable',
  language: 'sql',
  body: `
select coalesce(jsonb_agg(jsonb_build_object(
    'attnum', a.attnum, 'name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
    'kept', holdfast.kept_as(a.atttypid, a.atttypmod), 'generated', a.attgenerated,
    'identity', a.attidentity, 'notNull', a.attnotnull) order by a.attnum), '[]')
  from pg_attribute a where a.attrelid = wanted and a.attnum > 0 and not a.attisdropped`,
};

/** The primary key, or the narrowest unique index over NOT NULL columns. */
const shapeKey: SqlFunction = {
  name: 'holdfast.shape_key',
  parameters: 'wanted regclass',
  returns: 'jsonb',
  volatility: 'stable',
  language: 'sql',
  body: `
select coalesce((
  select (select jsonb_agg(k.attnum order by k.place)
            from unnest(i.indkey::int2[]) with ordinality as k(attnum, place)
           where k.place <= i.indnkeyatts)
    from pg_index i
   where i.indrelid = wanted and i.indisunique and i.indisvalid and i.indpred is null
     and (i.indisprimary or not exists (
       select from unnest(i.indkey::int2[]) with ordinality as k(attnum, place)
         left join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
        where k.place <= i.indnkeyatts and (k.attnum = 0 or not a.attnotnull)))
   order by i.indisprimary desc, i.indnkeyatts, i.indexrelid limit 1), '[]')`,
};

/**
 * A captured row carries up to 24 bytes more than the row it was taken from, so a row that fills its
 * page would fail here, and with it the statement. Counted at its worst (24 bytes is the most that
 * stays in the page of a value that can be moved out), a shape that may not fit is kept whole.
 */
const shapeIsWhole: SqlFunction = {
  name: 'holdfast.shape_is_whole',
  parameters: 'columns jsonb',
  returns: 'boolean',
  volatility: 'stable',
  language: 'sql',
  body: `
select count(*) > 1597 or
    24 + (count(*) + 3) / 8 + 8 + 24
      + coalesce(sum(case when t.typlen < 0 then 24 else (t.typlen + 7) / 8 * 8 end), 0) > 8160
  from jsonb_array_elements(columns) as c
  join pg_type t on t.oid = (c ->> 'kept')::regtype`,
};

/**
 * A table that inherits, or is inherited from: a statement on the parent shows the children's rows cut
 * to the parent's columns, so each table there is watched row by row.
 */
const isByRow: SqlFunction = {
  name: 'holdfast.is_by_row',
  parameters: 'wanted regclass',
  returns: 'boolean',
  volatility: 'stable',
  language: 'sql',
  body: `
select exists (
  select from pg_class c
    join pg_inherits i on c.oid in (i.inhrelid, i.inhparent)
   where c.oid = wanted and c.relkind = 'r'
     and not (c.relispartition and i.inhrelid = c.oid))`,
};

/** Why a table is not captured; null when it can be. */
const whyNot: SqlFunction = {
  name: 'holdfast.why_not',
  parameters: 'wanted regclass',
  returns: 'text',
  volatility: 'stable',
  language: 'sql',
  body: `
select case
    when c.relkind = 'f' then 'a foreign table: its rows lie on another server'
    when c.relkind not in ('r', 'p') then 'not a table'
    when c.relpersistence = 't' then 'a temporary table'
    when n.nspname = 'information_schema' or n.nspname ~ '^pg_' then 'a table of the server'
    when n.nspname = 'holdfast' or n.nspname ~ '^holdfast_trash_[0-9]+(_[0-9]+)?$' then 'a table of Holdfast'
    when not pg_has_role('holdfast_owner', c.relowner, 'usage')
      then format('owned by %s, of which holdfast_owner is not a member', c.relowner::regrole)
  end
  from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = wanted`,
};

const exemptRoles: SqlFunction = {
  name: 'holdfast.exempt_roles',
  parameters: '',
  returns: 'name[]',
  volatility: 'stable',
  language: 'sql',
  body: `
select coalesce(array_agg(distinct r.role::name order by r.role::name), '{}')
  from holdfast.meta m, jsonb_array_elements_text(m.value) as r(role) where m.key = 'exempt'`,
};

export const DESCRIBING: readonly SqlFunction[] = [
  keptAs,
  shapeColumns,
  shapeKey,
  shapeIsWhole,
  isByRow,
  whyNot,
  exemptRoles,
];
