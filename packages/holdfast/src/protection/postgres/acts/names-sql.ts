/** Small words of the acts: names as PostgreSQL writes them, grants as they stood, steps of a draft. */

export const NAMES_SQL = `
create or replace function holdfast.rel(relation oid) returns text
language sql stable set search_path = pg_catalog, pg_temp as $hf$
  select format('%I.%I', n.nspname, c.relname)
  from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = $1
$hf$;
create or replace function holdfast.column_of(relation oid, num int) returns text
language sql stable set search_path = pg_catalog, pg_temp as $hf$
  select quote_ident(attname) from pg_attribute where attrelid = $1 and attnum = $2
$hf$;
create or replace function holdfast.role_of(role oid) returns text
language sql stable set search_path = pg_catalog, pg_temp as $hf$
  select case when $1 = 0 then 'public' else quote_ident(pg_get_userbyid($1)) end
$hf$;
create or replace function holdfast.comment_sql(what text, name text, said text) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $hf$
  select case when $3 is null then '' else format('; comment on %s %s is %L', $1, $2, $3) end
$hf$;
create or replace function holdfast.step(about text, forward text, back text) returns void
language sql volatile set search_path = pg_catalog, pg_temp as $hf$
  insert into holdfast.draft (part, about, forward, back) values ('step', $1, $2, $3)
$hf$;
create or replace function holdfast.say(part text, item jsonb) returns void
language sql volatile set search_path = pg_catalog, pg_temp as $hf$
  insert into holdfast.draft (part, item) values ($1, $2)
$hf$;
create or replace function holdfast.cannot(why text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $hf$
begin
  raise exception 'holdfast cannot make this reversible: %', why using errcode = '0A000',
    hint = 'A person can approve it for execution after the delay, or it is done without Holdfast.';
end $hf$;
create or replace function holdfast.gone(catalog text) returns setof oid
language sql stable set search_path = pg_catalog, pg_temp as $hf$
  select key::oid from holdfast.touched where cat = $1 and state = 'gone'
$hf$;
-- Grants exactly as they stood: first nobody has any, then each again, by who gave it.
create or replace function holdfast.acl_sql(what text, name text, kind text, acl aclitem[], owner oid, others aclitem[], part text default '')
returns text
language plpgsql stable set search_path = pg_catalog, pg_temp as $hf$
declare
  stood aclitem[] := coalesce(acl, case when kind = 'c' then '{}'::aclitem[] else acldefault(kind::"char", owner) end);
  entry record;
  sql text := '';
begin
  for entry in
    select distinct e.grantee from unnest(stood || coalesce(others, '{}'::aclitem[])) a cross join lateral aclexplode(array[a]) e order by 1
  loop
    sql := sql || format('revoke all%s on %s %s from %s cascade; ', part, what, name, holdfast.role_of(entry.grantee));
  end loop;
  for entry in select e.*, grantor <> owner as indirect from unnest(stood) a cross join lateral aclexplode(array[a]) e order by grantor <> owner, is_grantable desc loop
    sql := sql || case when entry.indirect then format('set local role %s; ', holdfast.role_of(entry.grantor)) else '' end
      || format('grant %s%s on %s %s to %s%s; ', entry.privilege_type, part, what, name, holdfast.role_of(entry.grantee),
        case when entry.is_grantable and entry.grantee <> owner then ' with grant option' else '' end)
      || case when entry.indirect then 'reset role; ' else '' end;
  end loop;
  return sql;
end $hf$;`;
