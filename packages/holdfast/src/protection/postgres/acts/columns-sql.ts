/**
 * Columns that would go or be rewritten: their values are kept in the trash beside the key of each row,
 * before the statement runs. The undo puts them back by rewriting the table through a look-up, so that no
 * trigger of the table sees it; a table without a key is matched by its whole row, and updated.
 *
 * What it will not restore, and says: the place of a column among the others.
 */

import { columnOptions } from './difference-sql.ts';

export const COLUMNS_SQL = `
-- Forced row security would hide rows from who keeps them; the setting row_security = off makes any other hiding fail.
create or replace function holdfast.unforced(relation oid, sql text) returns text
language sql stable set search_path = pg_catalog, pg_temp as $hf$
  select case when relforcerowsecurity then format('alter table %s no force row level security; %2$s; alter table %1$s force row level security', holdfast.rel(oid), $2)
    else $2 end from pg_class where oid = $1
$hf$;
-- attnums of the primary key, or of a unique index over NOT NULL columns; without the column itself.
create or replace function holdfast.row_key(relation oid, but int) returns int[]
language sql stable set search_path = pg_catalog, pg_temp as $hf$
  select array(select unnest(i.indkey::int2[])::int) from pg_index i
  where i.indrelid = $1 and i.indisunique and i.indisvalid and i.indpred is null and i.indexprs is null and i.indimmediate
    and i.indnkeyatts = i.indnatts and not ($2 = any(i.indkey::int2[]))
    and not exists (select from pg_attribute a where a.attrelid = $1 and a.attnum = any(i.indkey::int2[]) and not a.attnotnull)
    and not exists (select from holdfast.touched t where t.cat = 'pg_attribute' and t.key in (select $1 || '.' || k from unnest(i.indkey::int2[]) k))
  order by not i.indisprimary, i.indexrelid limit 1
$hf$;
create or replace function holdfast.sequence_sql(relation oid, num int) returns text
language sql stable set search_path = pg_catalog, pg_temp as $hf$
  select format('start with %s increment by %s minvalue %s maxvalue %s cache %s %s', s.seqstart, s.seqincrement, s.seqmin, s.seqmax,
    s.seqcache, case when s.seqcycle then 'cycle' else 'no cycle' end)
  from pg_sequence s join pg_depend d on d.objid = s.seqrelid and d.classid = 'pg_class'::regclass
    and d.refclassid = 'pg_class'::regclass and d.deptype in ('a', 'i')
  where d.refobjid = $1 and d.refobjsubid = $2
$hf$;
create or replace function holdfast.identity_sql(relation oid, num int) returns text
language plpgsql volatile set search_path = pg_catalog, pg_temp as $hf$
declare
  a record;
  sequence regclass;
  state record;
begin
  select * into a from pg_attribute where attrelid = relation and attnum = num;
  if a.attidentity = '' then return ''; end if;
  select d.objid into sequence from pg_depend d where d.refobjid = relation and d.refobjsubid = num and d.deptype = 'i'
    and d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass;
  execute format('select last_value, is_called from %s', holdfast.rel(sequence)) into state;
  return format('; alter table %s alter column %I add generated %s as identity (sequence name %s %s); select pg_catalog.setval(%L, %s, %L)',
    holdfast.rel(relation), a.attname, case a.attidentity when 'a' then 'always' else 'by default' end,
    holdfast.rel(sequence), holdfast.sequence_sql(relation, num), holdfast.rel(sequence), state.last_value, state.is_called);
end $hf$;
-- The look-up that fills the column again, from the rows kept in trash: what to say before, and instead.
create or replace function holdfast.plan_column(relation oid, num int, goes boolean, number bigint) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $hf$
declare
  a record;
  subject text := holdfast.rel(relation);
  type text;
  trash text;
  kept text;
  keys int[] := holdfast.row_key(relation, num);
  key_list text;
  key_types text;
  whole text;
  found text;
  fill text;
  again text;
begin
  select t.*, c.relkind, c.relowner into a from pg_attribute t join pg_class c on c.oid = t.attrelid where t.attrelid = relation and t.attnum = num;
  type := format_type(a.atttypid, a.atttypmod);
  if a.attgenerated <> '' then
    again := format('alter table %s add column %I %s generated always as (%s) %s', subject, a.attname, type,
      (select pg_get_expr(adbin, adrelid) from pg_attrdef where adrelid = relation and adnum = num), case a.attgenerated when 's' then 'stored' else 'virtual' end)
      || case when a.attnotnull and not exists (select from pg_constraint where conrelid = relation and contype = 'n' and conkey = array[num::int2])
        then format('; alter table %s alter column %I set not null', subject, a.attname) else '' end;
    if not goes then perform holdfast.cannot(format('%s.%I is generated', subject, a.attname)); end if;
  else
    if a.relkind = 'f' then perform holdfast.cannot(subject || ' is a foreign table'); end if;
    trash := holdfast.trash_for(0, number);
    kept := format('%I.%I', trash, 'kept_' || relation || '_' || num);
    if keys is null then
      -- A row is told by all its other columns; equal ones are taken in their order.
      select string_agg(quote_ident(attname), ', ' order by attnum) into whole from pg_attribute
        where attrelid = relation and attnum > 0 and not attisdropped and attnum <> num and attgenerated = ''
          and not exists (select from holdfast.touched t where t.cat = 'pg_attribute' and t.key = relation || '.' || attnum);
      whole := format('row(%s)::text', coalesce(whole, ''));
      perform holdfast.step('values of ' || subject || '.' || quote_ident(a.attname),
        holdfast.unforced(relation, format('create table %s as select %s as whole, row_number() over (partition by %2$s order by tableoid, ctid) as place, %I as value from %s',
          kept, whole, a.attname, subject) || format('; alter table %s owner to holdfast_owner', kept)), 'drop table ' || kept);
      fill := format('update %s t set %I = k.value from %s k, (select tableoid as source, ctid as at, %s as whole, row_number() over (partition by %4$s order by tableoid, ctid) as place from %1$s) r where t.tableoid = r.source and t.ctid = r.at and k.whole = r.whole and k.place = r.place',
        subject, a.attname, kept, whole);
      perform holdfast.say('notRestored', to_jsonb(format('%s has no key: triggers of it see its rows updated by the undo', subject)));
      if not goes then
        fill := format('alter table %s alter column %I drop not null; alter table %1$s alter column %2$I type %s using null; ', subject, a.attname, type
          || case when a.attcollation <> 0 then ' collate ' || a.attcollation::regcollation::text else '' end) || fill
          || case when a.attnotnull then format('; alter table %s alter column %I set not null', subject, a.attname) else '' end;
      end if;
    else
      select string_agg(quote_ident(attname), ', ' order by array_position(keys, attnum::int)),
          string_agg(format_type(atttypid, null), ', ' order by array_position(keys, attnum::int))
        into key_list, key_types from pg_attribute where attrelid = relation and attnum = any(keys);
      perform holdfast.step('values of ' || subject || '.' || quote_ident(a.attname),
        holdfast.unforced(relation, format('create table %s as select %s, %I as "holdfast value" from %s; alter table %1$s add primary key (%2$s); alter table %1$s owner to holdfast_owner',
          kept, key_list, a.attname, subject)), 'drop table ' || kept);
      found := format('from %s where (%s) = (%s)', kept, key_list, (select string_agg('$' || n, ', ') from generate_series(1, cardinality(keys)) n));
      -- A row that is newer than the act keeps its value, read as what it was before.
      fill := format('create function %s_value(%s) returns %s language sql stable as %L; ', kept, key_types, type, 'select "holdfast value" ' || found)
        || case when goes then '' else format('create function %s_had(%s) returns boolean language sql stable as %L; ', kept, key_types, format('select exists (select %s)', found)) end
        || format('alter table %s alter column %I type %s using %s', subject, a.attname,
          type || case when a.attcollation <> 0 then ' collate ' || a.attcollation::regcollation::text else '' end,
          case when goes then format('%s_value(%s)', kept, key_list)
            else format('case when %1$s_had(%2$s) then %1$s_value(%2$s) else %3$I::text::%4$s end', kept, key_list, a.attname, type) end);
      fill := fill || format('; drop function %s_value(%s)', kept, key_types)
        || case when goes then '' else format('; drop function %s_had(%s)', kept, key_types) end;
      if not goes then
        perform holdfast.say('notRestored', to_jsonb(format('what was written into %I of %s since, in rows that were there: they get their values of before', a.attname, subject)));
      end if;
    end if;
    if goes then
      perform holdfast.say('notRestored', to_jsonb(format('the place of column %I in %s: it comes last', a.attname, subject)));
      again := format('alter table %s add column %I %s', subject, a.attname, type)
        || case when a.attcollation <> 0 then ' collate ' || a.attcollation::regcollation::text else '' end || '; ' || fill
        || case when a.attnotnull and not exists (select from pg_constraint where conrelid = relation and contype = 'n' and conkey = array[num::int2])
          then format('; alter table %s alter column %I set not null', subject, a.attname) else '' end;
    else
      again := fill;
    end if;
  end if;
  if goes then
    again := again
      || case when a.attstorage <> (select typstorage from pg_type where oid = a.atttypid) then format('; alter table %s alter column %I set storage %s', subject, a.attname,
        case a.attstorage when 'p' then 'plain' when 'e' then 'external' when 'x' then 'extended' else 'main' end) else '' end
      || case a.attcompression when 'p' then format('; alter table %s alter column %I set compression pglz', subject, a.attname)
        when 'l' then format('; alter table %s alter column %I set compression lz4', subject, a.attname) else '' end
      || case when coalesce(a.attstattarget, -1) >= 0 then format('; alter table %s alter column %I set statistics %s', subject, a.attname, a.attstattarget) else '' end
      || case when ${columnOptions('a')} is null then '' else format('; alter table %s alter column %I set (%s)', subject, a.attname, array_to_string(${columnOptions('a')}, ', ')) end
      || case when a.attacl is null then '' else '; ' || rtrim(holdfast.acl_sql('table', subject, 'c', a.attacl, a.relowner, null, format('(%I)', a.attname)), '; ') end
      || holdfast.comment_sql('column', format('%s.%I', subject, a.attname), col_description(relation, num));
  end if;
  perform holdfast.step('column ' || subject || '.' || quote_ident(a.attname), null, again);
end $hf$;
-- After the constraints: an identity wants NOT NULL.
create or replace function holdfast.plan_identities() returns void
language sql volatile set search_path = pg_catalog, pg_temp as $hf$
  select holdfast.step('identity of ' || holdfast.rel(a.attrelid) || '.' || quote_ident(a.attname), null, ltrim(holdfast.identity_sql(a.attrelid, a.attnum), '; '))
  from pg_attribute a join holdfast.touched t on t.cat = 'pg_attribute' and t.key = a.attrelid || '.' || a.attnum
  where a.attidentity <> '' and t.state = 'changed' and (t.after ->> 'attisdropped')::boolean
$hf$;
-- The default of a column that goes or is rewritten, after its values; with the sequence it draws from.
create or replace function holdfast.plan_default(relation oid, num int) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $hf$
declare
  d record;
  q record;
  state record;
  subject text := holdfast.rel(relation);
  called text := holdfast.column_of(relation, num);
begin
  for q in select c.oid, holdfast.rel(c.oid) as called, c.relowner, c.relacl, format_type(s.seqtypid, null) as type
    from pg_depend p join pg_class c on c.oid = p.objid and c.relkind = 'S' join pg_sequence s on s.seqrelid = c.oid
    join holdfast.gone('pg_class') g on g = c.oid
    where p.refobjid = relation and p.refobjsubid = num and p.deptype = 'a' and p.classid = 'pg_class'::regclass and p.refclassid = 'pg_class'::regclass
  loop
    perform holdfast.step('owner column of ' || q.called, null, format('alter sequence %s owned by %s.%s', q.called, subject, called));
  end loop;
  for d in select pg_get_expr(adbin, adrelid) as said from pg_attrdef where adrelid = relation and adnum = num
    and exists (select from pg_attribute where attrelid = relation and attnum = num and attgenerated = '')
  loop
    perform holdfast.step(format('default of %s.%s', subject, called), null, format('alter table %s alter column %s set default %s', subject, called, d.said));
  end loop;
  for q in select c.oid, holdfast.rel(c.oid) as called, c.relowner, c.relacl, format_type(s.seqtypid, null) as type
    from pg_depend p join pg_class c on c.oid = p.objid and c.relkind = 'S' join pg_sequence s on s.seqrelid = c.oid
    join holdfast.gone('pg_class') g on g = c.oid
    where p.refobjid = relation and p.refobjsubid = num and p.deptype = 'a' and p.classid = 'pg_class'::regclass and p.refclassid = 'pg_class'::regclass
  loop
    execute format('select last_value, is_called from %s', q.called) into state;
    perform holdfast.step('sequence ' || q.called, null,
      format('create sequence %1$s as %2$s %3$s; alter sequence %1$s owner to %4$s; select pg_catalog.setval(%5$L, %6$s, %7$L)', q.called, q.type, holdfast.sequence_sql(relation, num),
        holdfast.role_of(q.relowner), q.called, state.last_value, state.is_called)
      || case when q.relacl is null then '' else '; ' || rtrim(holdfast.acl_sql('sequence', q.called, 's', q.relacl, q.relowner, null), '; ') end);
  end loop;
end $hf$;`;
