/**
 * One query a kind of definition, each row one `line`: what pg_dump 15 would say, for servers that it
 * refuses, and for what it does not say (invalid indexes, replica identity of partitions, owners of
 * partitions). No OIDs in a line: a thing made anew has another and is the same thing.
 */

const OURS = `n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
  and n.nspname not like 'pg\\_temp%' and n.nspname not like 'pg\\_toast\\_temp%'
  and n.nspname not like 'holdfast%'`;

/** Grants without the order in which they were given. */
const acl = (column: string): string =>
  `coalesce((select string_agg(a::text, ',' order by a::text collate "C")
     from unnest(${column}) a), 'default')`;
const comment = (oid: string, catalog: string): string =>
  `coalesce(quote_literal(obj_description(${oid}, '${catalog}')), '')`;
const rel = `format('%I.%I', n.nspname, c.relname)`;
const FROM_REL = 'pg_class c join pg_namespace n on n.oid = c.relnamespace';
const role = (oid: string): string => `pg_get_userbyid(${oid})`;

export const CATALOG: Readonly<Record<string, string>> = {
  schemas: `select concat_ws(' ', quote_ident(n.nspname), ${role('n.nspowner')}, ${acl('n.nspacl')},
      ${comment('n.oid', 'pg_namespace')}) as line from pg_namespace n where ${OURS}`,
  relations: `select concat_ws(' ', ${rel}, c.relkind, ${role('c.relowner')}, ${acl('c.relacl')},
      c.relpersistence, c.relreplident, 'rls=' || c.relrowsecurity || c.relforcerowsecurity,
      array_to_string(c.reloptions, ','), am.amname, ts.spcname,
      pg_get_partkeydef(c.oid), pg_get_expr(c.relpartbound, c.oid),
      (select string_agg(inhparent::regclass::text, ',' order by inhseqno) from pg_inherits
        where inhrelid = c.oid), nullif(c.reloftype, 0)::regtype,
      ${comment('c.oid', 'pg_class')}) as line
    from ${FROM_REL} left join pg_am am on am.oid = c.relam
      left join pg_tablespace ts on ts.oid = c.reltablespace
    where ${OURS} and c.relkind <> 't'`,
  columns: `select concat_ws(' ', ${rel}, row_number() over (partition by c.oid order by a.attnum),
      quote_ident(a.attname), format_type(a.atttypid, a.atttypmod),
      'null=' || not a.attnotnull, 'default=' || pg_get_expr(d.adbin, d.adrelid),
      'identity=' || a.attidentity::text, 'generated=' || a.attgenerated::text, 'storage=' || a.attstorage::text,
      'compression=' || a.attcompression::text, 'statistics=' || a.attstattarget,
      'collation=' || nullif(a.attcollation, 0)::regcollation::text, 'local=' || a.attislocal,
      'inherited=' || a.attinhcount, ${acl('a.attacl')}, array_to_string((select array_agg(o) from unnest(a.attoptions) o where o !~ '^pg_attver='), ','),
      quote_literal(col_description(c.oid, a.attnum))) as line
    from ${FROM_REL} join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
    where ${OURS} and c.relkind in ('r', 'p', 'v', 'm', 'f', 'c')`,
  constraints: `select concat_ws(' ', format('%I.%I', n.nspname, coalesce(c.relname, t.typname)), quote_ident(k.conname), k.contype,
      pg_get_constraintdef(k.oid), 'valid=' || k.convalidated, 'local=' || k.conislocal,
      'inherited=' || k.coninhcount, ${comment('k.oid', 'pg_constraint')}) as line
    from pg_constraint k join pg_namespace n on n.oid = k.connamespace
      left join pg_class c on c.oid = k.conrelid left join pg_type t on t.oid = k.contypid
    where ${OURS}`,
  indexes: `select concat_ws(' ', pg_get_indexdef(i.indexrelid), 'valid=' || i.indisvalid,
      'clustered=' || i.indisclustered, 'identity=' || i.indisreplident,
      ${comment('i.indexrelid', 'pg_class')}) as line
    from pg_index i join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
    where ${OURS}`,
  triggers: `select concat_ws(' ', pg_get_triggerdef(t.oid), 'enabled=' || t.tgenabled::text,
      ${comment('t.oid', 'pg_trigger')}) as line
    from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
    where not t.tgisinternal and ${OURS}`,
  'foreign key triggers': `select concat_ws(' ', ${rel}, t.tgfoid::regproc, k.conname,
      'enabled=' || t.tgenabled::text) as line
    from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
      join pg_constraint k on k.oid = t.tgconstraint
    where t.tgisinternal and ${OURS}`,
  rules: `select concat_ws(' ', pg_get_ruledef(r.oid), 'enabled=' || r.ev_enabled::text) as line
    from pg_rewrite r join pg_class c on c.oid = r.ev_class join pg_namespace n on n.oid = c.relnamespace
    where ${OURS}`,
  policies: `select concat_ws(' ', schemaname, tablename, policyname, permissive, roles::text, cmd, qual,
      with_check) as line from pg_policies p where p.schemaname not like 'holdfast%'`,
  functions: `select concat_ws(' ', p.oid::regprocedure, p.prokind,
      case when p.prokind <> 'a' then pg_get_functiondef(p.oid) end, ${role('p.proowner')},
      ${acl('p.proacl')}, ${comment('p.oid', 'pg_proc')}) as line
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace where ${OURS}`,
  types: `select concat_ws(' ', format('%I.%I', n.nspname, t.typname), t.typtype, t.typcategory,
      ${role('t.typowner')}, ${acl('t.typacl')},
      case when t.typtype = 'd' then format_type(t.typbasetype, t.typtypmod) || t.typnotnull end,
      t.typdefault, (select string_agg(quote_literal(e.enumlabel), ',' order by e.enumsortorder)
        from pg_enum e where e.enumtypid = t.oid),
      (select format_type(r.rngsubtype, null) from pg_range r where r.rngtypid = t.oid),
      ${comment('t.oid', 'pg_type')}) as line
    from pg_type t join pg_namespace n on n.oid = t.typnamespace where ${OURS}`,
  'sequence definitions': `select concat_ws(' ', ${rel}, format_type(s.seqtypid, null), s.seqstart,
      s.seqincrement, s.seqmin, s.seqmax, s.seqcache, 'cycle=' || s.seqcycle,
      (select format('%s of %s.%s', d.deptype, d.refobjid::regclass, a.attname)
         from pg_depend d join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
        where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype in ('a', 'i')
          and d.refclassid = 'pg_class'::regclass)) as line
    from pg_sequence s join ${FROM_REL} on c.oid = s.seqrelid where ${OURS}`,
  'statistics objects': `select concat_ws(' ', pg_get_statisticsobjdef(s.oid), ${role('s.stxowner')},
      s.stxstattarget, ${comment('s.oid', 'pg_statistic_ext')}) as line
    from pg_statistic_ext s join pg_namespace n on n.oid = s.stxnamespace where ${OURS}`,
  'default privileges': `select concat_ws(' ', ${role('d.defaclrole')}, n.nspname, d.defaclobjtype,
      ${acl('d.defaclacl')}) as line
    from pg_default_acl d left join pg_namespace n on n.oid = d.defaclnamespace
    where n.oid is null or (${OURS})`,
  publications: `select concat_ws(' ', p.pubname, ${role('p.pubowner')}, p.puballtables, p.pubinsert,
      p.pubupdate, p.pubdelete, p.pubtruncate, t.schemaname, t.tablename) as line
    from pg_publication p left join pg_publication_tables t on t.pubname = p.pubname`,
  'event triggers': `select concat_ws(' ', evtname, evtevent, evtfoid::regproc, evtenabled) as line
    from pg_event_trigger`,
  extensions: `select concat_ws(' ', e.extname, e.extversion, n.nspname) as line
    from pg_extension e join pg_namespace n on n.oid = e.extnamespace`,
  'other objects': `select concat_ws(' ', i.type, i.identity) as line from (
      select 'pg_operator'::regclass::oid as c, oid, oprnamespace as ns from pg_operator
      union all select 'pg_opclass'::regclass, oid, opcnamespace from pg_opclass
      union all select 'pg_collation'::regclass, oid, collnamespace from pg_collation
      union all select 'pg_conversion'::regclass, oid, connamespace from pg_conversion
      union all select 'pg_ts_config'::regclass, oid, cfgnamespace from pg_ts_config
      union all select 'pg_ts_dict'::regclass, oid, dictnamespace from pg_ts_dict) o
    join pg_namespace n on n.oid = o.ns, pg_identify_object(o.c, o.oid, 0) i where ${OURS}`,
  casts: `select concat_ws(' ', castsource::regtype, casttarget::regtype, castfunc::regproc,
      castcontext, castmethod) as line from pg_cast where oid >= 16384`,
  'large objects': `select concat_ws(' ', m.oid, ${role('m.lomowner')}, ${acl('m.lomacl')},
      md5(lo_get(m.oid)), ${comment('m.oid', 'pg_largeobject')}) as line
    from pg_largeobject_metadata m`,
  databases: `select concat_ws(' ', d.datname, ${role('d.datdba')}, ${acl('d.datacl')},
      pg_encoding_to_char(d.encoding), d.datcollate, d.datallowconn, d.datconnlimit, d.datistemplate,
      shobj_description(d.oid, 'pg_database')) as line
    from pg_database d where d.datname not like 'holdfast%'`,
  roles: `select concat_ws(' ', rolname, 'super=' || rolsuper, 'inherit=' || rolinherit,
      'createrole=' || rolcreaterole, 'createdb=' || rolcreatedb, 'login=' || rolcanlogin,
      'replication=' || rolreplication, 'bypass=' || rolbypassrls, rolconnlimit, rolvaliduntil,
      md5(rolpassword)) as line
    from pg_authid where rolname !~ '^(holdfast_|hf_|pg_)'`,
  memberships: `select concat_ws(' ', ${role('roleid')}, ${role('member')}, admin_option) as line
    from pg_auth_members
    where ${role('roleid')} !~ '^(holdfast_|hf_)' and ${role('member')} !~ '^(holdfast_|hf_|pg_)'`,
  settings: `select concat_ws(' ', d.datname, ${role('nullif(s.setrole, 0)')}, s.setconfig::text) as line
    from pg_db_role_setting s left join pg_database d on d.oid = s.setdatabase
    where coalesce(${role('nullif(s.setrole, 0)')}, '') !~ '^(holdfast_|hf_)'`,
};
