/** The queries of an inspection. Each gives rows as `inspection.ts` names them. */
import { literal, SCHEMA, SHARED_ROLES, TRASH_PREFIX } from '../layout.ts';

const OURS = SHARED_ROLES.map(literal).join(', ');

/** What PUBLIC and our groups hold, by grantee; an ACL that was never touched counts as its default. */
function aclSql(column: string, kind: string, owner: string): string {
  return `(select coalesce(jsonb_object_agg(held.who, held.what), '{}') from (
      select case when a.grantee = 0 then 'public' else g.rolname end as who,
             jsonb_agg(distinct a.privilege_type) as what
        from aclexplode(coalesce(${column}, acldefault(${literal(kind)}, ${owner}))) a
        left join pg_roles g on g.oid = a.grantee
       where a.grantee = 0 or g.rolname in (${OURS})
       group by 1) held)`;
}

/** `n` is a schema of a user: neither the system's nor ours. */
export const USER_SCHEMA = `n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  and n.nspname <> ${literal(SCHEMA)} and not starts_with(n.nspname, ${literal(TRASH_PREFIX)})`;

/** Since PostgreSQL 16 who makes a role may administer it without being it. */
export const REAL_MEMBER = `(coalesce((to_jsonb(m) ->> 'inherit_option')::boolean, true)
  or coalesce((to_jsonb(m) ->> 'set_option')::boolean, true))`;

function extensionSql(catalog: string, oid: string): string {
  return `(select e.extname from pg_depend d join pg_extension e on e.oid = d.refobjid
    where d.classid = '${catalog}'::regclass and d.objid = ${oid} and d.deptype = 'e'
      and d.refclassid = 'pg_extension'::regclass limit 1)`;
}

const ROUTINE = `
  select p.oid::int8::float8 as oid, n.nspname as schema, p.oid::regprocedure::text as identity,
         p.proname as name, pg_get_userbyid(p.proowner) as owner, p.prosecdef as definer,
         l.lanpltrusted or l.lanname = 'internal' as trusted,
         ${extensionSql('pg_proc', 'p.oid')} as extension,
         ${aclSql('p.proacl', 'f', 'p.proowner')} as acl,
         coalesce((select jsonb_agg(distinct pg_describe_object(d.classid, d.objid, d.objsubid))
            from pg_depend d
           where d.refclassid = 'pg_proc'::regclass and d.refobjid = p.oid
             and d.classid in ('pg_attrdef'::regclass, 'pg_constraint'::regclass,
               'pg_rewrite'::regclass, 'pg_policy'::regclass, 'pg_class'::regclass)), '[]') as used_by
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    join pg_language l on l.oid = p.prolang`;

