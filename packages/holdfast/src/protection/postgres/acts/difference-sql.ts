/**
 * What a statement would do, told by the server itself. It runs in a subtransaction that is rolled back;
 * the rows of the catalogs it deleted or changed are visible again then, and still carry the number of
 * that subtransaction in xmax. So the cost does not grow with what is in the tables, every catalog is
 * looked at, and what no part here knows how to take back is seen too: it is refused.
 *
 * It will not: guess. What works in subtransactions of its own is refused, since those have other numbers.
 */

/** Catalogs by what identifies a row. pg_depend, pg_shdepend, pg_statistic follow from the others. */
const CATALOGS: readonly (readonly [name: string, key: string])[] = [
  ['pg_class', 'oid'],
  ['pg_attribute', "attrelid || '.' || attnum"],
  ['pg_constraint', 'oid'],
  ['pg_attrdef', "adrelid || '.' || adnum"],
  ['pg_index', 'indexrelid'],
  ['pg_trigger', 'oid'],
  ['pg_policy', 'oid'],
  ['pg_rewrite', 'oid'],
  ['pg_inherits', "inhrelid || '.' || inhparent"],
  ['pg_sequence', 'seqrelid'],
  ['pg_partitioned_table', 'partrelid'],
  ['pg_statistic_ext', 'oid'],
  ['pg_namespace', 'oid'],
  ['pg_type', 'oid'],
  ['pg_enum', 'oid'],
  ['pg_range', 'rngtypid'],
  ['pg_proc', 'oid'],
  ['pg_aggregate', 'aggfnoid::oid'],
  ['pg_description', "classoid || '.' || objoid || '.' || objsubid"],
  ['pg_shdescription', "classoid || '.' || objoid"],
  ['pg_publication', 'oid'],
  ['pg_publication_rel', 'oid'],
  ['pg_publication_namespace', 'oid'],
  ['pg_default_acl', 'oid'],
  ['pg_operator', 'oid'],
  ['pg_opclass', 'oid'],
  ['pg_opfamily', 'oid'],
  ['pg_amop', 'oid'],
  ['pg_amproc', 'oid'],
  ['pg_am', 'oid'],
  ['pg_cast', 'oid'],
  ['pg_collation', 'oid'],
  ['pg_conversion', 'oid'],
  ['pg_language', 'oid'],
  ['pg_transform', 'oid'],
  ['pg_ts_config', 'oid'],
  ['pg_ts_config_map', "mapcfg || '.' || maptokentype || '.' || mapseqno"],
  ['pg_ts_dict', 'oid'],
  ['pg_ts_parser', 'oid'],
  ['pg_ts_template', 'oid'],
  ['pg_extension', 'oid'],
  ['pg_event_trigger', 'oid'],
  ['pg_foreign_data_wrapper', 'oid'],
  ['pg_foreign_server', 'oid'],
  ['pg_foreign_table', 'ftrelid'],
  ['pg_seclabel', "classoid || '.' || objoid || '.' || objsubid"],
  ['pg_init_privs', "classoid || '.' || objoid || '.' || objsubid"],
  ['pg_auth_members', "roleid || '.' || member || '.' || grantor"],
  ['pg_db_role_setting', "setdatabase || '.' || setrole"],
  ['pg_database', 'oid'],
  ['pg_tablespace', 'oid'],
  ['pg_parameter_acl', 'oid'],
  ['pg_largeobject_metadata', 'oid'],
];

/**
 * Options of a column as people set them; null: none. From the minor releases of November 2026 on the server
 * numbers each column there when it is made or rewritten (`pg_attver`), which says nothing of the column.
 */
export const columnOptions = (alias: string): string =>
  `(select array_agg(o order by n) from unnest(${alias}.attoptions) with ordinality x(o, n) where o !~ '^pg_attver=')`;

const rowOf = (catalog: string): string =>
  catalog === 'pg_attribute'
    ? `to_jsonb(t) || jsonb_build_object('attoptions', ${columnOptions('t')})`
    : 'to_jsonb(t)';

/** Rows of every catalog that a condition on its alias takes. */
export const catalogRows = (condition: (alias: string) => string): string =>
  CATALOGS.map(
    ([name, key]) =>
      `select '${name}' as cat, (${key})::text as key, ${rowOf(name)} as row, t.xmin as since from pg_catalog.${name} t where ${condition('t')}`,
  ).join('\n  union all ');

