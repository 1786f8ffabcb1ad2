/**
 * The seat belt: event triggers that refuse what owners would drop or rewrite without Holdfast, and that
 * attach capture to what is new, in the same transaction. Roles are the wall; this is for sessions that
 * have an owner's rights: an application that is not declared exempt, a found credential.
 *
 * Who passes: exempt roles, Holdfast's own admin, a statement that runs by a receipt, the role of a deferral
 * while it runs (`runner.ts`), and Holdfast's own functions (they run as holdfast_owner, which nobody can log in as). A setting is no token: anybody can
 * set one. Temporary objects pass.
 *
 * It does not see TRUNCATE (capture does), nor databases and roles (shared objects have no event).
 */
import { createHash } from 'node:crypto';
import { AGENTS_ROLE, DDL_ROLE, OWNER_ROLE } from '../layout.ts';
import type { Ground, PlanStep } from './ground.ts';
import { HARMLESS } from './harmless.ts';
import { USER_SCHEMA } from './inspection-sql.ts';

/** With ENABLE ALWAYS, so that session_replication_role does not silence them. */
export const FENCE_TRIGGERS = [
  'holdfast_drop',
  'holdfast_follow',
  'holdfast_inside',
  'holdfast_own',
  'holdfast_rewrite',
] as const;

const PASSES = `create or replace function holdfast.fence_passes() returns boolean
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $hf$
begin
  if exists (select from holdfast.meta m where
       (m.key = 'exempt' and m.value ? session_user::text)
       or (m.key = 'admin' and m.value = to_jsonb(session_user::text))
       or m.key = 'runner ' || session_user::text) then
    return true;
  end if;
  IN_RECEIPT
  return false;
end $hf$;
alter function holdfast.fence_passes() owner to holdfast_owner;
grant execute on function holdfast.fence_passes() to public;`;

/** `exists`, because a name that is not there yet would refuse every statement. */
const IN_RECEIPT = `if to_regprocedure('holdfast.in_receipt()') is not null then
    return holdfast.in_receipt();
  end if;`;

const REFUSE = `create or replace function holdfast.fence_refuse(what text) returns void
language plpgsql security invoker set search_path = pg_catalog, pg_temp as $hf$
begin
  raise exception 'Holdfast refuses % on this protected database', what
    using errcode = '42501',
      detail = format('Role %s is not exempt, and this did not come through Holdfast.', session_user),
      hint = format('Send it through Holdfast, where it is made reversible; or declare %s under '
        'targets.TARGET.protection.exempt and run holdfast protect TARGET --apply.', session_user);
end $hf$;
grant execute on function holdfast.fence_refuse(text) to public;`;

const DROP = `create or replace function holdfast.fence_drop() returns event_trigger
language plpgsql security invoker set search_path = pg_catalog, pg_temp as $hf$
declare gone record;
begin
  if current_user = '${OWNER_ROLE}' then return; end if;
  select object_type, object_identity into gone from pg_event_trigger_dropped_objects()
   where original and not is_temporary and object_type <> 'default value'
     and coalesce(schema_name, '') <> 'pg_temp' and coalesce(address_names[1], '') <> 'pg_temp'
   limit 1;
  if found and not holdfast.fence_passes() then
    perform holdfast.fence_refuse(format('%s (it drops %s %s)', tg_tag, gone.object_type,
      gone.object_identity));
  end if;
end $hf$;`;

/** Reasons (PostgreSQL's event_trigger.h): 1 persistence, 2 default, 4 column type, 8 access method. */
const REWRITE = `create or replace function holdfast.fence_rewrite() returns event_trigger
language plpgsql security invoker set search_path = pg_catalog, pg_temp as $hf$
declare relation oid := pg_event_trigger_table_rewrite_oid();
begin
  if current_user = '${OWNER_ROLE}' then return; end if;
  if pg_event_trigger_table_rewrite_reason() & 5 = 0 then return; end if;
  if exists (select from pg_class c where c.oid = relation and c.relpersistence = 't') then return; end if;
  if not holdfast.fence_passes() then
    perform holdfast.fence_refuse(format('%s (it rewrites %s)', tg_tag, relation::regclass));
  end if;
end $hf$;`;

