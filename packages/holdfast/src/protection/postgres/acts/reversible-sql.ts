/**
 * `run_reversibly`: one function owns the branching. Order: the command's tag decides whether it is one
 * that can be taken back at all; the difference says what would happen; plans record and move; what no
 * plan claims is refused; then the steps are taken in order, and the act is written down.
 *
 * It will not: let anything be lost that it did not record. A row of a catalog that would go or change
 * and is not known here ends in 0A000.
 */

export const CLAIMS_SQL = `
-- Rows that would go and that no plan takes care of: the first, in words.
create or replace function holdfast.unclaimed(moved oid[]) returns text
language sql volatile set search_path = pg_catalog, pg_temp as $hf$
  select format('%s would go, too (%s)', replace(t.cat, 'pg_', ''),
    coalesce(t.before ->> 'oprname', t.before ->> 'extname', t.before ->> 'collname', t.before ->> 'subname', t.before ->> 'pubname', t.key))
  from holdfast.touched t
  where t.state = 'gone' and not case t.cat
    when 'pg_class' then true
    when 'pg_attribute' then (t.before ->> 'attrelid')::oid = any(moved)
      or exists (select from pg_index i where i.indexrelid = (t.before ->> 'attrelid')::oid)
    when 'pg_constraint' then true
    when 'pg_attrdef' then true
    when 'pg_index' then true
    when 'pg_trigger' then true
    when 'pg_policy' then true
    when 'pg_rewrite' then (t.before ->> 'ev_class')::oid = any(moved) or t.before ->> 'rulename' <> '_RETURN'
    when 'pg_inherits' then true
    when 'pg_sequence' then (t.before ->> 'seqrelid')::oid = any(moved)
    when 'pg_partitioned_table' then true
    when 'pg_statistic_ext' then true
    when 'pg_namespace' then true
    when 'pg_type' then true
    when 'pg_enum' then (t.before ->> 'enumtypid')::oid in (select holdfast.gone('pg_type'))
    when 'pg_proc' then true
    when 'pg_aggregate' then true
    when 'pg_description' then true
    when 'pg_publication_rel' then (t.before ->> 'prrelid')::oid = any(moved)
    when 'pg_publication_namespace' then (t.before ->> 'pnnspid')::oid in (select holdfast.gone('pg_namespace'))
    when 'pg_default_acl' then (t.before ->> 'defaclnamespace')::oid in (select holdfast.gone('pg_namespace'))
    when 'pg_foreign_table' then (t.before ->> 'ftrelid')::oid = any(moved)
    when 'pg_seclabel' then (t.before ->> 'objoid')::oid = any(moved)
    when 'pg_init_privs' then (t.before ->> 'classoid')::oid = 'pg_namespace'::regclass and (t.before ->> 'objoid')::oid in (select holdfast.gone('pg_namespace'))
      or (t.before ->> 'classoid')::oid = 'pg_class'::regclass and (t.before ->> 'objoid')::oid = any(moved)
    when 'pg_cast' then (t.before ->> 'castsource')::oid in (select holdfast.gone('pg_type'))
      or (t.before ->> 'casttarget')::oid in (select holdfast.gone('pg_type'))
    when 'pg_amop' then (t.before ->> 'amopfamily')::oid in (select holdfast.gone('pg_opfamily'))
    when 'pg_amproc' then (t.before ->> 'amprocfamily')::oid in (select holdfast.gone('pg_opfamily'))
    when 'pg_ts_config_map' then (t.before ->> 'mapcfg')::oid in (select holdfast.gone('pg_ts_config'))
    else (select coalesce(bool_or(v::oid in (select holdfast.gone('pg_namespace'))), false)
      from jsonb_each_text(t.before) e(k, v)
      where k in ('oprnamespace', 'opcnamespace', 'opfnamespace', 'collnamespace', 'connamespace', 'cfgnamespace',
        'dictnamespace', 'prsnamespace', 'tmplnamespace'))
  end limit 1
$hf$;
create or replace function holdfast.differing(before jsonb, after jsonb) returns text[]
language sql immutable set search_path = pg_catalog, pg_temp as $hf$
  select coalesce(array_agg(key order by key), '{}') from jsonb_each($1) where value is distinct from $2 -> key
$hf$;
-- A change of a catalog row that follows from a drop and comes back with what was dropped.
create or replace function holdfast.changed_unclaimed() returns text
language sql volatile set search_path = pg_catalog, pg_temp as $hf$
  select format('%s%s would change (%s)', replace(t.cat, 'pg_', ''),
    coalesce(' ' || (t.before ->> 'attrelid')::oid::regclass || '.' || (t.before ->> 'attname'), ' ' || (t.before ->> 'relname'), ''),
    array_to_string(holdfast.differing(t.before, t.after), ', '))
  from holdfast.touched t
  where t.state = 'made' or t.state = 'changed' and not holdfast.differing(t.before, t.after) <@ case t.cat
    when 'pg_class' then '{relhasindex,relhasrules,relhastriggers,relhassubclass,relchecks,relpages,reltuples,relallvisible,relallfrozen,relfrozenxid,relminmxid,relreplident}'::text[]
    when 'pg_attribute' then case when (t.after ->> 'attisdropped')::boolean then holdfast.differing(t.before, t.after) else '{atthasdef,attinhcount,attislocal}' end
    when 'pg_constraint' then '{coninhcount,conislocal}'
    when 'pg_partitioned_table' then '{partdefid}'
    else '{}' end limit 1
$hf$;`;

