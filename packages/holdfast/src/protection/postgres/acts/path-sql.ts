/**
 * What the unqualified names of a statement mean when it runs with other rights: as the session means
 * them, and only if that is what was judged. Two lists come with a receipt: every schema that names were
 * judged with (empty: any), and the path as the session last set it, in order (null: not known).
 *
 * It will not: trust an order nobody saw. Where the path is another than the one that was said, a name
 * that two judged schemas hold is refused.
 */

export const PATH_SQL = `
-- Schemas by these names that the session may use, in order, as the server itself takes them: "$user" is
-- its role, what is not there is passed over. Never pg_temp.
create or replace function holdfast.usable_schemas(names text[]) returns text[]
language sql stable set search_path = pg_catalog, pg_temp as $hf$
  select coalesce(array_agg(called order by at), '{}') from (
    select n.nspname::text as called, min(w.at) as at
    from unnest(names) with ordinality w(name, at)
    join pg_namespace n on n.nspname = case when w.name = '$user' then session_user else w.name end
    where has_schema_privilege(session_user, n.oid, 'USAGE') and n.nspname !~ '^pg_temp'
    group by 1) found
$hf$;
create or replace function holdfast.schemas_of(setting text) returns text[]
language sql stable set search_path = pg_catalog, pg_temp as $hf$
  select holdfast.usable_schemas(coalesce(array_agg(
    case when called like '"%' then replace(substr(called, 2, length(called) - 2), '""', '"') else lower(called) end order by at), '{}'))
  from (select btrim(m[1]) as called, at
    from regexp_matches(setting, '("(?:[^"]|"")*"|[^,"]+)', 'g') with ordinality r(m, at)) written
  where called <> ''
$hf$;
-- As a setting: pg_temp last, or a temporary table would stand before all others.
create or replace function holdfast.as_path(schemas text[]) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $hf$
  select coalesce((select string_agg(quote_ident(s), ', ' order by at) || ', ' from unnest(schemas) with ordinality u(s, at)), '') || 'pg_temp'
$hf$;
-- The first name that stands in the text and in two of these schemas. A text that spells names by code
-- points hides them: then any name that is in two.
create or replace function holdfast.two_meanings(statement text, schemas text[]) returns text
language sql stable set search_path = pg_catalog, pg_temp as $hf$
  with twice as materialized (select o.name from (
    select relname::text, relnamespace from pg_class union all select proname, pronamespace from pg_proc
    union all select typname, typnamespace from pg_type where typcategory <> 'A'
    union all select oprname, oprnamespace from pg_operator union all select collname, collnamespace from pg_collation
    union all select stxname, stxnamespace from pg_statistic_ext union all select opcname, opcnamespace from pg_opclass
    union all select opfname, opfnamespace from pg_opfamily union all select conname, connamespace from pg_conversion
    union all select cfgname, cfgnamespace from pg_ts_config union all select dictname, dictnamespace from pg_ts_dict
    union all select prsname, prsnamespace from pg_ts_parser union all select tmplname, tmplnamespace from pg_ts_template
  ) o(name, home) join pg_namespace n on n.oid = o.home
  where n.nspname = any(schemas) group by o.name having count(distinct o.home) > 1)
  select name from twice
  where strpos(lower(statement), lower(name)) > 0 or strpos(lower(statement), lower(replace(name, '"', '""'))) > 0 or statement ~* 'u&"'
  order by 1 limit 1
$hf$;
-- The path to run with; refuses when the names may mean what was not judged.
create or replace function holdfast.judged_path(statement text, setting text, judged text[], said text[]) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp as $hf$
declare
  path text[] := holdfast.schemas_of(setting);
  known text[] := array_replace(judged, '$user', session_user::text);
  other text;
begin
  if cardinality(known) = 0 then return holdfast.as_path(path); end if;
  select s into other from unnest(path) s where s <> all(known) limit 1;
  if other is not null then
    raise exception 'holdfast: names without a schema lead to schema % now, and the statement was not judged with it', other
      using errcode = '42501', hint = 'Write the schema before each name, or SET search_path and send the statement again.';
  end if;
  if path is distinct from holdfast.usable_schemas(said) then
    other := holdfast.two_meanings(statement, known);
    if other is not null then
      raise exception 'holdfast: "%" may mean two things, since the search path is another than the one that was seen', other
        using errcode = '42501', hint = 'Write the schema before the name, or SET search_path outside of a transaction and send the statement again.';
    end if;
  end if;
  return holdfast.as_path(path);
end $hf$;
-- For what runs in a session of ours, when nothing is open in the agent's: what was said, or every order.
create or replace function holdfast.path_outside(statement text, role name, judged text[], said text[]) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp as $hf$
declare
  names text[] := array_replace(coalesce(said, '{}') || judged, '$user', role::text);
  path text[];
  other text;
begin
  select coalesce(array_agg(called order by at), '{}') into path from (
    select n.nspname::text as called, min(w.at) as at from unnest(names) with ordinality w(name, at)
    join pg_namespace n on n.nspname = w.name and has_schema_privilege(role, n.oid, 'USAGE') and n.nspname !~ '^pg_temp'
    group by 1) found;
  -- Any path at all: only what is written with its schema has a meaning.
  if cardinality(judged) = 0 then return holdfast.as_path('{}'); end if;
  if said is distinct from judged then
    other := holdfast.two_meanings(statement, path);
    if other is not null then
      raise exception 'holdfast: "%" may mean two things, since the search path was changed', other
        using errcode = '42501', hint = 'Write the schema before the name.';
    end if;
  end if;
  return holdfast.as_path(path);
end $hf$;`;
