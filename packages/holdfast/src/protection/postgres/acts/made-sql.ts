/**
 * Statements that only add. They run once, as they are; what they made is read from the catalogs and
 * written down as an act whose undo moves it to the trash, with its rows, as if it had been dropped: so
 * "everything since 14:00" ends equal to before, and what stood under that name finds it free again.
 * Order: run and compare, plan a drop of what is new, note the act with that plan as its undo.
 *
 * The rows before are told in the same query that runs the statement: its snapshot is older.
 * It will not: refuse what it makes. What cannot be taken back again is said in the record. But rows, columns
 * and large objects that go by a statement which was read as adding only go by code that it set off: that is
 * refused, whether a fence stands or not.
 */
import { catalogRows } from './difference-sql.ts';

const OURS = `(age($1) <= age($2) and pg_xact_status(
    (pg_current_xact_id()::text::bigint + age(pg_current_xact_id()::xid) - age($1))::text::xid8) = 'in progress')`;

export const MADE_SQL = `
-- A number of this transaction, not before \`sub\`: nobody else's row in progress is seen as ours.
create or replace function holdfast.is_ours(number xid, sub xid) returns boolean
language sql volatile set search_path = pg_catalog, pg_temp as $hf$ select ${OURS} $hf$;
create or replace function holdfast.run_marked(statement text, path text) returns xid
language plpgsql volatile set search_path = pg_catalog, pg_temp as $hf$
declare
  sub xid;
begin
  insert into holdfast.draft (part) values ('mark') returning xmin into sub;
  perform holdfast.execute_as_owner(statement, path);
  return sub;
end $hf$;
-- STABLE on purpose: it sees what the query saw that calls it, from before the statement.
create or replace function holdfast.stood_before(sub xid) returns table (cat text, key text, before jsonb)
language sql stable set search_path = pg_catalog, pg_temp as $hf$
  select cat, key, row from (
  ${catalogRows((alias) => `age(${alias}.xmax) <= age($1)`)}) found
$hf$;
create or replace function holdfast.stands_now(sub xid) returns table (cat text, key text, after jsonb, ours boolean)
language sql volatile set search_path = pg_catalog, pg_temp as $hf$
  select cat, key, row, holdfast.is_ours(since, $1) from (
  ${catalogRows((alias) => `(age(${alias}.xmin) <= age($1) or age(${alias}.xmax) <= age($1))`)}) found
$hf$;
create or replace function holdfast.settle_touched(sub xid) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp as $hf$
begin
  with now as materialized (select * from holdfast.stands_now(sub)),
  changed as (update holdfast.touched t set state = 'changed', after = n.after from now n
    where t.cat = n.cat and t.key = n.key and n.ours),
  others as (delete from holdfast.touched t using now n where t.cat = n.cat and t.key = n.key and not n.ours)
  insert into holdfast.touched (cat, key, state, after) select n.cat, n.key, 'made', n.after from now n
    where n.ours and not exists (select from holdfast.touched t where t.cat = n.cat and t.key = n.key);
  -- Ours (capture follows what is new), temporary, or no different.
  delete from holdfast.touched t
  where t.before = t.after
    or coalesce(t.after, t.before) ->> 'tgfoid' in (select oid::text from pg_proc where pronamespace = 'holdfast'::regnamespace)
    or exists (select from pg_namespace n where (n.nspname = 'holdfast' or n.nspname ~ '^pg_(toast_)?temp_') and n.oid::text in (
      coalesce(t.after, t.before) ->> 'relnamespace', coalesce(t.after, t.before) ->> 'typnamespace',
      coalesce(t.after, t.before) ->> 'pronamespace', coalesce(t.after, t.before) ->> 'connamespace'))
    or exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where (n.nspname in ('holdfast', 'pg_toast') or n.nspname ~ '^pg_(toast_)?temp_') and c.oid::text in (
        coalesce(t.after, t.before) ->> 'attrelid', coalesce(t.after, t.before) ->> 'adrelid',
        coalesce(t.after, t.before) ->> 'indexrelid', coalesce(t.after, t.before) ->> 'indrelid'));
end $hf$;
-- What of what stood there is another thing now, in words; null: the statement only added.
create or replace function holdfast.replaced() returns text
language sql volatile set search_path = pg_catalog, pg_temp as $hf$
  select format('%s %s (%s)', replace(t.cat, 'pg_', ''), case t.state when 'gone' then 'went' else 'changed' end,
    array_to_string(holdfast.differing(t.before, t.after), ', '))
  from holdfast.touched t
  where t.cat <> 'pg_description' and (t.state = 'gone' or t.state = 'changed' and not holdfast.differing(t.before, t.after) <@ case t.cat
    when 'pg_class' then '{relhasindex,relhasrules,relhastriggers,relhassubclass,relchecks,relpages,reltuples,relallvisible,relallfrozen,relfrozenxid,relminmxid,relnatts,reltoastrelid,relfilenode,relispartition,relpartbound}'::text[]
    when 'pg_attribute' then '{atthasdef,attinhcount,attislocal,attnotnull,atthasmissing,attmissingval}'
    when 'pg_constraint' then '{coninhcount,conislocal,convalidated,conparentid}'
    when 'pg_index' then '{indisvalid,indisready,indislive,indcheckxmin}'
    when 'pg_trigger' then '{tgparentid}'
    when 'pg_partitioned_table' then '{partdefid}'
    else '{}' end) limit 1
$hf$;
-- What holds data and would go, or be rewritten, in words; null: nothing.
create or replace function holdfast.takes_data() returns text
language sql volatile set search_path = pg_catalog, pg_temp as $hf$
  select format('%s %s', replace(t.cat, 'pg_', ''), coalesce(t.before ->> 'relname', t.before ->> 'attname', t.key)) from holdfast.touched t
  where t.state = 'gone' and (t.cat = 'pg_largeobject_metadata' or t.cat = 'pg_class' and t.before ->> 'relkind' in ('r', 'p', 'm', 'S', 'f'))
    or t.state = 'changed' and (
      t.cat = 'pg_attribute' and holdfast.differing(t.before, t.after) && '{attisdropped,atttypid,atttypmod}'
        and exists (select from pg_class c where c.oid = (t.before ->> 'attrelid')::oid and c.relkind in ('r', 'p', 'm', 'f'))
      or t.cat = 'pg_class' and t.before ->> 'relkind' in ('r', 'p', 'm', 'S') and holdfast.differing(t.before, t.after) && '{relpersistence,relowner}'
      or t.cat = 'pg_largeobject_metadata')
  limit 1
$hf$;
-- Columns that are new in a table that is not: their values are kept before they go.
create or replace function holdfast.plan_new_columns(number bigint) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $hf$
declare
  a record;
  subject text;
begin
  for a in select x.*, c.relkind from holdfast.touched t join pg_attribute x on t.key = x.attrelid || '.' || x.attnum
    join pg_class c on c.oid = x.attrelid and c.relkind in ('r', 'p', 'f')
    where t.cat = 'pg_attribute' and t.state = 'gone' and x.attnum > 0 and x.attinhcount = 0
      and x.attrelid not in (select holdfast.gone('pg_class')) order by x.attrelid, x.attnum desc
  loop
    subject := holdfast.rel(a.attrelid);
    perform holdfast.say('objects', jsonb_build_object('type', 'table column', 'name', format('%s.%I', subject, a.attname)));
    perform holdfast.step('identity', null, ltrim(holdfast.identity_sql(a.attrelid, a.attnum), '; ')) where a.attidentity <> '';
    if a.relkind = 'f' or a.relkind = 'r' and exists (select from pg_inherits where inhparent = a.attrelid) then
      perform holdfast.say('notRestored', to_jsonb(format('values of %s.%I go with the column', subject, a.attname)));
    else
      perform holdfast.plan_default(a.attrelid, a.attnum);
      perform holdfast.plan_column(a.attrelid, a.attnum, true, number);
      delete from holdfast.draft where part = 'notRestored';
    end if;
    perform holdfast.step(format('column %s.%I', subject, a.attname), format('alter table %s drop column %I', subject, a.attname), null);
  end loop;
end $hf$;
-- What hangs on what stays and is no definition of its own: partitions, NOT NULL, comments.
create or replace function holdfast.plan_new_ties(moved oid[]) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $hf$
declare
  t record;
  i record;
  bound text;
begin
  for t in select x.*, holdfast.rel((before ->> 'inhrelid')::oid) as child, holdfast.rel((before ->> 'inhparent')::oid) as parent
    from holdfast.touched x join pg_class c on c.oid = (x.before ->> 'inhrelid')::oid and c.relkind in ('r', 'p', 'f')
    where x.cat = 'pg_inherits' and x.state = 'gone' and c.oid <> all(moved)
  loop
    select pg_get_expr(relpartbound, oid) into bound from pg_class where oid = (t.before ->> 'inhrelid')::oid;
    perform holdfast.step('partition ' || t.child, format('alter table %s %s %s', case when bound is null then t.child else t.parent end,
        case when bound is null then 'no inherit' else 'detach partition' end, case when bound is null then t.parent else t.child end),
      case when bound is null then format('alter table %s inherit %s', t.child, t.parent)
        else format('alter table %s attach partition %s %s', t.parent, t.child, bound) end);
    perform holdfast.say('notRestored', to_jsonb(format('indexes and keys that %s got from %s stay', t.child, t.parent)));
  end loop;
  for t in select x.*, holdfast.rel((before ->> 'attrelid')::oid) as subject from holdfast.touched x
    where x.cat = 'pg_attribute' and x.state = 'changed' and 'attnotnull' = any(holdfast.differing(before, after))
      and not exists (select from holdfast.touched k where k.cat = 'pg_constraint' and k.before ->> 'contype' = 'n' and k.before ->> 'conrelid' = x.before ->> 'attrelid')
      and exists (select from pg_class c where c.oid = (x.before ->> 'attrelid')::oid and c.relkind in ('r', 'p'))
  loop
    perform holdfast.step('not null', format('alter table %s alter column %I drop not null', t.subject, t.before ->> 'attname'),
      format('alter table %s alter column %I set not null', t.subject, t.before ->> 'attname'));
  end loop;
  for t in select x.*, coalesce(x.after, x.before) as row from holdfast.touched x where x.cat = 'pg_description' loop
    select * into i from pg_identify_object((t.row ->> 'classoid')::oid, (t.row ->> 'objoid')::oid, (t.row ->> 'objsubid')::int);
    if exists (select from holdfast.touched k where k.state = 'gone' and k.cat <> 'pg_description' and k.key in (t.row ->> 'objoid', (t.row ->> 'objoid') || '.' || (t.row ->> 'objsubid'))) then continue; end if;
    perform holdfast.step('comment on ' || i.identity,
      format('comment on %s %s is %L', regexp_replace(i.type, '^(table|view|composite type|materialized view|foreign table) (column)$|^(table|domain) (constraint)$', '\\2\\4'), i.identity,
        case t.state when 'changed' then t.before ->> 'description' end),
      format('comment on %s %s is %L', regexp_replace(i.type, '^(table|view|composite type|materialized view|foreign table) (column)$|^(table|domain) (constraint)$', '\\2\\4'), i.identity, t.row ->> 'description'));
    perform holdfast.say('objects', jsonb_build_object('type', i.type, 'name', i.identity));
  end loop;
end $hf$;
-- The reverse of a drop: what the plan would do is the undo of what was made.
create or replace function holdfast.note_made(verb text, statement text, moved oid[], trouble text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $hf$
begin
  perform holdfast.note_act(jsonb_build_object(
    'verb', verb, 'statement', statement,
    'objects', coalesce((select jsonb_agg(item order by n) from holdfast.draft where part = 'objects'), '[]'),
    'undo', case when trouble is not null then '[]' else
      (case when cardinality(moved) = 0 then '[]' else jsonb_build_array(jsonb_build_object('about', 'nothing made later hangs on it',
        'sql', format('select holdfast.nothing_hangs_on(%L::oid[])', moved))) end)
      || coalesce((select jsonb_agg(jsonb_build_object('about', about, 'sql', forward) order by n)
        from holdfast.draft where part = 'step' and forward is not null), '[]') end,
    'redo', case when trouble is not null then '[]' else coalesce((select jsonb_agg(jsonb_build_object('about', about, 'sql', back) order by n desc)
      from holdfast.draft where part = 'step' and back is not null), '[]') end,
    'absent', '[]'::jsonb, 'trash', '[]'::jsonb,
    'trashOfUndo', case when trouble is not null then '[]' else coalesce((select jsonb_agg(item ->> 'name' order by n) from holdfast.draft where part = 'trash'), '[]') end,
    'notRestored', coalesce((select jsonb_agg(item order by n) from holdfast.draft where part = 'notRestored'), '[]')
      || case when trouble is null then '[]' else jsonb_build_array('what it made or changed stays: ' || trouble) end));
  delete from holdfast.draft;
  delete from holdfast.touched;
end $hf$;
-- Undoing a CREATE alone, when something that stays uses what it made, would leave that broken.
create or replace function holdfast.nothing_hangs_on(moved oid[]) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $hf$
declare
  user_of text;
begin
  select what into user_of from (
    select format('%s of %s', conname, conrelid::regclass) from pg_constraint where contype = 'f' and confrelid = any(moved) and conrelid <> all(moved)
      and conrelid::regclass::text not like 'holdfast%'
    union all
    select r.ev_class::regclass::text from pg_depend d join pg_rewrite r on d.classid = 'pg_rewrite'::regclass and r.oid = d.objid
    join pg_class c on c.oid = r.ev_class join pg_namespace n on n.oid = c.relnamespace
    where d.refclassid = 'pg_class'::regclass and d.refobjid = any(moved) and r.ev_class <> all(moved) and n.nspname not like 'holdfast%') u(what) limit 1;
  if user_of is not null then
    raise exception '% was made later and uses what this undo would take away', user_of using errcode = '2BP01',
      hint = 'Undo what was done later, too: give the undo a range of time, or take it back first.';
  end if;
end $hf$;
create or replace function holdfast.run_noted(statement text, path text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $hf$
declare
  tag text := holdfast.command_tag(statement, path);
  sub xid;
  moved oid[];
  number bigint;
  trouble text;
  taken text;
begin
  delete from holdfast.touched;
  delete from holdfast.draft;
  begin
    insert into holdfast.touched (cat, key, state, before)
      select b.cat, b.key, 'gone', b.before from holdfast.run_marked(statement, path) m(sub)
      cross join lateral holdfast.stood_before(m.sub) b;
    select xmin into sub from holdfast.draft where part = 'mark';
    perform holdfast.settle_touched(sub);
    taken := holdfast.takes_data();
    if taken is not null then
      raise exception 'holdfast: % would go by code that this statement sets off', taken using errcode = '42501',
        detail = 'The statement itself only adds.', hint = 'Look at the defaults, checks and operators it uses.';
    end if;
    trouble := holdfast.replaced();
    if trouble is not null then raise exception using errcode = 'HFTRY'; end if;
  exception when sqlstate 'HFTRY' then null;
  end;
  delete from holdfast.draft;
  if trouble is not null then
    -- It replaces what stood: taken back as a change, where that can be.
    begin
      perform holdfast.alter_reversibly(tag, statement, path);
      return;
    exception when feature_not_supported then
      delete from holdfast.draft;
      delete from holdfast.touched;
      perform holdfast.execute_as_owner(statement, path);
      perform holdfast.note_made(tag, statement, '{}', trouble);
      return;
    end;
  end if;
  if not exists (select from holdfast.touched t where t.state = 'made' or t.cat = 'pg_description') then
    delete from holdfast.touched;
    return;
  end if;
  if holdfast.only_creates(tag, statement) and holdfast.is_behind() then
    perform holdfast.note_made(tag, statement, '{}', 'its transaction could not see what was committed since it began');
    return;
  end if;
  number := nextval('holdfast.seq');
  update holdfast.touched set state = 'gone', before = after where state = 'made';
  -- A sequence of a new column of a table that stays comes and goes with the column.
  select coalesce(array_agg(g), '{}') into moved from unnest(holdfast.moved_relations()) g
    where not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = g and d.refclassid = 'pg_class'::regclass
      and d.deptype in ('a', 'i') and d.refobjsubid > 0 and d.refobjid not in (select holdfast.gone('pg_class')));
  begin
    perform holdfast.plan_parts(moved);
    perform holdfast.plan_new_ties(moved);
    perform holdfast.plan_new_columns(number);
    perform holdfast.plan_homes(moved, number);
    trouble := holdfast.unclaimed_but_columns(moved);
  exception when feature_not_supported then
    trouble := sqlerrm;
  end;
  perform holdfast.note_made(tag, statement, moved, trouble);
end $hf$;
create or replace function holdfast.unclaimed_but_columns(moved oid[]) returns text
language plpgsql volatile set search_path = pg_catalog, pg_temp as $hf$
begin
  delete from holdfast.touched t where t.cat in ('pg_attribute', 'pg_description', 'pg_inherits', 'pg_sequence');
  return holdfast.unclaimed(moved);
end $hf$;`;
