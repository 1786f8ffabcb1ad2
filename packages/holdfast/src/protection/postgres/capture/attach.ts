/**
 * Putting the capture on a table, and finding where it is not as it should be. One function says what
 * is wrong (`faults`), and the same function decides whether `refresh` has work: what the check
 * would not complain of is never touched.
 *
 * The order of `refresh`: lock the table, note the shape, make the capture table, write the functions,
 * make the triggers, enable them ALWAYS. An event trigger that is called for one of these statements and calls
 * `refresh` again finds `busy` and leaves it: a setting would do as well, but anybody can set those.
 */
import type { SqlFunction } from './sql-function.ts';

/**
 * Names sort before those of others: of several statement triggers ours runs first, so that what the
 * others do to the table comes later in the journal.
 */
const wantedTriggers: SqlFunction = {
  name: 'holdfast.wanted_triggers',
  parameters: 'wanted regclass',
  returns: 'table (name name, events text, tables text, level text, function text, kind int2)',
  volatility: 'stable',
  language: 'sql',
  // kind: pg_trigger.tgtype, bits 1 row, 2 before, 4 insert, 8 delete, 16 update, 32 truncate.
  body: `
select t.name, t.events, case when t.own or holdfast.is_by_row(wanted) then '' else t.tables end,
       case when t.own or not holdfast.is_by_row(wanted) then 'statement' else 'row' end,
       case when t.own then 'holdfast.z' else 'holdfast.t' end || wanted::oid,
       (t.kind + case when t.own or not holdfast.is_by_row(wanted) then 0 else 1 end)::int2
  from (values
    ('!holdfast_insert'::name, 'after insert', 'referencing new table as new_rows', false, 4),
    ('!holdfast_update', 'after update', 'referencing old table as old_rows new table as new_rows', false, 16),
    ('!holdfast_delete', 'after delete', 'referencing old table as old_rows', false, 8),
    ('!holdfast_truncate', 'before truncate', '', true, 34)) as t(name, events, tables, own, kind)
  join pg_class c on c.oid = wanted
 where not (t.own and c.relkind = 'p')`,
};

/** The shape as it would be noted now; shape_id is null. */
const shapeNow: SqlFunction = {
  name: 'holdfast.shape_now',
  parameters: 'wanted regclass',
  returns: 'holdfast.shapes',
  volatility: 'stable',
  language: 'sql',
  body: `
select null::bigint, c.oid, n.nspname, c.relname, s.columns, holdfast.shape_key(c.oid),
       holdfast.shape_is_whole(s.columns)
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  cross join lateral holdfast.shape_columns(c.oid) as s(columns)
 where c.oid = wanted`,
};

const shapeNoted: SqlFunction = {
  name: 'holdfast.shape_noted',
  parameters: 'wanted regclass',
  returns: 'holdfast.shapes',
  volatility: 'stable',
  language: 'sql',
  body: `
select s.* from holdfast.shapes s where s.table_oid = wanted order by s.shape_id desc limit 1`,
};

const sameShape: SqlFunction = {
  name: 'holdfast.same_shape',
  parameters: 'one holdfast.shapes, other holdfast.shapes',
  returns: 'boolean',
  volatility: 'stable',
  language: 'sql',
  body: `
select (one.schema_name, one.table_name, one.columns, one.key, one.whole)
     = (other.schema_name, other.table_name, other.columns, other.key, other.whole)`,
};

/**
 * Settings that the two functions of a shape carry; null: none. To pin the path for a moment makes the session
 * look its own up again for its next statement, which is a third of what capture costs a small one. So
 * the path is pinned only where something in the text is looked up by it: where a value is cast. In
 * the rest every name and operator is written with its schema (`sources.ts`).
 */