/**
 * A receipt is for the statement it was written for, not for code that this statement sets off (the check
 * of a domain, an operator, a default: anybody may make these, and here they run as an owner). Such code
 * may read and write rows, which are kept; its commands on structure are refused, the first time and
 * when the statement is run again. Frames cannot be hidden: what is set off stands in the context by name,
 * with its arguments in parentheses. A DO block has none: it is the statement itself, which was read, or
 * stands beside the function that runs it.
 */
const INSIDE = String.raw`create or replace function holdfast.fence_inside() returns event_trigger
language plpgsql security invoker set search_path = pg_catalog, pg_temp as $hf$
declare
  stack text;
  inside text;
begin
  if to_regprocedure('holdfast.in_receipt()') is null or not holdfast.in_receipt() then return; end if;
  get diagnostics stack = pg_context;
  select m[1] into inside from regexp_matches(stack, '^((?:SQL|PL/\w+) function .*)$', 'gn') m
   where m[1] !~ '^PL/pgSQL function (holdfast\.|inline_code_block line )' limit 1;
  if inside is not null then
    perform holdfast.fence_refuse(format('%s by code that the statement sets off (%s)', tg_tag, inside));
  end if;
end $hf$;`;

/** One function of ours belongs to the owner of the tables, who could alter it: not while this stands. */
const OWN = `create or replace function holdfast.fence_own() returns event_trigger
language plpgsql security invoker set search_path = pg_catalog, pg_temp as $hf$
begin
  if current_user = '${OWNER_ROLE}' or (select r.rolsuper from pg_roles r where r.rolname = current_user) then return; end if;
  if exists (select from pg_event_trigger_ddl_commands() d where d.schema_name = 'holdfast') then
    perform holdfast.fence_refuse(format('%s of what belongs to Holdfast', tg_tag));
  end if;
end $hf$;`;

/**
 * Runs as the admin: what a superuser makes is given to holdfast_ddl, then capture is attached. What a
 * harmless extension brings is everybody's, as without Holdfast: defaults of columns call it.
 */
const FOLLOW = `create or replace function holdfast.follow() returns event_trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $hf$
declare made record;
begin
  for made in
    select p.oid::regprocedure as name from pg_event_trigger_ddl_commands() d
      join pg_extension e on e.oid = d.objid and d.classid = 'pg_extension'::regclass
      join pg_depend m on m.refclassid = d.classid and m.refobjid = e.oid and m.deptype = 'e'
        and m.classid = 'pg_proc'::regclass
      join pg_proc p on p.oid = m.objid
     where not p.prosecdef and e.extname = any('{${[...HARMLESS].join(',')}}'::name[])
  loop
    execute format('grant execute on routine %s to public', made.name);
  end loop;
  for made in
    select c.oid, c.relkind, c.oid::regclass as name, r.rolsuper
      from pg_event_trigger_ddl_commands() d
      join pg_class c on c.oid = d.objid join pg_roles r on r.oid = c.relowner
     where d.classid = 'pg_class'::regclass and not d.in_extension and c.relpersistence <> 't'
       and c.relkind in ('r', 'p') and c.relnamespace <> to_regnamespace('holdfast')
       and not starts_with(c.relnamespace::regnamespace::text, 'holdfast_trash_')
     group by 1, 2, 3, 4
  loop
    if made.rolsuper then
      execute format('alter table %s owner to ${DDL_ROLE}', made.name);
    end if;
  end loop;
  for made in
    select n.nspname as name from pg_event_trigger_ddl_commands() d join pg_namespace n on n.oid = d.objid
     where d.classid = 'pg_namespace'::regclass and ${USER_SCHEMA}
  loop
    perform holdfast.follow_schema(made.name);
  end loop;
  perform holdfast.follow_attach(tg_tag);
exception when insufficient_privilege or undefined_function then
  raise warning 'Holdfast could not follow this %: %', tg_tag, sqlerrm
    using hint = 'Run holdfast protect TARGET --apply: what is new here may not be captured.';
end $hf$;`;

/**
 * A new schema is as those that were there: what `protect` would grant in it is granted at once, and the
 * defaults that others have by schema count in it too. Runs as the admin, called by `follow` only.
 */
