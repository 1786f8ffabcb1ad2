/**
 * TRUNCATE, large objects, whole databases. The rows of a TRUNCATE are kept by the capture's own trigger,
 * which has to be there; the bytes of a large object are copied; a database is renamed and closed.
 */

export const EMPTYING_SQL = `
create or replace function holdfast.truncate_reversibly(tag text, statement text, path text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $hf$
declare
  sub xid;
  s record;
  bare text;
begin
  -- States of the sequences that RESTART IDENTITY can reach: those that belong to columns.
  for s in select distinct d.objid, holdfast.rel(d.objid) as called from pg_depend d join pg_class c on c.oid = d.objid and c.relkind = 'S'
    where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass and d.deptype in ('a', 'i')
      and c.relnamespace::regnamespace::text not like 'holdfast%'
  loop
    execute format('insert into holdfast.draft (part, about, back, item) select %L, %L, format(%L, last_value, is_called), %L from %s', 'state', 'sequence ' || s.called,
      format('select pg_catalog.setval(%L, %%s, %%L)', s.called), to_jsonb(s.objid), s.called);
  end loop;
  begin
    insert into holdfast.draft (part) values ('mark') returning xmin into sub;
    perform holdfast.execute_as_owner(statement, path);
  exception when sqlstate 'HFTRY' then null;
  end;
  select string_agg(holdfast.rel(c.oid), ', ') into bare from pg_class c
    where c.xmin = sub and c.relkind = 'r' and not exists (select from pg_trigger t join pg_proc p on p.oid = t.tgfoid
      where t.tgrelid = c.oid and p.pronamespace = 'holdfast'::regnamespace and t.tgtype & 32 <> 0 and t.tgenabled = 'A');
  if bare is not null then perform holdfast.cannot('nothing captures the rows of ' || bare); end if;
  delete from holdfast.draft d where d.part = 'state' and not exists (select from pg_class c where c.oid = (d.item #>> '{}')::oid and c.xmin = sub);
  if not exists (select from holdfast.draft where part = 'state') then
    delete from holdfast.draft;
    return;
  end if;
  -- The rows come back by their own journal entry; the act is only what the capture does not see.
  for s in select about, back, (item #>> '{}')::oid as id from holdfast.draft where part = 'state' loop
    perform holdfast.step(s.about, format('select pg_catalog.setval(%L, %s, false)', holdfast.rel(s.id), (select seqstart from pg_sequence where seqrelid = s.id)), s.back);
    perform holdfast.say('objects', jsonb_build_object('type', 'sequence', 'name', holdfast.rel(s.id)));
  end loop;
  perform holdfast.take_steps(tag, statement, path);
end $hf$;
create or replace function holdfast.unlink_reversibly(id oid, statement text, path text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $hf$
declare
  number bigint := nextval('holdfast.seq');
  o record;
  trash text;
  -- By its own name, so that no function of somebody's is called.
  said text := format('select pg_catalog.lo_unlink(%s)', id);
begin
  select * into o from pg_largeobject_metadata where oid = id;
  if o.oid is null then
    -- The server says itself that there is none.
    perform holdfast.execute_as_owner(said, path);
    return;
  end if;
  trash := holdfast.trash_for(0, number);
  perform holdfast.step('bytes of large object ' || id,
    format('create table %I.kept as select holdfast.large_object(%s) as bytes', trash, id), format('drop table %I.kept', trash));
  perform holdfast.step(said, said,
    format('select pg_catalog.lo_from_bytea(%1$s, bytes) from %2$I.kept; alter large object %1$s owner to %3$s', id, trash, holdfast.role_of(o.lomowner))
    || case when o.lomacl is null then '' else '; ' || rtrim(holdfast.acl_sql('large object', id::text, 'L', o.lomacl, o.lomowner, null), '; ') end
    || holdfast.comment_sql('large object', id::text, obj_description(id, 'pg_largeobject')));
  perform holdfast.say('objects', jsonb_build_object('type', 'large object', 'name', id::text));
  perform holdfast.take_steps('LO_UNLINK', said, path);
end $hf$;
-- Runs from another database of the server, as the admin. Who is connected there is named by the server.
create or replace function holdfast.trash_database(name text) returns bigint
language plpgsql set search_path = pg_catalog, pg_temp as $hf$
declare
  number bigint := nextval('holdfast.seq');
  trash text := 'holdfast_trash_' || number;
begin
  if name = current_database() then
    raise exception 'cannot drop the currently open database' using errcode = '55006';
  end if;
  execute format('alter database %I rename to %I', name, trash);
  execute format('alter database %I allow_connections false', trash);
  return holdfast.note_act(jsonb_build_object('verb', 'DROP DATABASE', 'statement', format('drop database %I', name),
    'objects', jsonb_build_array(jsonb_build_object('type', 'database', 'name', quote_ident(name))),
    'undo', jsonb_build_array(jsonb_build_object('about', 'database ' || quote_ident(name),
      'sql', format('alter database %1$I allow_connections true; alter database %1$I rename to %2$I', trash, name))),
    'redo', jsonb_build_array(jsonb_build_object('about', 'database ' || quote_ident(name),
      'sql', format('alter database %1$I rename to %2$I; alter database %2$I allow_connections false', name, trash))),
    'absent', jsonb_build_array(jsonb_build_object('type', 'database', 'name', quote_ident(name))),
    'trash', jsonb_build_array(trash), 'notRestored', '[]'::jsonb));
end $hf$;`;

/** Owned by the role that may read what it deletes; only holdfast_owner may call it. */
export const LARGE_OBJECT_SQL = `
create or replace function holdfast.large_object(id oid) returns bytea
language sql volatile security definer set search_path = pg_catalog, pg_temp as $hf$
  select lo_get(id)
$hf$;`;