const wantedSettings: SqlFunction = {
  name: 'holdfast.wanted_settings',
  parameters: 'shape holdfast.shapes, for_truncate boolean',
  returns: 'text[]',
  volatility: 'stable',
  language: 'sql',
  body: `
select case when for_truncate or shape.whole or exists (
         select from jsonb_array_elements(shape.columns) as c where c ->> 'kept' <> c ->> 'type')
       then array['search_path=pg_catalog, pg_temp'] end
    || case when for_truncate then array['row_security=off'] end
    || case when shape.whole or exists (
         select from jsonb_array_elements(shape.columns) as c
          where c ->> 'kept' = 'text' and c ->> 'type' <> 'text')
       then array['DateStyle=ISO, YMD', 'IntervalStyle=postgres', 'TimeZone=UTC', 'extra_float_digits=1',
                  'bytea_output=hex', 'lc_monetary=C'] end`,
};

/** What is wrong with the capture of a table: no row when it is as it should be. */
const faults: SqlFunction = {
  name: 'holdfast.faults',
  parameters: 'wanted regclass',
  returns: 'setof text',
  volatility: 'stable',
  body: `
declare
  shape holdfast.shapes := holdfast.shape_noted(wanted);
begin
  if shape.shape_id is null then return next 'not captured'; return; end if;
  if not holdfast.same_shape(shape, holdfast.shape_now(wanted)) then
    return next 'its columns, key or name have changed';
  end if;
  if to_regclass('holdfast.c' || shape.shape_id) is null then
    return next format('holdfast.c%s is missing', shape.shape_id);
  end if;
  return query
    select case when p.oid is null then format('function holdfast.%s is missing', f.name)
                else format('function holdfast.%s is altered', f.name) end
      from (values
        ('t' || wanted::oid, holdfast.capture_source(shape, holdfast.is_by_row(wanted)),
          holdfast.wanted_settings(shape, false)),
        ('z' || wanted::oid, holdfast.truncate_source(shape), holdfast.wanted_settings(shape, true))
      ) as f(name, source, settings)
      left join pg_proc p on p.proname = f.name and p.pronamespace = 'holdfast'::regnamespace
       and p.pronargs = 0
     where p.oid is null or p.prosrc <> f.source or not p.prosecdef
        or p.proowner <> 'holdfast_owner'::regrole or p.proconfig is distinct from f.settings
        or p.prolang <> (select oid from pg_language where lanname = 'plpgsql')
        or exists (select from aclexplode(p.proacl) a where a.grantee <> p.proowner);
  return query
    select case
        when t.oid is null then format('trigger %s is missing', w.name)
        when t.tgenabled <> 'A' then format('trigger %s is disabled', w.name)
        else format('trigger %s is altered', w.name) end
      from holdfast.wanted_triggers(wanted) w
      left join pg_trigger t on t.tgrelid = wanted and t.tgname = w.name
     where t.oid is null or t.tgenabled <> 'A' or t.tgtype <> w.kind or t.tgattr <> ''::int2vector
        or t.tgfoid is distinct from to_regproc(w.function)
        or (t.tgoldtable is not null) <> (w.tables like '%old_rows%')
        or (t.tgnewtable is not null) <> (w.tables like '%new_rows%')
        or t.tgqual is not null;
end`,
};

const writeFunction: SqlFunction = {
  name: 'holdfast.write_function',
  parameters: 'named text, source text, settings text[]',
  returns: 'void',
  body: `
declare
  other regrole;
begin
  execute format('create or replace function holdfast.%I() returns trigger language plpgsql security definer %s as %L',
    named, (select string_agg(format('set %s = %s', split_part(s, '=', 1),
                (select string_agg(quote_literal(item), ', ')
                   from regexp_split_to_table(split_part(s, '=', 2), ', ') as item)), ' ')
              from unnest(settings) as s), source);
  execute format('alter function holdfast.%I() owner to holdfast_owner', named);
  execute format('revoke all on function holdfast.%I() from public', named);
  for other in
    select distinct a.grantee::regrole from pg_proc p, aclexplode(p.proacl) a
     where p.oid = to_regprocedure(format('holdfast.%I()', named)) and a.grantee not in (p.proowner, 0)
  loop
    execute format('revoke all on function holdfast.%I() from %s', named, other);
  end loop;
end`,
};

/** Filled and emptied again within a second: vacuumed by number, not by share of what was once there. */
export const VACUUMED = 'autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000';

