/**
 * What is dropped is moved to the trash with its OID: its rows, indexes, triggers, grants and comments
 * come along, at no cost that grows with them. Nobody may use a trash schema, and what lies there is
 * owned by holdfast_owner, so that no former owner can reach it.
 */

export const MOVING_SQL = `
-- The trash schema that takes what comes from one schema; made at its first use.
create or replace function holdfast.trash_for(source oid, number bigint) returns text
language plpgsql set search_path = pg_catalog, pg_temp as $hf$
declare
  called text;
  before int;
begin
  select item ->> 'name' into called from holdfast.draft where part = 'trash' and (item ->> 'source')::oid = source;
  if called is not null then return called; end if;
  select count(*) into before from holdfast.draft where part = 'trash';
  called := 'holdfast_trash_' || number || case when before = 0 then '' else '_' || before + 1 end;
  perform holdfast.say('trash', jsonb_build_object('source', source, 'name', called));
  if not exists (select from holdfast.gone('pg_namespace') g where g = source) then
    perform holdfast.step('schema ' || called, format('create schema %I authorization holdfast_owner', called),
      format('drop schema %I', called));
  end if;
  return called;
end $hf$;
create or replace function holdfast.plan_move(what text, type text, source oid, name text, owner oid, number bigint) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $hf$
declare
  here text;
  trash text;
  mine boolean := owner = 'holdfast_owner'::regrole;
  whose text := holdfast.role_of(owner);
begin
  select quote_ident(nspname) into here from pg_namespace where oid = source;
  if exists (select from holdfast.gone('pg_namespace') g where g = source) then
    if not mine then
      perform holdfast.step(type || ' ' || here || '.' || name,
        format('alter %s %s.%s owner to holdfast_owner', what, here, name),
        format('alter %s %s.%s owner to %s', what, here, name, whose));
    end if;
    return;
  end if;
  trash := holdfast.trash_for(source, number);
  perform holdfast.step(type || ' ' || here || '.' || name,
    format('alter %s %s.%s set schema %I', what, here, name, trash)
      || case when mine then '' else format('; alter %s %I.%s owner to holdfast_owner', what, trash, name) end,
    format('alter %s %I.%s set schema %s', what, trash, name, here)
      || case when mine then '' else format('; alter %s %s.%s owner to %s', what, here, name, whose) end);
  perform holdfast.say('absent', jsonb_build_object('type', type, 'name', here || '.' || name));
end $hf$;
create or replace function holdfast.plan_detach(moved oid[]) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $hf$
declare
  p record;
  k record;
begin
  for p in
    select i.*, c.relispartition, pg_get_expr(c.relpartbound, c.oid) as bound,
      holdfast.rel(i.inhrelid) as child, holdfast.rel(i.inhparent) as parent
    from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhrelid = any(moved) and i.inhparent <> all(moved) and c.relkind in ('r', 'p', 'f')
  loop
    if p.relispartition then
      perform holdfast.step('partition ' || p.child,
        format('alter table %s detach partition %s', p.parent, p.child),
        format('alter table %s attach partition %s %s', p.parent, p.child, p.bound));
      -- It keeps copies of its parent's foreign keys; attaching makes them anew.
      for k in select conname from pg_constraint where conrelid = p.inhrelid and contype = 'f' and conparentid <> 0 loop
        perform holdfast.step(format('constraint %I of %s', k.conname, p.child),
          format('alter table %s drop constraint %I', p.child, k.conname), null);
      end loop;
    else
      perform holdfast.step('inheritance of ' || p.child,
        format('alter table %s no inherit %s', p.child, p.parent),
        format('alter table %s inherit %s', p.child, p.parent));
      perform holdfast.say('notRestored', to_jsonb(format('columns of %s count as declared in it, too, after the undo', p.child)));
    end if;
  end loop;
end $hf$;
create or replace function holdfast.plan_moves(moved oid[], number bigint) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $hf$
declare
  o record;
begin
  for o in select c.*, holdfast.rel(c.oid) as called from pg_class c where c.oid = any(moved) and c.relkind = 'S' loop
    -- A sequence of a column that stays (or of an identity) has to be let loose first.
    perform holdfast.step('owner column of ' || o.called, format('alter sequence %s owned by none', o.called),
      format('alter sequence %s owned by %s.%s', o.called, holdfast.rel(d.refobjid), holdfast.column_of(d.refobjid, d.refobjsubid)))
    from pg_depend d where d.objid = o.oid and d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass
      and d.deptype = 'a' and d.refobjsubid > 0 and d.refobjid <> all(moved);
  end loop;
  for o in
    select c.*, case c.relkind when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence'
      when 'f' then 'foreign table' else 'table' end as type
    from pg_class c where c.oid = any(moved) and c.relkind in ('r', 'p', 'v', 'm', 'S', 'f')
      and not (c.relkind = 'S' and exists (select from pg_depend d where d.objid = c.oid and d.classid = 'pg_class'::regclass
        and d.refclassid = 'pg_class'::regclass and d.deptype in ('a', 'i') and d.refobjid = any(moved)))
    order by c.relkind not in ('r', 'p'), c.relname
  loop
    perform holdfast.plan_move('table', o.type, o.relnamespace, quote_ident(o.relname), o.relowner, number);
  end loop;
  for o in select p.*, case p.prokind when 'a' then 'aggregate' when 'p' then 'procedure' else 'function' end as type,
      case when p.prokind = 'a' then coalesce(nullif(pg_get_function_identity_arguments(p.oid), ''), '*')
        else pg_get_function_identity_arguments(p.oid) end as args
    from pg_proc p join holdfast.gone('pg_proc') g on g = p.oid
    where not exists (select from pg_depend d where d.objid = p.oid and d.classid = 'pg_proc'::regclass and d.deptype = 'i')
  loop
    perform holdfast.plan_move(o.type, o.type, o.pronamespace, quote_ident(o.proname) || '(' || o.args || ')', o.proowner, number);
  end loop;
  for o in select t.* from pg_type t join holdfast.gone('pg_type') g on g = t.oid
    where not (t.typelem <> 0 and t.typcategory = 'A') and (t.typrelid = 0 or exists (select from pg_class c where c.oid = t.typrelid and c.relkind = 'c'))
  loop
    if o.typtype not in ('e', 'd', 'c') then
      perform holdfast.cannot(format('the type %s is not an enumeration, a domain or a composite type', format_type(o.oid, null)));
    end if;
    perform holdfast.plan_move(case o.typtype when 'd' then 'domain' else 'type' end, case o.typtype when 'd' then 'domain' else 'type' end,
      o.typnamespace, quote_ident(o.typname), o.typowner, number);
  end loop;
  for o in select s.* from pg_statistic_ext s join holdfast.gone('pg_statistic_ext') g on g = s.oid where s.stxrelid = any(moved) loop
    perform holdfast.plan_move('statistics', 'statistics', o.stxnamespace, quote_ident(o.stxname), o.stxowner, number);
  end loop;
  -- Names that live in the schema of their table, and so have to be free again for the undo.
  insert into holdfast.draft (part, item)
    select 'absent', jsonb_build_object('type', case when c.relkind = 'S' then 'sequence' else 'index' end, 'name', holdfast.rel(c.oid))
    from pg_class c where c.oid = any(moved) and c.relkind in ('i', 'I', 'S') and c.relnamespace <> 'pg_toast'::regnamespace
      and not exists (select from holdfast.gone('pg_namespace') g where g = c.relnamespace)
      and not exists (select from holdfast.draft d where d.part = 'absent' and d.item ->> 'name' = holdfast.rel(c.oid));
end $hf$;
create or replace function holdfast.plan_schemas(number bigint) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $hf$
declare
  s record;
  trash text;
begin
  for s in select n.* from pg_namespace n join holdfast.gone('pg_namespace') g on g = n.oid order by n.nspname loop
    trash := holdfast.trash_for(s.oid, number);
    perform holdfast.step(format('schema %I', s.nspname),
      format('alter schema %1$I rename to %2$I; alter schema %2$I owner to holdfast_owner; ', s.nspname, trash)
        || coalesce((select string_agg(format('revoke all on schema %I from %s cascade', trash, holdfast.role_of(e.grantee)), '; ')
          from (select distinct grantee from aclexplode(s.nspacl)) e where e.grantee not in (s.nspowner, 'holdfast_owner'::regrole)), ''),
      format('alter schema %1$I owner to %2$s; alter schema %1$I rename to %3$I; ', trash, holdfast.role_of(s.nspowner), s.nspname)
        || case when s.nspacl is null then '' else holdfast.acl_sql('schema', quote_ident(s.nspname), 'n', s.nspacl, s.nspowner, null) end);
    perform holdfast.say('absent', jsonb_build_object('type', 'schema', 'name', quote_ident(s.nspname)));
  end loop;
end $hf$;`;