const FOLLOW_SCHEMA = `create or replace function holdfast.follow_schema(made name) returns void
language plpgsql security invoker set search_path = pg_catalog, pg_temp as $hf$
declare given record;
begin
  execute format('grant usage on schema %I to ${AGENTS_ROLE}', made);
  if (select n.nspowner from pg_namespace n where n.nspname = made) not in (to_regrole('${OWNER_ROLE}'), to_regrole('${DDL_ROLE}')) then
    execute format('grant usage, create on schema %I to ${OWNER_ROLE}, ${DDL_ROLE}', made);
  end if;
  for given in
    select distinct a.defaclrole::regrole as role, x.privilege_type as privilege,
           case a.defaclobjtype when 'S' then 'sequences' else 'tables' end as kind
      from pg_default_acl a cross join lateral aclexplode(a.defaclacl) x
     where a.defaclnamespace <> 0 and a.defaclobjtype in ('r', 'S')
       and x.grantee = to_regrole('${AGENTS_ROLE}')
  loop
    execute format('alter default privileges for role %s in schema %I grant %s on %s to ${AGENTS_ROLE}',
      given.role, made, given.privilege, given.kind);
  end loop;
end $hf$;`;

/** A dropped trigger and an altered type name no table, so all are looked at; else only what was altered. */
const FOLLOW_ATTACH = `create or replace function holdfast.follow_attach(tag text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $hf$
begin
  if to_regprocedure('holdfast.attach_altered()') is null then return; end if;
  if tag in ('DROP TRIGGER', 'ALTER TYPE') then
    perform holdfast.attach_missing();
  else
    perform holdfast.attach_altered();
  end if;
end $hf$;
alter function holdfast.follow_attach(text) owner to holdfast_owner;`;

const FUNCTIONS = [
  PASSES.replace('IN_RECEIPT', IN_RECEIPT),
  REFUSE,
  DROP,
  REWRITE,
  INSIDE,
  OWN,
  FOLLOW_SCHEMA,
  FOLLOW,
  FOLLOW_ATTACH,
].join('\n');

const EVENTS: readonly (readonly [name: string, event: string, run: string, tags: string])[] = [
  ['holdfast_drop', 'sql_drop', 'holdfast.fence_drop', ''],
  ['holdfast_rewrite', 'table_rewrite', 'holdfast.fence_rewrite', ''],
  ['holdfast_inside', 'ddl_command_start', 'holdfast.fence_inside', ''],
  [
    'holdfast_own',
    'ddl_command_end',
    'holdfast.fence_own',
    ` when tag in ('ALTER FUNCTION', 'ALTER PROCEDURE', 'ALTER ROUTINE')`,
  ],
  [
    'holdfast_follow',
    'ddl_command_end',
    'holdfast.follow',
    ` when tag in ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'ALTER TABLE', 'CREATE INDEX',
      'DROP TRIGGER', 'CREATE SCHEMA', 'ALTER SCHEMA', 'ALTER TYPE', 'CREATE EXTENSION')`,
  ],
];

export const FENCE_DIGEST = createHash('sha256').update(FUNCTIONS).digest('hex');

export function fenceSteps({ inspection, level }: Ground): PlanStep[] {
  if (level !== 'full') return [];
  const steps: PlanStep[] = [];
  const common = { needs: 'superuser', closes: 'fence' } as const;
  if (inspection.meta?.get('fence') !== FENCE_DIGEST) {
    steps.push({
      id: 'fence functions',
      about: 'What the fence does, and who passes it: exempt roles, Holdfast, receipts',
      sql: FUNCTIONS,
      ...common,
    });
  }
  const standing = new Map(inspection.eventTriggers.map(({ enabled, name }) => [name, enabled]));
  for (const [name, event, run, tags] of EVENTS) {
    const enabled = standing.get(name);
    if (enabled === 'A') continue;
    const make =
      enabled === undefined
        ? `create event trigger ${name} on ${event}${tags} execute function ${run}();\n`
        : '';
    steps.push({
      id: `fence ${name}`,
      about: ABOUT[name] ?? name,
      sql: `${make}alter event trigger ${name} enable always;`,
      ...common,
    });
  }
  return steps;
}

const ABOUT: Readonly<Record<string, string>> = {
  holdfast_drop: 'DROP of anything that is not temporary is refused to roles that are not exempt',
  holdfast_rewrite:
    'ALTER TABLE that rewrites what is stored is refused to roles that are not exempt',
  holdfast_inside: 'Code that a statement with a receipt sets off may not change structure',
  holdfast_own: 'Functions of Holdfast are altered by Holdfast only',
  holdfast_follow: 'New and altered tables are captured in the same transaction',
};