const noteShape: SqlFunction = {
  name: 'holdfast.note_shape',
  parameters: 'shape holdfast.shapes',
  returns: 'holdfast.shapes',
  body: `
begin
  insert into holdfast.shapes (table_oid, schema_name, table_name, columns, key, whole)
    values (shape.table_oid, shape.schema_name, shape.table_name, shape.columns, shape.key, shape.whole)
    returning shape_id into shape.shape_id;
  execute format('create table holdfast.c%s (%s) with (${VACUUMED})',
    shape.shape_id, concat_ws(', ',
    'seq bigint not null, n bigint not null, side "char" not null',
    case when shape.whole then 'whole text' else (
      select string_agg(format('c%s %s', c ->> 'attnum', c ->> 'kept'), ', ' order by (c ->> 'attnum')::int)
        from jsonb_array_elements(shape.columns) as c) end));
  execute format('alter table holdfast.c%s replica identity full', shape.shape_id);
  return shape;
end`,
};

/** True when there was something to do. */
const refresh: SqlFunction = {
  name: 'holdfast.refresh',
  parameters: 'wanted regclass',
  returns: 'boolean',
  body: `
declare
  shape holdfast.shapes;
  reason text := holdfast.why_not(wanted);
begin
  if reason is not null then
    raise exception 'holdfast: % cannot be captured: %', wanted, reason using errcode = 'wrong_object_type';
  end if;
  if exists (select from holdfast.busy where txid = pg_current_xact_id_if_assigned())
      or not exists (select from holdfast.faults(wanted)) then
    return false;
  end if;
  insert into holdfast.busy (txid) values (pg_current_xact_id());
  execute format('lock table only %s in share row exclusive mode', wanted);
  shape := holdfast.shape_noted(wanted);
  if shape.shape_id is null or not holdfast.same_shape(shape, holdfast.shape_now(wanted))
      or to_regclass('holdfast.c' || shape.shape_id) is null then
    shape := holdfast.note_shape(holdfast.shape_now(wanted));
  end if;
  perform holdfast.write_function('t' || wanted::oid,
    holdfast.capture_source(shape, holdfast.is_by_row(wanted)), holdfast.wanted_settings(shape, false));
  perform holdfast.write_function('z' || wanted::oid,
    holdfast.truncate_source(shape), holdfast.wanted_settings(shape, true));
  execute (select string_agg(format('create or replace trigger %I %s on %s %s for each %s execute function %s()',
      w.name, w.events, wanted, w.tables, w.level, w.function), '; ')
    from holdfast.wanted_triggers(wanted) w);
  execute format('alter table only %s %s', wanted,
    (select string_agg(format('enable always trigger %I', w.name), ', ') from holdfast.wanted_triggers(wanted) w));
  delete from holdfast.busy where txid = pg_current_xact_id();
  return true;
end`,
};

/** A table, and those it inherits from: they are watched by row from now on. */
const attach: SqlFunction = {
  name: 'holdfast.attach',
  parameters: 'wanted regclass',
  returns: 'boolean',
  body: `
declare
  parent regclass;
  changed boolean := holdfast.refresh(wanted);
begin
  for parent in
    with recursive up as (
      select i.inhparent as oid from pg_inherits i where i.inhrelid = wanted
      union select i.inhparent from pg_inherits i join up on i.inhrelid = up.oid)
    select up.oid::regclass from up where holdfast.why_not(up.oid) is null
  loop
    changed := holdfast.refresh(parent) or changed;
  end loop;
  return changed;
end`,
};

/** Captured rows stay until they are drained. */
const detach: SqlFunction = {
  name: 'holdfast.detach',
  parameters: 'wanted regclass',
  returns: 'void',
  body: `
declare
  named name;
begin
  for named in select w.name from holdfast.wanted_triggers(wanted) w loop
    execute format('drop trigger if exists %I on %s', named, wanted);
  end loop;
  execute format('drop function if exists holdfast.%I(), holdfast.%I()', 't' || wanted::oid, 'z' || wanted::oid);
end`,
};

export const ATTACHING: readonly SqlFunction[] = [
  wantedTriggers,
  shapeNow,
  shapeNoted,
  sameShape,
  wantedSettings,
  faults,
  writeFunction,
  noteShape,
  refresh,
  attach,
  detach,
];