export const DRAFT_SQL = `
create table if not exists holdfast.draft (
  n bigint generated always as identity primary key,
  part text not null,
  about text,
  forward text,
  back text,
  item jsonb
);
create table if not exists holdfast.touched (
  cat text not null,
  key text not null,
  state text not null,
  before jsonb,
  after jsonb,
  primary key (cat, key)
);
alter table holdfast.draft owner to holdfast_owner;
alter table holdfast.touched owner to holdfast_owner;
revoke all on holdfast.draft, holdfast.touched from public, holdfast_agents;`;

export const DIFFERENCE_SQL = `
-- Rows as they are after it; later numbers, too, since triggers of the fence change a row once more.
create or replace function holdfast.made_by(sub xid) returns jsonb
language sql volatile set search_path = pg_catalog, pg_temp as $hf$
  select coalesce(jsonb_object_agg(cat || ' ' || key, jsonb_build_object('row', row, 'made', since = $1)), '{}') from (
  ${catalogRows((alias) => `age(${alias}.xmin) <= age($1)`)}) found
$hf$;
create or replace function holdfast.ended_by(sub xid) returns table (cat text, key text, before jsonb)
language sql volatile set search_path = pg_catalog, pg_temp as $hf$
  select cat, key, row from (
  ${catalogRows((alias) => `${alias}.xmax = $1`)}) found
$hf$;
-- Runs it and takes it back. The number of the subtransaction, and the rows it left.
create or replace function holdfast.try_out(statement text, path text, without_trash boolean,
  out sub xid, out after jsonb)
language plpgsql set search_path = pg_catalog, pg_temp as $hf$
declare
  trash name;
begin
  begin
    if without_trash then
      for trash in select nspname from pg_namespace where nspname like 'holdfast\\_trash\\_%' loop
        execute format('drop schema %I cascade', trash);
      end loop;
    end if;
    begin
      insert into holdfast.draft (part) values ('mark') returning xmin into sub;
      perform holdfast.execute_as_owner(statement, path);
      after := holdfast.made_by(sub);
      raise exception using errcode = 'HFTRY';
    exception when sqlstate 'HFTRY' then null;
    end;
    raise exception using errcode = 'HFTRY';
  exception when sqlstate 'HFTRY' then null;
  end;
end $hf$;
create or replace function holdfast.reaches_trash(sub xid) returns boolean
language sql volatile set search_path = pg_catalog, pg_temp as $hf$
  select exists (
    select from holdfast.ended_by($1) e
    join pg_namespace n on n.oid = coalesce(e.before ->> 'relnamespace', e.before ->> 'typnamespace',
      e.before ->> 'pronamespace', e.before ->> 'connamespace',
      (select c.relnamespace::text from pg_class c where c.oid = coalesce(e.before ->> 'attrelid', e.before ->> 'adrelid')::oid))::oid
    where n.nspname like 'holdfast\\_trash\\_%')
$hf$;
-- Fills holdfast.touched: what would be gone, changed, made. True: only because the trash does not count.
create or replace function holdfast.find_difference(statement text, path text) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp as $hf$
declare
  tried record;
  without_trash boolean := false;
begin
  begin
    tried := holdfast.try_out(statement, path, false);
    without_trash := holdfast.reaches_trash(tried.sub);
  exception when dependent_objects_still_exist then
    without_trash := true;
  end;
  if without_trash then
    -- What lies in the trash does not exist any more: nothing fails because of it, or reaches it.
    tried := holdfast.try_out(statement, path, true);
  end if;
  insert into holdfast.touched (cat, key, state, before, after)
    select e.cat, e.key, case when tried.after ? (e.cat || ' ' || e.key) then 'changed' else 'gone' end,
      e.before, tried.after -> (e.cat || ' ' || e.key) -> 'row'
    from holdfast.ended_by(tried.sub) e;
  insert into holdfast.touched (cat, key, state, after)
    select split_part(m.name, ' ', 1), split_part(m.name, ' ', 2), 'made', m.value -> 'row'
    from jsonb_each(tried.after) m(name, value)
    where (m.value ->> 'made')::boolean and not exists (select from holdfast.touched t where t.cat || ' ' || t.key = m.name);
  return without_trash;
end $hf$;`;
