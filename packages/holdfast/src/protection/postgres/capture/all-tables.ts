/** The capture over a whole database: what is attached, what cannot be, and what may be cleared away. */
import type { SqlFunction } from './sql-function.ts';

const userTables: SqlFunction = {
  name: 'holdfast.user_tables',
  parameters: '',
  returns: 'setof regclass',
  volatility: 'stable',
  language: 'sql',
  body: `
select c.oid::regclass from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where c.relkind in ('r', 'p', 'f') and c.relpersistence <> 't'
   and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
   and n.nspname <> 'holdfast' and n.nspname !~ '^holdfast_trash_[0-9]+(_[0-9]+)?$'
 order by n.nspname, c.relname`,
};

/** The tables that had to be attached or brought up to date. */
const attachMissing: SqlFunction = {
  name: 'holdfast.attach_missing',
  parameters: '',
  returns: 'setof regclass',
  body: `
declare
  wanted regclass;
begin
  for wanted in select t from holdfast.user_tables() t where holdfast.why_not(t) is null loop
    if holdfast.refresh(wanted) then return next wanted; end if;
  end loop;
end`,
};

/**
 * For an event trigger at the end of a DDL command: only what the command made or altered is looked at
 * (and what inherits from it),
 * for the whole database costs 2 ms a table. What has no table of its own (a schema that was renamed,
 * a type, an extension) may concern any.
 */
const attachAltered: SqlFunction = {
  name: 'holdfast.attach_altered',
  parameters: '',
  returns: 'void',
  body: `
declare
  wanted regclass;
begin
  if exists (select from pg_event_trigger_ddl_commands() d where d.object_type in ('schema', 'type', 'extension')) then
    perform holdfast.attach_missing();
    return;
  end if;
  for wanted in
    with recursive altered as (
      select coalesce(i.indrelid, d.objid) as oid from pg_event_trigger_ddl_commands() d
        left join pg_index i on i.indexrelid = d.objid
       where d.classid = 'pg_class'::regclass
      union select h.inhrelid from pg_inherits h join altered a on h.inhparent = a.oid)
    select c.oid::regclass from altered a join pg_class c using (oid) where c.relkind in ('r', 'p')
  loop
    if holdfast.why_not(wanted) is null then perform holdfast.attach(wanted); end if;
  end loop;
end`,
};

/** What of the user's tables escapes the capture, and why; said aloud by the check. */
const uncaptured: SqlFunction = {
  name: 'holdfast.uncaptured',
  parameters: '',
  returns: 'table (table_name text, reason text)',
  volatility: 'stable',
  language: 'sql',
  body: `
select t::text, holdfast.why_not(t) from holdfast.user_tables() t where holdfast.why_not(t) is not null
union all
select t::text, 'forced row level security: TRUNCATE fails, holdfast_owner has no BYPASSRLS'
  from holdfast.user_tables() t
  join pg_class c on c.oid = t
  join pg_roles r on r.rolname = 'holdfast_owner'
 where c.relrowsecurity and c.relforcerowsecurity and not r.rolbypassrls and not r.rolsuper
union all
select s.srrelid::regclass::text, 'filled by a subscription: replicated rows fire no statement triggers'
  from pg_subscription_rel s`,
};

/** Drops the capture tables of former shapes once they are drained, and what hung on tables now gone. */
const dropFormerShapes: SqlFunction = {
  name: 'holdfast.drop_former_shapes',
  parameters: '',
  returns: 'integer',
  body: `
declare
  shape holdfast.shapes;
  is_empty boolean;
  dropped integer := 0;
begin
  for shape in
    select s.* from holdfast.shapes s
     where not exists (select from pg_class c where c.oid = s.table_oid)
        or exists (select from holdfast.shapes later where later.table_oid = s.table_oid and later.shape_id > s.shape_id)
  loop
    execute format('lock table holdfast.c%s in access exclusive mode', shape.shape_id);
    execute format('select not exists (select from holdfast.c%s) and not exists (select from holdfast.journal where shape_id = %1$s)', shape.shape_id)
      into is_empty;
    continue when not is_empty;
    execute format('drop table holdfast.c%s', shape.shape_id);
    delete from holdfast.shapes s where s.shape_id = shape.shape_id;
    if not exists (select from pg_class c where c.oid = shape.table_oid) then
      execute format('drop function if exists holdfast.%I(), holdfast.%I()', 't' || shape.table_oid, 'z' || shape.table_oid);
    end if;
    dropped := dropped + 1;
  end loop;
  return dropped;
end`,
};

/** An act on structure, for those who make it reversible; the sequence number names its trash. */
const noteAct: SqlFunction = {
  name: 'holdfast.note_act',
  parameters: 'act jsonb',
  returns: 'bigint',
  language: 'sql',
  body: `
insert into holdfast.journal (seq, op, rows, detail)
  values (nextval('holdfast.seq'), 'X', 0, act) returning seq`,
};

export const OVER_ALL: readonly SqlFunction[] = [
  userTables,
  attachMissing,
  attachAltered,
  uncaptured,
  dropFormerShapes,
  noteAct,
];