export const REVERSIBLE_SQL = `
create or replace function holdfast.run_reversibly(statement text, path text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $hf$
declare
  tag text := holdfast.command_tag(statement, path);
begin
  delete from holdfast.touched;
  case
    when tag in ('DROP TABLE', 'DROP SCHEMA', 'DROP VIEW', 'DROP MATERIALIZED VIEW', 'DROP SEQUENCE', 'DROP FUNCTION',
      'DROP PROCEDURE', 'DROP ROUTINE', 'DROP AGGREGATE', 'DROP TYPE', 'DROP DOMAIN', 'DROP INDEX', 'DROP TRIGGER',
      'DROP POLICY', 'DROP RULE', 'DROP STATISTICS', 'DROP FOREIGN TABLE')
      then perform holdfast.drop_reversibly(tag, statement, path);
    when tag in ('ALTER TABLE', 'ALTER INDEX', 'ALTER SEQUENCE', 'ALTER VIEW', 'ALTER MATERIALIZED VIEW', 'ALTER FUNCTION', 'ALTER PROCEDURE',
      'ALTER ROUTINE', 'ALTER AGGREGATE', 'ALTER TYPE', 'ALTER DOMAIN', 'ALTER SCHEMA', 'ALTER TRIGGER', 'ALTER POLICY', 'ALTER RULE',
      'ALTER STATISTICS', 'ALTER CONSTRAINT', 'GRANT', 'REVOKE', 'ALTER DEFAULT PRIVILEGES')
      then perform holdfast.alter_reversibly(tag, statement, path);
    when tag = 'TRUNCATE TABLE' then perform holdfast.truncate_reversibly(tag, statement, path);
    when tag = 'SELECT' and holdfast.is_unlink(statement)
      then perform holdfast.unlink_reversibly(substring(statement from '\\d+')::oid, statement, path);
    else perform holdfast.cannot(coalesce(tag, 'this statement') || ' is not among what it can take back');
  end case;
end $hf$;
create or replace function holdfast.drop_reversibly(tag text, statement text, path text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $hf$
declare
  number bigint;
  moved oid[];
  trouble text;
begin
  perform holdfast.find_difference(statement, path);
  if not exists (select from holdfast.touched) then return; end if;
  number := nextval('holdfast.seq');
  moved := holdfast.moved_relations();
  perform holdfast.plan_gone(moved, number);
  trouble := coalesce(holdfast.unclaimed(moved), holdfast.changed_unclaimed());
  if trouble is not null then perform holdfast.cannot(trouble); end if;
  perform holdfast.take_steps(tag, statement, path);
end $hf$;
-- Relations that would go and are no mere part of one that stays.
create or replace function holdfast.moved_relations() returns oid[]
language sql volatile set search_path = pg_catalog, pg_temp as $hf$
  select coalesce(array_agg(c.oid), '{}') from pg_class c join holdfast.gone('pg_class') g on g = c.oid
  where c.relkind not in ('i', 'I')
    or (select i.indrelid in (select holdfast.gone('pg_class')) from pg_index i where i.indexrelid = c.oid)
$hf$;
create or replace function holdfast.plan_gone(moved oid[], number bigint) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $hf$
begin
  perform holdfast.plan_parts(moved);
  -- Columns of what stays that are of a type that goes.
  perform holdfast.plan_identities();
  perform holdfast.plan_columns(number, true);
  perform holdfast.plan_homes(moved, number);
end $hf$;
-- What hangs on what stays.
create or replace function holdfast.plan_parts(moved oid[]) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $hf$
begin
  insert into holdfast.draft (part, item)
    select 'objects', jsonb_build_object('type', i.type, 'name', i.identity)
    from holdfast.touched t
    cross join lateral pg_identify_object(('pg_catalog.' || t.cat)::regclass, t.key::oid, 0) i
    where t.state = 'gone' and t.cat in ('pg_class', 'pg_namespace', 'pg_proc', 'pg_type', 'pg_constraint', 'pg_trigger', 'pg_policy', 'pg_rewrite', 'pg_statistic_ext')
      and not (t.cat = 'pg_class' and t.before ->> 'relkind' = 't')
      and not (t.cat = 'pg_class' and t.before ->> 'relkind' in ('i', 'I', 'c') and t.key::oid = any(moved))
      and not (t.cat = 'pg_type' and (t.before ->> 'typcategory' = 'A' or t.before ->> 'typrelid' <> '0'))
      and not (t.cat = 'pg_constraint' and (t.before ->> 'conrelid')::oid = any(moved))
      and not (t.cat = 'pg_trigger' and (t.before ->> 'tgisinternal')::boolean)
      and not (t.cat in ('pg_trigger', 'pg_policy', 'pg_rewrite') and coalesce(t.before ->> 'tgrelid', t.before ->> 'polrelid', t.before ->> 'ev_class')::oid = any(moved))
    order by t.cat, i.identity;
  perform holdfast.plan_constraints(array(
    select c.oid from pg_constraint c where c.contype = 'f' and c.conrelid = any(moved) and c.confrelid <> all(moved)
    union
    select c.oid from pg_constraint c join holdfast.gone('pg_constraint') g on g = c.oid
    where c.conrelid <> all(moved) and not (c.contypid <> 0 and c.contypid in (select holdfast.gone('pg_type')))));
  perform holdfast.plan_code(moved);
  perform holdfast.plan_indexes(array(select g from holdfast.gone('pg_class') g where g <> all(moved)));
end $hf$;
-- What moves, with what lies in it.
create or replace function holdfast.plan_homes(moved oid[], number bigint) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $hf$
begin
  perform holdfast.plan_detach(moved);
  perform holdfast.plan_moves(moved, number);
  perform holdfast.plan_schemas(number);
end $hf$;
-- Takes the steps in order; the act is them and their reverse, last first.
create or replace function holdfast.take_steps(verb text, statement text, path text) returns void
language plpgsql set search_path = pg_catalog, pg_temp set row_security = off as $hf$
declare
  s record;
begin
  for s in select * from holdfast.draft where part = 'step' and forward is not null order by n loop
    if s.about = statement then perform holdfast.execute_as_owner(statement, path);
    else execute s.forward; end if;
  end loop;
  perform holdfast.note_act(jsonb_build_object(
    'verb', verb, 'statement', statement,
    'objects', coalesce((select jsonb_agg(item order by n) from holdfast.draft where part = 'objects'), '[]'),
    'undo', coalesce((select jsonb_agg(jsonb_build_object('about', about, 'sql', back) order by n desc)
      from holdfast.draft where part = 'step' and back is not null), '[]'),
    'redo', coalesce((select jsonb_agg(jsonb_build_object('about', about, 'sql', forward) order by n)
      from holdfast.draft where part = 'step' and forward is not null), '[]'),
    'absent', coalesce((select jsonb_agg(item order by n) from holdfast.draft where part = 'absent'), '[]'),
    'trash', coalesce((select jsonb_agg(item ->> 'name' order by n) from holdfast.draft where part = 'trash'), '[]'),
    'notRestored', coalesce((select jsonb_agg(item order by n) from holdfast.draft where part = 'notRestored'), '[]')));
  delete from holdfast.draft;
  delete from holdfast.touched;
end $hf$;`;