export const QUERIES = {
  layout: `select to_regnamespace('holdfast') is not null as schema,
    to_regclass('holdfast.meta') is not null as meta`,

  capture: `select to_regprocedure('holdfast.uncaptured()') is not null
    and to_regprocedure('holdfast.attach_missing()') is not null as there`,

  server: `
    select current_setting('server_version_num')::int as version_num,
           current_setting('server_version') as version, current_database() as database,
           d.oid::text as database_oid,
           session_user::text as admin, r.rolsuper as superuser, r.rolcreaterole as createrole,
           pg_get_userbyid(d.datdba) as database_owner,
           pg_has_role(d.datdba, 'USAGE') as owns_database, pg_is_in_recovery() as in_recovery,
           r.rolsuper or (r.rolcreaterole and current_setting('server_version_num')::int < 160000)
             or pg_has_role(session_user, 'pg_read_all_stats', 'USAGE WITH ADMIN OPTION') as lends_stats,
           r.rolsuper or (r.rolcreaterole and r.rolbypassrls
             and current_setting('server_version_num')::int >= 160000) as lends_bypassrls,
           case when exists (select from pg_roles where rolname = 'rds_superuser') then 'Amazon RDS'
                when exists (select from pg_roles where rolname = 'supabase_admin') then 'Supabase'
                when exists (select from pg_roles where rolname = 'neon_superuser') then 'Neon'
                when exists (select from pg_roles where rolname = 'cloudsqlsuperuser')
                  then 'Cloud SQL'
                when exists (select from pg_roles where rolname = 'azure_pg_admin') then 'Azure'
           end as hosted,
           ${aclSql('d.datacl', 'd', 'd.datdba')} as database_acl
      from pg_database d, pg_roles r
     where d.datname = current_database() and r.rolname = session_user`,

  roles: `
    select r.rolname as name, r.rolcanlogin as login, r.rolsuper as superuser,
           r.rolinherit as inherit, r.rolbypassrls as bypassrls, pg_has_role(r.oid, 'USAGE') as ours,
           (select rolsuper or (rolcreaterole and current_setting('server_version_num')::int < 160000)
              from pg_roles where rolname = session_user)
             or pg_has_role(r.oid, 'USAGE WITH ADMIN OPTION') as grantable,
           has_database_privilege(r.oid, current_database(), 'CREATE') or exists (
             select from pg_namespace n where ${USER_SCHEMA}
                and has_schema_privilege(r.oid, n.oid, 'CREATE')) as creates,
           coalesce((select jsonb_agg(distinct pg_get_userbyid(m.roleid)) from pg_auth_members m
              where m.member = r.oid and ${REAL_MEMBER}), '[]') as member_of,
           shobj_description(r.oid, 'pg_authid') as comment
      from pg_roles r where r.rolname !~ '^pg_' order by 1`,

  schemas: `
    select n.oid::int8::float8 as oid, n.nspname as name, pg_get_userbyid(n.nspowner) as owner,
           ${extensionSql('pg_namespace', 'n.oid')} as extension,
           ${aclSql('n.nspacl', 'n', 'n.nspowner')} as acl
      from pg_namespace n where ${USER_SCHEMA} order by 2`,

  relations: `
    select c.oid::int8::float8 as oid, n.nspname as schema, c.relname as name, c.relkind as kind,
           pg_get_userbyid(c.relowner) as owner, ${extensionSql('pg_class', 'c.oid')} as extension,
           c.relkind = 'S' and exists (select from pg_depend d where d.classid = 'pg_class'::regclass
             and d.objid = c.oid and d.deptype in ('a', 'i')
             and d.refclassid = 'pg_class'::regclass) as follows,
           case when c.relkind = 'S' then ${aclSql('c.relacl', 's', 'c.relowner')}
                else ${aclSql('c.relacl', 'r', 'c.relowner')} end as acl
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where ${USER_SCHEMA} and c.relkind in ('r', 'p', 'v', 'm', 'S', 'f') order by 2, 3`,

  routines: `${ROUTINE} where ${USER_SCHEMA} order by 2, 3`,

  largeObjectRoutines: `${ROUTINE} where n.nspname = 'pg_catalog'
    and (starts_with(p.proname, 'lo_') or p.proname in ('loread', 'lowrite')) order by 3`,

  others: `
    select 'language' as kind, l.lanname as name, ${aclSql('l.lanacl', 'l', 'l.lanowner')} as acl
      from pg_language l where l.lanpltrusted
    union all
    select 'foreign data wrapper', f.fdwname, ${aclSql('f.fdwacl', 'F', 'f.fdwowner')}
      from pg_foreign_data_wrapper f
    union all
    select 'foreign server', s.srvname, ${aclSql('s.srvacl', 'S', 's.srvowner')}
      from pg_foreign_server s order by 1, 2`,

  types: `
    select t.oid::int8::float8 as oid, format('%I.%I', n.nspname, t.typname) as identity,
           pg_get_userbyid(t.typowner) as owner, t.typtype = 'd' as domain
      from pg_type t join pg_namespace n on n.oid = t.typnamespace
      left join pg_class c on c.oid = t.typrelid
     where ${USER_SCHEMA} and ${extensionSql('pg_type', 't.oid')} is null
       and (t.typtype in ('e', 'd', 'r') or (t.typtype = 'c' and c.relkind = 'c')) order by 2`,

  defaults: `
    select pg_get_userbyid(a.defaclrole) as role, n.nspname as schema, a.defaclobjtype as kind,
           ${aclSql('a.defaclacl', 'r', 'a.defaclrole')} as acl
      from pg_default_acl a left join pg_namespace n on n.oid = a.defaclnamespace order by 1, 2, 3`,

  eventTriggers: `
    select evtname as name, evtenabled as enabled from pg_event_trigger
     where starts_with(evtname, 'holdfast_') order by 1`,

  otherDatabases: `
    select datname as name from pg_database
     where datname <> current_database() and datallowconn
       and has_database_privilege('public', oid, 'CONNECT') order by 1`,
} as const;
