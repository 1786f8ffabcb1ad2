/**
 * Statements that change something in place. They run as they are; before that, whatever they would
 * change or take along is recorded, and the values of columns are kept. Each change of a catalog row has
 * its inverse here or ends in 0A000. Order of the undo: names first, then columns, then what hangs on them.
 */

export const CHANGE_SQL = `
create or replace function holdfast.alter_reversibly(tag text, statement text, path text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $hf$
declare
  number bigint;
  trouble text;
begin
  if holdfast.find_difference(statement, path) then
    perform holdfast.cannot('something in the trash still hangs on it');
  end if;
  if not exists (select from holdfast.touched) then return; end if;
  number := nextval('holdfast.seq');
  perform holdfast.plan_views();
  perform holdfast.plan_identities();
  perform holdfast.plan_constraints(array(
    select c.oid from pg_constraint c join holdfast.gone('pg_constraint') g on g = c.oid
    union select t.key::oid from holdfast.touched t where t.cat = 'pg_constraint' and t.state = 'changed'
      and holdfast.differing(t.before, t.after) && '{condeferrable,condeferred,conenforced}'));
  perform holdfast.plan_code('{}');
  perform holdfast.plan_indexes(array(select g from holdfast.gone('pg_class') g));
  update holdfast.draft set forward = null where part = 'step';
  delete from holdfast.draft where part = 'absent';
  perform holdfast.plan_columns(number, false);
  perform holdfast.plan_changes();
  insert into holdfast.draft (part, item)
    select 'objects', jsonb_build_object('type', i.type, 'name', i.identity) from holdfast.touched t
    cross join lateral pg_identify_object('pg_class'::regclass, split_part(t.key, '.', 1)::oid, case when t.cat = 'pg_attribute' then split_part(t.key, '.', 2)::int else 0 end) i
    where t.cat in ('pg_class', 'pg_attribute') and t.state = 'changed' and i.identity is not null;
  perform holdfast.step(statement, format('select pg_catalog.set_config(%L, %L, true)', 'search_path', path) || '; ' || statement
    || format('; select pg_catalog.set_config(%L, %L, true)', 'search_path', 'pg_catalog, pg_temp'), null);
  perform holdfast.take_steps(tag, statement, path);
end $hf$;
-- A view cannot stay when a column of it goes: it is made anew from its definition.
create or replace function holdfast.plan_views() returns void
language plpgsql set search_path = pg_catalog, pg_temp as $hf$
declare
  v record;
begin
  for v in select c.*, holdfast.rel(c.oid) as called from pg_class c join holdfast.gone('pg_class') g on g = c.oid
    where c.relkind not in ('i', 'I', 't') order by c.oid desc
  loop
    if v.relkind = 'S' then continue; end if;
    if v.relkind <> 'v' then perform holdfast.cannot(v.called || ' would go, too'); end if;
    if exists (select from pg_trigger where tgrelid = v.oid) or exists (select from pg_rewrite where ev_class = v.oid and rulename <> '_RETURN')
      or exists (select from pg_attrdef where adrelid = v.oid) or exists (select from pg_attribute where attrelid = v.oid and attacl is not null) then
      perform holdfast.cannot(v.called || ' would go, too, with what hangs on it');
    end if;
    perform holdfast.step('view ' || v.called, null,
      format('create view %s%s as %s', v.called, coalesce(' with (' || array_to_string(v.reloptions, ', ') || ')', ''), rtrim(pg_get_viewdef(v.oid), ';'))
        || format('; alter view %s owner to %s', v.called, holdfast.role_of(v.relowner))
        || case when v.relacl is null then '' else '; ' || rtrim(holdfast.acl_sql('table', v.called, 'r', v.relacl, v.relowner, null), '; ') end
        || holdfast.comment_sql('view', v.called, obj_description(v.oid, 'pg_class'))
        || coalesce((select string_agg(holdfast.comment_sql('column', v.called || '.' || quote_ident(attname), col_description(v.oid, attnum)), '')
          from pg_attribute where attrelid = v.oid and attnum > 0), ''));
  end loop;
end $hf$;
create or replace function holdfast.plan_columns(number bigint, taking boolean) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $hf$
declare
  t record;
  relation oid;
  num int;
  goes boolean;
begin
  for t in select * from holdfast.touched where cat = 'pg_attribute' and state = 'changed' and (before ->> 'attnum')::int > 0
    and (holdfast.differing(before, after) && '{attisdropped,atttypid,atttypmod,attcollation}')
    and not exists (select from pg_index i where i.indexrelid = (before ->> 'attrelid')::oid)
  loop
    relation := (t.before ->> 'attrelid')::oid;
    num := (t.before ->> 'attnum')::int;
    goes := (t.after ->> 'attisdropped')::boolean;
    if exists (select from pg_inherits where inhrelid = relation or inhparent = relation) then
      perform holdfast.cannot(holdfast.rel(relation) || ' has partitions, heirs or a parent, and a column of it would be rewritten or go');
    end if;
    perform holdfast.plan_default(relation, num);
    perform holdfast.plan_column(relation, num, goes, number);
    if taking then
      perform holdfast.step(format('column %s.%I', holdfast.rel(relation), t.before ->> 'attname'),
        format('alter table %s drop column %I', holdfast.rel(relation), t.before ->> 'attname'), null);
    end if;
    if not goes then
      -- What the server made anew for the new type goes first; it comes again from its definition.
      perform holdfast.step('what hangs on ' || holdfast.rel(relation), null,
        (select string_agg(sql, '; ') from (
          select format('alter table %s drop constraint if exists %I', holdfast.rel((m.after ->> 'conrelid')::oid), m.after ->> 'conname') as sql
          from holdfast.touched m where m.cat = 'pg_constraint' and m.state = 'made' order by m.after ->> 'contype' <> 'f') made));
      perform holdfast.step('what hangs on ' || holdfast.rel(relation), null,
        (select string_agg(sql, '; ') from (
          select format('drop index if exists %s.%I', (m.after ->> 'relnamespace')::regnamespace, m.after ->> 'relname') as sql
          from holdfast.touched m where m.cat = 'pg_class' and m.state = 'made' and m.after ->> 'relkind' in ('i', 'I')
            and (m.after ->> 'relnamespace')::oid <> 'pg_toast'::regnamespace
            and not exists (select from holdfast.touched k where k.cat = 'pg_constraint' and k.state = 'made' and k.after ->> 'conname' = m.after ->> 'relname')) made));
      if exists (select from holdfast.touched where cat = 'pg_statistic_ext') then perform holdfast.cannot('extended statistics are on the column'); end if;
      perform holdfast.step('default', null, format('alter table %s alter column %s drop default', holdfast.rel(relation), holdfast.column_of(relation, num)))
        where (t.before ->> 'atthasdef')::boolean;
    end if;
  end loop;
end $hf$;
-- Every other change of a row that was there: its inverse, or no.
create or replace function holdfast.plan_changes() returns void
language plpgsql set search_path = pg_catalog, pg_temp as $hf$
declare
  t record;
  field text;
  sql text;
  rewritten boolean := exists (select from holdfast.touched where cat = 'pg_attribute' and (state = 'made' or holdfast.differing(before, after) && '{attisdropped,atttypid,atttypmod,attcollation}'));
begin
  for t in select x.*, holdfast.differing(x.before, x.after) as fields from holdfast.touched x where x.state = 'changed' order by x.cat, x.key loop
    foreach field in array t.fields loop
      sql := holdfast.inverse(t.cat, t.key, field, t.before, t.after, rewritten);
      if sql is null then
        perform holdfast.cannot(format('%s would change (%s)', replace(t.cat, 'pg_', ''), field));
      elsif sql <> '' then
        perform holdfast.step(t.cat || ' ' || field, null, sql);
      end if;
    end loop;
  end loop;
  for t in select * from holdfast.touched x where x.state in ('gone', 'made') order by x.cat, x.key loop
    sql := case t.state when 'gone' then holdfast.inverse_gone(t.cat, t.before) else holdfast.inverse_made(t.cat, t.after) end;
    if sql is null then
      perform holdfast.cannot(format('%s of %s would %s', replace(t.cat, 'pg_', ''), t.key, case t.state when 'gone' then 'go' else 'be made' end));
    elsif sql <> '' then
      perform holdfast.step(t.cat, null, sql);
    end if;
  end loop;
end $hf$;
-- '' where another part takes care of it, or nothing has to; null where nobody does.
create or replace function holdfast.inverse(cat text, key text, field text, before jsonb, after jsonb, rewritten boolean) returns text
language plpgsql set search_path = pg_catalog, pg_temp as $hf$
#variable_conflict use_variable
declare
  id oid := split_part(key, '.', 1)::oid;
  old text := before ->> field;
  now_called text;
  subject text;
  what text;
begin
  case cat
  when 'pg_class' then
    if field in ('relhasindex', 'relhasrules', 'relhastriggers', 'relhassubclass', 'relchecks', 'relpages', 'reltuples', 'relallvisible',
      'relallfrozen', 'relfrozenxid', 'relminmxid', 'relnatts', 'reltoastrelid') then return ''; end if;
    if (before ->> 'relnamespace')::oid = 'pg_toast'::regnamespace then return ''; end if;
    what := case before ->> 'relkind' when 'i' then 'index' when 'I' then 'index' when 'c' then 'type' else 'table' end;
    subject := holdfast.rel(id);
    now_called := format('%I.%I', (select nspname from pg_namespace where oid = (after ->> 'relnamespace')::oid), after ->> 'relname');
    return case field
      when 'relname' then case when exists (select from pg_constraint where conindid = id and contype in ('p', 'u', 'x')
          and exists (select from holdfast.touched x where x.cat = 'pg_constraint' and x.key = pg_constraint.oid::text)) then ''
        else format('alter %s %s rename to %I', what, now_called, old) end
      when 'relnamespace' then case when what = 'index' or exists (select from pg_depend d where d.objid = id and d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass and d.deptype in ('a', 'i') and before ->> 'relkind' = 'S') then ''
        else format('alter %s %s set schema %s', what, now_called, old::oid::regnamespace) end
      when 'relowner' then case when what = 'index' then '' else format('alter %s %s owner to %s', what, subject, holdfast.role_of(old::oid)) end
      when 'relacl' then case when 'relowner' = any(holdfast.differing(before, after)) then '' else
        rtrim(holdfast.acl_sql(case before ->> 'relkind' when 'S' then 'sequence' else 'table' end, subject, case before ->> 'relkind' when 'S' then 's' else 'r' end,
          (select relacl from pg_class where oid = id), (before ->> 'relowner')::oid, (select array_agg(e::aclitem) from jsonb_array_elements_text(nullif(after -> 'relacl', 'null')) e)), '; ')
        -- Taking a table's grants takes those of its columns along.
        || coalesce((select string_agg('; ' || rtrim(holdfast.acl_sql('table', subject, 'c', a.attacl, (before ->> 'relowner')::oid, null, format('(%I)', a.attname)), '; '), '')
          from pg_attribute a where a.attrelid = id and a.attacl is not null), '') end
      when 'relrowsecurity' then format('alter table %s %s row level security', subject, case old when 'true' then 'enable' else 'disable' end)
      when 'relforcerowsecurity' then format('alter table %s %s row level security', subject, case old when 'true' then 'force' else 'no force' end)
      when 'relreplident' then case old when 'd' then format('alter table %s replica identity default', subject) when 'f' then format('alter table %s replica identity full', subject)
        when 'n' then format('alter table %s replica identity nothing', subject) else '' end
      when 'relpersistence' then case when old in ('p', 'u') and what = 'table' then format('alter table %s set %s', subject, case old when 'p' then 'logged' else 'unlogged' end) when what = 'index' then '' end
      when 'relfilenode' then case when before ->> 'relkind' = 'S' then holdfast.state_sql(id) when rewritten or 'relpersistence' = any(holdfast.differing(before, after)) then '' end
      when 'relispartition' then case when old = 'true' then '' end
      when 'relpartbound' then ''
      when 'reloptions' then format('alter %s %s %s', what, subject, 'reset (' || (select string_agg(split_part(e, '=', 1), ', ')
          from jsonb_array_elements_text(case when jsonb_typeof(after -> 'reloptions') = 'array' then after -> 'reloptions' else before -> 'reloptions' end) e) || ')')
        || coalesce('; alter ' || what || ' ' || subject || ' set (' || (select string_agg(e, ', ') from jsonb_array_elements_text(case when jsonb_typeof(before -> 'reloptions') = 'array' then before -> 'reloptions' end) e) || ')', '')
      else null end;
  when 'pg_attribute' then
    if exists (select from pg_class where oid = id and relkind in ('i', 'I', 't')) then return ''; end if;
    if (after ->> 'attisdropped')::boolean then return ''; end if;
    subject := holdfast.rel(id);
    what := format('alter table %s alter column %I', subject, before ->> 'attname');
    return case field
      when 'attname' then case when (before ->> 'attinhcount')::int > 0 then '' else format('alter table %s rename column %I to %I', subject, after ->> 'attname', old) end
      when 'attnotnull' then case when exists (select from holdfast.touched x where x.cat = 'pg_constraint' and coalesce(x.before, x.after) ->> 'contype' = 'n'
          and (coalesce(x.before, x.after) ->> 'conrelid')::oid = id and x.state <> 'changed') then ''
        else what || case old when 'true' then ' set not null' else ' drop not null' end end
      when 'attidentity' then case when old = '' then what || ' drop identity' when after ->> field = '' then ltrim(holdfast.identity_sql(id, (before ->> 'attnum')::int), '; ')
        else what || ' set generated ' || case old when 'a' then 'always' else 'by default' end end
      when 'attacl' then rtrim(holdfast.acl_sql('table', subject, 'c', (select attacl from pg_attribute where attrelid = id and attnum = (before ->> 'attnum')::int),
        (select relowner from pg_class where oid = id), (select array_agg(e::aclitem) from jsonb_array_elements_text(case when jsonb_typeof(after -> field) = 'array' then after -> field end) e), format('(%I)', before ->> 'attname')), '; ')
      when 'attstattarget' then what || ' set statistics ' || coalesce(old, '-1')
      when 'attstorage' then case when rewritten then '' else what || ' set storage ' || case old when 'p' then 'plain' when 'e' then 'external' when 'x' then 'extended' else 'main' end end
      when 'attcompression' then case when rewritten then '' else what || ' set compression ' || case old when 'p' then 'pglz' when 'l' then 'lz4' else 'default' end end
      else case when field in ('atthasdef', 'atttypid', 'atttypmod', 'attcollation', 'attlen', 'attbyval', 'attalign', 'attndims', 'attinhcount', 'attislocal', 'atthasmissing', 'attmissingval', 'attcacheoff') then '' end end;
  when 'pg_attrdef' then
    if exists (select from holdfast.touched x where x.cat = 'pg_attribute' and x.key = inverse.key and holdfast.differing(x.before, x.after) && '{atttypid,atttypmod,attcollation}') then return ''; end if;
    return case when field = 'oid' then (select format('alter table %s alter column %I set default %s', holdfast.rel(id), a.attname, pg_get_expr(d.adbin, d.adrelid))
      from pg_attrdef d join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum where d.adrelid = id and d.adnum = (before ->> 'adnum')::int and a.attgenerated = '')
      else '' end;
  when 'pg_constraint' then
    return case
      when field = 'conname' and (before ->> 'coninhcount')::int = 0 and before ->> 'conparentid' = '0' and before ->> 'conrelid' <> '0' then format('alter table %s rename constraint %I to %I', holdfast.rel((before ->> 'conrelid')::oid), after ->> 'conname', old)
      when field in ('condeferrable', 'condeferred', 'conenforced') then format('alter table %s drop constraint %I', holdfast.rel((before ->> 'conrelid')::oid), before ->> 'conname')
      when field = 'convalidated' and (after ->> field)::boolean then ''
      when field in ('coninhcount', 'conislocal', 'conname', 'connamespace', 'conparentid') then '' end;
  when 'pg_trigger' then
    if (before ->> 'tgisinternal')::boolean or before ->> 'tgparentid' <> '0' then return ''; end if;
    return case field
      when 'tgenabled' then format('alter table %s %s trigger %I', holdfast.rel((before ->> 'tgrelid')::oid),
        case old when 'O' then 'enable' when 'D' then 'disable' when 'R' then 'enable replica' else 'enable always' end, before ->> 'tgname')
      when 'tgname' then format('alter trigger %I on %s rename to %I', after ->> 'tgname', holdfast.rel((before ->> 'tgrelid')::oid), old) end;
  when 'pg_rewrite' then
    return case field
      when 'ev_enabled' then format('alter table %s %s rule %I', holdfast.rel((before ->> 'ev_class')::oid), case old when 'O' then 'enable' when 'D' then 'disable' when 'R' then 'enable replica' else 'enable always' end, before ->> 'rulename')
      when 'rulename' then format('alter rule %I on %s rename to %I', after ->> 'rulename', holdfast.rel((before ->> 'ev_class')::oid), old)
      when 'ev_action' then case when before ->> 'rulename' = '_RETURN' and exists (select from holdfast.touched x where x.cat = 'pg_attribute') then '' end end;
  when 'pg_policy' then
    return case when field = 'polname' then format('alter policy %I on %s rename to %I', after ->> 'polname', holdfast.rel((before ->> 'polrelid')::oid), old)
      else format('drop policy %I on %s; ', before ->> 'polname', holdfast.rel((before ->> 'polrelid')::oid)) || holdfast.policy_sql(id) end;
  when 'pg_index' then
    return case field
      when 'indisclustered' then case old when 'true' then format('alter table %s cluster on %I', holdfast.rel((before ->> 'indrelid')::oid), (select relname from pg_class where oid = id))
        else format('alter table %s set without cluster', holdfast.rel((before ->> 'indrelid')::oid)) end
      when 'indisreplident' then case old when 'true' then format('alter table %s replica identity using index %I', holdfast.rel((before ->> 'indrelid')::oid), (select relname from pg_class where oid = id)) else '' end
      end;
  when 'pg_type' then
    if before ->> 'typrelid' <> '0' and exists (select from pg_class where oid = (before ->> 'typrelid')::oid) or before ->> 'typcategory' = 'A' then return ''; end if;
    what := case before ->> 'typtype' when 'd' then 'domain' else 'type' end;
    now_called := format('%I.%I', (select nspname from pg_namespace where oid = (after ->> 'typnamespace')::oid), after ->> 'typname');
    subject := format_type(id, null);
    return case field
      when 'typname' then format('alter %s %s rename to %I', what, now_called, old)
      when 'typnamespace' then format('alter %s %s set schema %s', what, now_called, old::oid::regnamespace)
      when 'typowner' then format('alter %s %s owner to %s', what, subject, holdfast.role_of(old::oid))
      when 'typacl' then case when 'typowner' = any(holdfast.differing(before, after)) then '' else rtrim(holdfast.acl_sql('type', subject, 'T', (select typacl from pg_type where oid = id), (before ->> 'typowner')::oid,
        (select array_agg(e::aclitem) from jsonb_array_elements_text(case when jsonb_typeof(after -> field) = 'array' then after -> field end) e)), '; ') end
      when 'typnotnull' then format('alter domain %s %s not null', subject, case old when 'true' then 'set' else 'drop' end)
      when 'typdefault' then case when old is null then format('alter domain %s drop default', subject) else format('alter domain %s set default %s', subject, old) end
      when 'typdefaultbin' then '' end;
  when 'pg_enum' then
    return case when field = 'enumlabel' then format('alter type %s rename value %L to %L', format_type((before ->> 'enumtypid')::oid, null), after ->> field, old) end;
  when 'pg_proc' then
    now_called := format('%I.%I(%s)', (select nspname from pg_namespace where oid = (after ->> 'pronamespace')::oid), after ->> 'proname', pg_get_function_identity_arguments(id));
    subject := format('%I.%I(%s)', (select nspname from pg_namespace where oid = (before ->> 'pronamespace')::oid), before ->> 'proname', pg_get_function_identity_arguments(id));
    return case field
      when 'proname' then format('alter routine %s rename to %I', now_called, old)
      when 'pronamespace' then format('alter routine %s set schema %s', now_called, old::oid::regnamespace)
      when 'proowner' then format('alter routine %s owner to %s', subject, holdfast.role_of(old::oid))
      when 'proacl' then case when 'proowner' = any(holdfast.differing(before, after)) then '' else rtrim(holdfast.acl_sql('routine', subject, 'f', (select proacl from pg_proc where oid = id), (before ->> 'proowner')::oid,
        (select array_agg(e::aclitem) from jsonb_array_elements_text(case when jsonb_typeof(after -> field) = 'array' then after -> field end) e)), '; ') end
      else case when before ->> 'prokind' in ('f', 'p') then pg_get_functiondef(id) end end;
  when 'pg_namespace' then
    return case field
      when 'nspname' then format('alter schema %I rename to %I', after ->> field, old)
      when 'nspowner' then format('alter schema %I owner to %s', before ->> 'nspname', holdfast.role_of(old::oid))
      when 'nspacl' then case when 'nspowner' = any(holdfast.differing(before, after)) then '' else rtrim(holdfast.acl_sql('schema', quote_ident(before ->> 'nspname'), 'n', (select nspacl from pg_namespace where oid = id), (before ->> 'nspowner')::oid,
        (select array_agg(e::aclitem) from jsonb_array_elements_text(case when jsonb_typeof(after -> field) = 'array' then after -> field end) e)), '; ') end end;
  when 'pg_sequence' then
    return (select format('alter sequence %s as %s increment by %s minvalue %s maxvalue %s start with %s cache %s %s', holdfast.rel(id), format_type(seqtypid, null),
      seqincrement, seqmin, seqmax, seqstart, seqcache, case when seqcycle then 'cycle' else 'no cycle' end) from pg_sequence where seqrelid = id);
  when 'pg_statistic_ext' then
    return case field when 'stxname' then format('alter statistics %s.%I rename to %I', (after ->> 'stxnamespace')::oid::regnamespace, after ->> field, old)
      when 'stxnamespace' then format('alter statistics %s.%I set schema %s', (after ->> field)::oid::regnamespace, after ->> 'stxname', old::oid::regnamespace)
      when 'stxowner' then format('alter statistics %s.%I owner to %s', (before ->> 'stxnamespace')::oid::regnamespace, before ->> 'stxname', holdfast.role_of(old::oid)) end;
  when 'pg_partitioned_table' then
    return case when field = 'partdefid' then '' end;
  when 'pg_default_acl' then
    return case when field = 'defaclacl' then holdfast.default_acl_sql(before, after) end;
  else
    return null;
  end case;
end $hf$;
-- What a sequence stands at, as the statement that sets it.
create or replace function holdfast.state_sql(sequence oid) returns text
language plpgsql volatile set search_path = pg_catalog, pg_temp as $hf$
declare
  state record;
begin
  execute format('select last_value, is_called from %s', holdfast.rel(sequence)) into state;
  return format('select pg_catalog.setval(%L, %s, %L)', holdfast.rel(sequence), state.last_value, state.is_called);
end $hf$;
-- Default privileges: those of before, when the row was there; the server's own, when it was not.
create or replace function holdfast.default_acl_sql(before jsonb, after jsonb) returns text
language plpgsql set search_path = pg_catalog, pg_temp as $hf$
declare
  is_for jsonb := coalesce(before, after);
  owner oid := (is_for ->> 'defaclrole')::oid;
  kind text := is_for ->> 'defaclobjtype';
  head text := format('alter default privileges for role %s%s ', holdfast.role_of(owner),
    case when is_for ->> 'defaclnamespace' = '0' then '' else ' in schema ' || (is_for ->> 'defaclnamespace')::oid::regnamespace end);
  what text := case kind when 'r' then 'tables' when 'S' then 'sequences' when 'f' then 'functions' when 'T' then 'types' when 'n' then 'schemas' else 'large objects' end;
  base aclitem[] := case when is_for ->> 'defaclnamespace' = '0' then acldefault(case kind when 'S' then 's' else kind end::"char", owner) else '{}'::aclitem[] end;
  stood aclitem[] := coalesce((select array_agg(e::aclitem) from jsonb_array_elements_text(before -> 'defaclacl') e), base);
  now_is aclitem[] := coalesce((select array_agg(e::aclitem) from jsonb_array_elements_text(after -> 'defaclacl') e), '{}'::aclitem[]);
  entry record;
  sql text := '';
begin
  for entry in select distinct e.grantee from unnest(stood || now_is) a cross join lateral aclexplode(array[a]) e order by 1 loop
    sql := sql || head || format('revoke all on %s from %s cascade; ', what, holdfast.role_of(entry.grantee));
  end loop;
  for entry in select e.* from unnest(stood) a cross join lateral aclexplode(array[a]) e loop
    sql := sql || head || format('grant %s on %s to %s%s; ', entry.privilege_type, what, holdfast.role_of(entry.grantee), case when entry.is_grantable then ' with grant option' else '' end);
  end loop;
  return rtrim(sql, '; ');
end $hf$;
create or replace function holdfast.inverse_gone(cat text, before jsonb) returns text
language plpgsql set search_path = pg_catalog, pg_temp as $hf$
#variable_conflict use_variable
declare
  bound text;
begin
  case cat
  when 'pg_inherits' then
    if exists (select from pg_class where oid = (before ->> 'inhrelid')::oid and relkind in ('i', 'I')) then return ''; end if;
    select pg_get_expr(relpartbound, oid) into bound from pg_class where oid = (before ->> 'inhrelid')::oid and relispartition;
    if exists (select from pg_attribute where attrelid = (before ->> 'inhrelid')::oid and attnum > 0 and not attisdropped and not attislocal and bound is null) then
      perform holdfast.say('notRestored', to_jsonb(format('columns of %s count as declared in it, too, after the undo', holdfast.rel((before ->> 'inhrelid')::oid))));
    end if;
    return case when bound is null then format('alter table %s inherit %s', holdfast.rel((before ->> 'inhrelid')::oid), holdfast.rel((before ->> 'inhparent')::oid))
      else format('alter table %s attach partition %s %s', holdfast.rel((before ->> 'inhparent')::oid), holdfast.rel((before ->> 'inhrelid')::oid), bound) end;
  when 'pg_default_acl' then
    return holdfast.default_acl_sql(before, null);
  when 'pg_attribute' then
    return case when exists (select from pg_index where indexrelid = (before ->> 'attrelid')::oid)
      or (before ->> 'attrelid')::oid in (select holdfast.gone('pg_class')) then '' end;
  else
    return case when cat in ('pg_class', 'pg_constraint', 'pg_index', 'pg_trigger', 'pg_policy', 'pg_rewrite', 'pg_attrdef', 'pg_type', 'pg_statistic_ext', 'pg_description', 'pg_sequence') then '' end;
  end case;
end $hf$;
create or replace function holdfast.inverse_made(cat text, after jsonb) returns text
language plpgsql set search_path = pg_catalog, pg_temp as $hf$
#variable_conflict use_variable
begin
  return case cat
    when 'pg_attribute' then case when exists (select from pg_class where oid = (after ->> 'attrelid')::oid and relkind in ('r', 'p')) and (after ->> 'attinhcount')::int = 0
        and not exists (select from holdfast.touched x where x.cat = 'pg_class' and x.state = 'made' and x.key = after ->> 'attrelid')
        then format('alter table %s drop column %I', holdfast.rel((after ->> 'attrelid')::oid), after ->> 'attname') else '' end
    when 'pg_attrdef' then case when exists (select from holdfast.touched x where x.cat = 'pg_attribute' and x.state = 'made' and x.key = (after ->> 'adrelid') || '.' || (after ->> 'adnum')) then ''
      else format('alter table %s alter column %s drop default', holdfast.rel((after ->> 'adrelid')::oid), holdfast.column_of((after ->> 'adrelid')::oid, (after ->> 'adnum')::int)) end
    when 'pg_constraint' then case when after ->> 'conrelid' = '0' or (after ->> 'coninhcount')::int > 0 or after ->> 'conparentid' <> '0'
        or exists (select from holdfast.touched x where x.cat = 'pg_constraint' and x.state = 'gone' and x.before ->> 'conname' = after ->> 'conname' and x.before ->> 'conrelid' = after ->> 'conrelid') then ''
      else format('alter table %s drop constraint %I', holdfast.rel((after ->> 'conrelid')::oid), after ->> 'conname') end
    when 'pg_class' then case when after ->> 'relkind' in ('i', 'I', 't', 'S') then '' end
    when 'pg_default_acl' then holdfast.default_acl_sql(null, after)
    when 'pg_index' then '' when 'pg_trigger' then '' when 'pg_sequence' then ''
    when 'pg_inherits' then case when exists (select from pg_class c where c.oid = (after ->> 'inhrelid')::oid and c.relkind in ('r', 'p'))
      then case when exists (select from pg_partitioned_table where partrelid = (after ->> 'inhparent')::oid)
        then format('alter table %s detach partition %s', holdfast.rel((after ->> 'inhparent')::oid), holdfast.rel((after ->> 'inhrelid')::oid))
        else format('alter table %s no inherit %s', holdfast.rel((after ->> 'inhrelid')::oid), holdfast.rel((after ->> 'inhparent')::oid)) end else '' end
  end;
end $hf$;`;
