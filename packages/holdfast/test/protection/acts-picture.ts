/** Every definition of a database as rows of text, written apart from what the acts read. */

const THEIRS = `n.nspname not like 'pg\\_%' and n.nspname <> 'information_schema' and n.nspname not like 'holdfast%'`;

export const PICTURE_SQL = `
select * from (
select 'schema ' || nspname as what, concat_ws(' ', pg_get_userbyid(nspowner), (select array_agg(a::text order by a::text) from unnest(coalesce(nspacl, acldefault('n', nspowner))) a), obj_description(n.oid, 'pg_namespace')) as said
from pg_namespace n where ${THEIRS}
union all
select 'relation ' || n.nspname || '.' || relname, concat_ws(' ', relkind, pg_get_userbyid(relowner), (select array_agg(a::text order by a::text) from unnest(coalesce(relacl, acldefault(case relkind when 'S' then 's' else 'r' end::"char", relowner))) a), relpersistence, relrowsecurity, relforcerowsecurity, relreplident, reloptions, relispartition, pg_get_expr(relpartbound, c.oid), obj_description(c.oid, 'pg_class'),
  (select string_agg(inhparent::regclass::text, ',') from pg_inherits where inhrelid = c.oid))
from pg_class c join pg_namespace n on n.oid = relnamespace where ${THEIRS} and relkind <> 'c'
union all
select 'column ' || n.nspname || '.' || relname || '.' || attname, concat_ws(' ', format_type(atttypid, atttypmod), attnotnull, attidentity, attgenerated, attcollation::regcollation, attstorage, attcompression, (select array_agg(o) from unnest(a.attoptions) o where o !~ '^pg_attver='), nullif(attstattarget, -1),
  (select array_agg(x::text order by x::text) from unnest(attacl) x), pg_get_expr(adbin, adrelid), col_description(c.oid, attnum))
from pg_attribute a join pg_class c on c.oid = attrelid join pg_namespace n on n.oid = relnamespace
left join pg_attrdef d on adrelid = attrelid and adnum = attnum where attnum > 0 and not attisdropped and ${THEIRS}
union all
select 'constraint ' || coalesce(conrelid::regclass::text, contypid::regtype::text) || '.' || conname, concat_ws(' ', pg_get_constraintdef(k.oid), convalidated, condeferrable, condeferred, conislocal, coninhcount, obj_description(k.oid, 'pg_constraint'))
from pg_constraint k join pg_namespace n on n.oid = connamespace where ${THEIRS}
union all
select 'index ' || indexrelid::regclass, concat_ws(' ', pg_get_indexdef(indexrelid), indisclustered, indisreplident, indisvalid, obj_description(indexrelid, 'pg_class'))
from pg_index join pg_class c on c.oid = indexrelid join pg_namespace n on n.oid = relnamespace where ${THEIRS}
union all
select 'trigger ' || tgrelid::regclass || '.' || tgname, concat_ws(' ', pg_get_triggerdef(t.oid), tgenabled, obj_description(t.oid, 'pg_trigger'))
from pg_trigger t join pg_class c on c.oid = tgrelid join pg_namespace n on n.oid = relnamespace where not tgisinternal and ${THEIRS}
union all
select 'policy ' || polrelid::regclass || '.' || polname, concat_ws(' ', polcmd, polpermissive, polroles::regrole[], pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid), obj_description(p.oid, 'pg_policy'))
from pg_policy p join pg_class c on c.oid = polrelid join pg_namespace n on n.oid = relnamespace where ${THEIRS}
union all
select 'rule ' || ev_class::regclass || '.' || rulename, concat_ws(' ', pg_get_ruledef(r.oid), ev_enabled, obj_description(r.oid, 'pg_rewrite'))
from pg_rewrite r join pg_class c on c.oid = ev_class join pg_namespace n on n.oid = relnamespace where ${THEIRS}
union all
select 'statistics ' || n.nspname || '.' || stxname, concat_ws(' ', pg_get_statisticsobjdef(s.oid), pg_get_userbyid(stxowner), obj_description(s.oid, 'pg_statistic_ext'))
from pg_statistic_ext s join pg_namespace n on n.oid = stxnamespace where ${THEIRS}
union all
select 'routine ' || p.oid::regprocedure, concat_ws(' ', case when prokind = 'a' then (select aggtransfn::text from pg_aggregate where aggfnoid = p.oid) else pg_get_functiondef(p.oid) end, pg_get_userbyid(proowner), (select array_agg(a::text order by a::text) from unnest(coalesce(proacl, acldefault('f', proowner))) a), obj_description(p.oid, 'pg_proc'))
from pg_proc p join pg_namespace n on n.oid = pronamespace where ${THEIRS}
union all
select 'type ' || t.oid::regtype, concat_ws(' ', typtype, pg_get_userbyid(typowner), (select array_agg(a::text order by a::text) from unnest(coalesce(typacl, acldefault('T', typowner))) a), typdefault, typnotnull, format_type(typbasetype, typtypmod), obj_description(t.oid, 'pg_type'), (select string_agg(enumlabel, ',' order by enumsortorder) from pg_enum where enumtypid = t.oid))
from pg_type t join pg_namespace n on n.oid = typnamespace where ${THEIRS}
union all
select 'sequence ' || seqrelid::regclass, concat_ws(' ', seqtypid::regtype, seqstart, seqincrement, seqmax, seqmin, seqcache, seqcycle, (select string_agg(refobjid::regclass || '.' || (select attname from pg_attribute where attrelid = refobjid and attnum = refobjsubid) || deptype::text, ',') from pg_depend where objid = seqrelid and deptype in ('a', 'i') and refclassid = 'pg_class'::regclass))
from pg_sequence join pg_class c on c.oid = seqrelid join pg_namespace n on n.oid = relnamespace where ${THEIRS}
union all
select 'published ' || p.pubname || ' ' || prrelid::regclass, concat_ws(' ', pg_get_expr(prqual, prrelid), prattrs) from pg_publication_rel r join pg_publication p on p.oid = prpubid
union all
select 'default grants ' || coalesce(defaclnamespace::text, '') || defaclobjtype::text, concat_ws(' ', pg_get_userbyid(defaclrole), (select array_agg(a::text order by a::text) from unnest(defaclacl) a)) from pg_default_acl
union all
select 'large object ' || m.oid, concat_ws(' ', pg_get_userbyid(lomowner), lomacl, md5(lo_get(m.oid))) from pg_largeobject_metadata m
) picture order by what, said`;

export const ROWS_SQL = `
select 'rows of ' || c.oid::regclass as about,
  format('select count(*), md5(coalesce(string_agg(row(%s)::text, chr(10) order by row(%1$s)::text), %2$L)) from only %3$s t',
    (select string_agg(quote_ident(attname), ', ' order by attname) from pg_attribute where attrelid = c.oid and attnum > 0 and not attisdropped), '', c.oid::regclass) as sql
from pg_class c join pg_namespace n on n.oid = relnamespace where relkind in ('r', 'm') and ${THEIRS} order by 1`;

export const SEQUENCES_SQL = `
select 'state of ' || c.oid::regclass as about, format('select last_value, is_called from %s', c.oid::regclass) as sql
from pg_class c join pg_namespace n on n.oid = relnamespace where relkind = 'S' and ${THEIRS} order by 1`;
