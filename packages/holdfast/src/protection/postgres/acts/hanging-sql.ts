/**
 * What hangs on something that stays, and would go: foreign keys, checks, indexes, triggers, rules,
 * policies, defaults. Each is recorded by its definition, with its state, comment and order, and dropped.
 */

export const HANGING_SQL = `
create or replace function holdfast.plan_constraints(constraints oid[]) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $hf$
declare
  c record;
  subject text;
begin
  -- Foreign keys first: what they refer to can only go after them.
  for c in select * from pg_constraint where oid = any(constraints)
    and conparentid = 0 and (coninhcount = 0 or contype = 'f') and contype <> 't'
    order by contype <> 'f', contype in ('p', 'u', 'n'), conname
  loop
    if c.conrelid <> 0 then
      subject := holdfast.rel(c.conrelid);
      perform holdfast.step(
        format('constraint %I of %s', c.conname, subject),
        format('alter table %s drop constraint %I', subject, c.conname),
        format('alter table %s add constraint %I %s', subject, c.conname, pg_get_constraintdef(c.oid))
          || holdfast.comment_sql('constraint', format('%I on %s', c.conname, subject), obj_description(c.oid, 'pg_constraint'))
          || holdfast.index_state_sql(c.conindid, c.conrelid, c.conname));
    else
      subject := format_type(c.contypid, null);
      perform holdfast.step(
        format('constraint %I of %s', c.conname, subject),
        format('alter domain %s drop constraint %I', subject, c.conname),
        format('alter domain %s add constraint %I %s', subject, c.conname, pg_get_constraintdef(c.oid))
          || holdfast.comment_sql('constraint', format('%I on domain %s', c.conname, subject), obj_description(c.oid, 'pg_constraint')));
    end if;
  end loop;
end $hf$;
-- What an index is besides its definition.
create or replace function holdfast.index_state_sql(index oid, owning oid, name name) returns text
language sql stable set search_path = pg_catalog, pg_temp as $hf$
  select coalesce((
    select case when i.indisclustered then format('; alter table %s cluster on %I', holdfast.rel($2), c.relname) else '' end
      || case when i.indisreplident then format('; alter table %s replica identity using index %I', holdfast.rel($2), c.relname) else '' end
      || case when s.spcname is null then '' else format('; alter index %s set tablespace %I', holdfast.rel(c.oid), s.spcname) end
      || holdfast.comment_sql('index', holdfast.rel(c.oid), obj_description(c.oid, 'pg_class'))
    from pg_index i join pg_class c on c.oid = i.indexrelid left join pg_tablespace s on s.oid = c.reltablespace
    where i.indexrelid = $1 and i.indrelid = $2), '')
$hf$;
create or replace function holdfast.plan_indexes(indexes oid[]) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $hf$
declare
  i record;
begin
  for i in
    select c.oid, x.indrelid, c.relname, c.relkind from pg_class c join pg_index x on x.indexrelid = c.oid
    where c.oid = any(indexes) and not c.relispartition and c.relnamespace <> 'pg_toast'::regnamespace
      and not exists (select from pg_constraint k where k.conindid = c.oid and k.contype in ('p', 'u', 'x'))
    order by c.relname
  loop
    perform holdfast.step(
      format('index %s', holdfast.rel(i.oid)),
      format('drop index %s', holdfast.rel(i.oid)),
      case when i.relkind = 'I' then replace(pg_get_indexdef(i.oid), ' ON ONLY ', ' ON ') else pg_get_indexdef(i.oid) end
        || holdfast.index_state_sql(i.oid, i.indrelid, i.relname));
    perform holdfast.say('absent', jsonb_build_object('type', 'index', 'name', holdfast.rel(i.oid)));
  end loop;
end $hf$;
create or replace function holdfast.policy_sql(policy oid) returns text
language sql stable set search_path = pg_catalog, pg_temp as $hf$
  select format('create policy %I on %s as %s for %s to %s', p.polname, holdfast.rel(p.polrelid),
      case when p.polpermissive then 'permissive' else 'restrictive' end,
      case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end,
      (select string_agg(holdfast.role_of(r), ', ') from unnest(p.polroles) r))
    || coalesce(' using (' || pg_get_expr(p.polqual, p.polrelid) || ')', '')
    || coalesce(' with check (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')', '')
    || holdfast.comment_sql('policy', format('%I on %s', p.polname, holdfast.rel(p.polrelid)), obj_description(p.oid, 'pg_policy'))
  from pg_policy p where p.oid = $1
$hf$;
create or replace function holdfast.plan_code(moved oid[]) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $hf$
declare
  t record;
  subject text;
begin
  for t in select p.* from pg_policy p join holdfast.gone('pg_policy') g on g = p.oid
    where p.polrelid <> all(moved) order by p.polname
  loop
    subject := format('%I on %s', t.polname, holdfast.rel(t.polrelid));
    perform holdfast.step('policy ' || subject, 'drop policy ' || subject, holdfast.policy_sql(t.oid));
  end loop;
  for t in select r.*, r.ctid from pg_rewrite r join holdfast.gone('pg_rewrite') g on g = r.oid
    where r.ev_class <> all(moved) and r.rulename <> '_RETURN' order by r.rulename
  loop
    subject := format('%I on %s', t.rulename, holdfast.rel(t.ev_class));
    perform holdfast.step('rule ' || subject, 'drop rule ' || subject,
      rtrim(pg_get_ruledef(t.oid), ';') || holdfast.enabled_sql(t.ev_class, 'rule', t.rulename, t.ev_enabled)
        || holdfast.comment_sql('rule', subject, obj_description(t.oid, 'pg_rewrite')));
  end loop;
  for t in select x.* from pg_trigger x join holdfast.gone('pg_trigger') g on g = x.oid
    where x.tgrelid <> all(moved) and not x.tgisinternal and x.tgparentid = 0 order by x.tgname
  loop
    subject := format('%I on %s', t.tgname, holdfast.rel(t.tgrelid));
    perform holdfast.step('trigger ' || subject, 'drop trigger ' || subject,
      pg_get_triggerdef(t.oid) || holdfast.enabled_sql(t.tgrelid, 'trigger', t.tgname, t.tgenabled)
        || holdfast.comment_sql('trigger', subject, obj_description(t.oid, 'pg_trigger')));
  end loop;
  for t in select s.*, holdfast.rel(s.stxrelid) as owning, format('%I.%I', n.nspname, s.stxname) as called
    from pg_statistic_ext s join holdfast.gone('pg_statistic_ext') g on g = s.oid
    join pg_namespace n on n.oid = s.stxnamespace where s.stxrelid <> all(moved) order by s.stxname
  loop
    perform holdfast.step('statistics ' || t.called, 'drop statistics ' || t.called,
      pg_get_statisticsobjdef(t.oid)
        || format('; alter statistics %s owner to %s', t.called, holdfast.role_of(t.stxowner))
        || case when coalesce(t.stxstattarget, -1) = -1 then '' else format('; alter statistics %s set statistics %s', t.called, t.stxstattarget) end
        || holdfast.comment_sql('statistics', t.called, obj_description(t.oid, 'pg_statistic_ext')));
  end loop;
  for t in select d.*, pg_get_expr(d.adbin, d.adrelid) as said, holdfast.column_of(d.adrelid, d.adnum) as called
    from pg_attrdef d join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
    join holdfast.touched x on x.cat = 'pg_attrdef' and x.state = 'gone' and x.key = d.adrelid || '.' || d.adnum
    where d.adrelid <> all(moved) and a.attgenerated = ''
      and not exists (select from holdfast.touched y where y.cat = 'pg_attribute' and y.key = x.key
        and (y.state = 'gone' or (y.after ->> 'attisdropped')::boolean))
  loop
    perform holdfast.step(format('default of %s.%s', holdfast.rel(t.adrelid), t.called),
      format('alter table %s alter column %s drop default', holdfast.rel(t.adrelid), t.called),
      format('alter table %s alter column %s set default %s', holdfast.rel(t.adrelid), t.called, t.said));
  end loop;
end $hf$;
create or replace function holdfast.enabled_sql(relation oid, what text, name name, state "char") returns text
language sql stable set search_path = pg_catalog, pg_temp as $hf$
  select case $4 when 'O' then '' else format('; alter table %s %s %s %I', holdfast.rel($1),
    case $4 when 'D' then 'disable' when 'R' then 'enable replica' else 'enable always' end, $2, $3) end
$hf$;`;
