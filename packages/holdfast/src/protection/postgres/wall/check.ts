/**
 * Drift: what is not as `protect` left it. Most of it is what a plan would do now (a table that agents'
 * rights or capture lack, PUBLIC that regained something, a fence that was switched off, an exempt list
 * that differs); the rest is what no plan takes back by itself: agents' roles that gained something, and
 * functions of ours whose text is another.
 *
 * Read only. It will not mend anything: `holdfast protect TARGET --apply` does.
 */
import { z } from 'zod';
import { PROTECTION_FINDINGS_MAX } from '../../../model/limits.ts';
import type { ProtectionLevel } from '../../../model/reversal.ts';
import type { TargetDatabase, TargetSession } from '../../target-database.ts';
import { CLOSINGS } from './closings.ts';
import type { OpenPoint, ProtectOptions } from './ground.ts';
import { type Inspection, inspect } from './inspection.ts';
import { REAL_MEMBER } from './inspection-sql.ts';
import { FUNCTIONS_SQL } from './meta.ts';
import { adminFault, planProtection } from './plan.ts';

export interface Finding {
  /** Stable, for scripts: `drift.fence`, `agent.member`, `body.altered` ... */
  readonly code: string;
  readonly about: string;
  readonly fix: string;
}

export interface Check {
  readonly target: string;
  /** `none`: not protected. */
  readonly level: ProtectionLevel;
  readonly levelReason: string;
  readonly findings: readonly Finding[];
  /** Tables whose rows are not kept now, and what leads to them: `schema.name` quoted as PostgreSQL does. */
  readonly uncaptured: readonly string[];
  /** Of those the ones that were captured once, or never can be. */
  readonly lost: readonly string[];
  readonly open: readonly OpenPoint[];
}

/** Looks for what another part laid and only it can judge (tables without triggers). */
export type Probe = (session: TargetSession) => Promise<readonly Finding[]>;

export function checkProtection(
  db: TargetDatabase,
  options: ProtectOptions,
  probes: readonly Probe[] = [],
): Promise<Check> {
  return db.transaction('repeatable read', async (session) => {
    await session.query('set transaction read only');
    const inspection = await inspect(session);
    const plan = planProtection(inspection, options);
    const { target } = options;
    if (inspection.meta === null) {
      const levelReason = `it is not protected (holdfast protect ${target} --apply)`;
      const nothing = { findings: [], uncaptured: [], lost: [] };
      return { target, level: 'none', levelReason, ...nothing, open: plan.open };
    }
    const fix = `holdfast protect ${target} --apply`;
    const findings: Finding[] = plan.steps
      .filter(({ id }) => id !== 'seal')
      .map(({ about, closes, id }) => ({
        code: `drift.${closes}`,
        about:
          id === 'notes' ? NOTES_DIFFER : `${CLOSINGS[closes]}: not so any more. ${about} (${id})`,
        fix,
      }));
    findings.push(
      ...(await agentFindings(session)),
      ...(await bodyFindings(session, inspection.meta)),
    );
    const fault = adminFault(inspection, options);
    if (fault !== null) {
      const { found, hint } = fault;
      findings.unshift({ code: 'admin.exempt', about: `The admin is exempt: ${found}`, fix: hint });
    }
    for (const probe of probes) findings.push(...(await probe(session)));
    return {
      target,
      level: weakest(plan.level, inspection.meta.get('level'), findings),
      levelReason: plan.levelReason,
      findings: findings.slice(0, PROTECTION_FINDINGS_MAX),
      uncaptured: await reaching(session, uncapturedOf(inspection)),
      lost: await reaching(session, lostOf(inspection)),
      open: plan.open,
    };
  });
}

/** Forced row security hinders TRUNCATE alone, which then fails; its rows are kept. */
function uncapturedOf({ captureFaults, uncapturable }: Inspection): string[] {
  const without = uncapturable.filter(({ reason }) => !reason.startsWith('forced row level'));
  return [...new Set([...captureFaults, ...without].map(({ table }) => table))];
}

/** As a table is that was made, or altered, where no event trigger follows (`no-fence`). */
const ONLY_NEW: ReadonlySet<string> = new Set([
  'not captured',
  'its columns, key or name have changed',
]);

function lostOf(inspection: Inspection): string[] {
  const captureFaults = inspection.captureFaults.filter(({ reason }) => !ONLY_NEW.has(reason));
  return uncapturedOf({ ...inspection, captureFaults });
}

/** Whatever leads to them: views, parents whose keys cascade, what they inherit from. */
const REACHING = `
with recursive reached as (
  select to_regclass(t)::oid as oid from unnest($1::text[]) t
  union
  select n.oid from reached r cross join lateral (
    select w.ev_class as oid from pg_depend d
      join pg_rewrite w on d.classid = 'pg_rewrite'::regclass and w.oid = d.objid
     where d.refclassid = 'pg_class'::regclass and d.refobjid = r.oid and w.ev_class <> r.oid
    union all
    select c.confrelid from pg_constraint c where c.contype = 'f' and c.conrelid = r.oid
       and (c.confdeltype in ('c', 'n', 'd') or c.confupdtype in ('c', 'n', 'd'))
    union all
    select i.inhparent from pg_inherits i where i.inhrelid = r.oid) n)
select format('%I.%I', n.nspname, c.relname) as name
  from reached r join pg_class c using (oid) join pg_namespace n on n.oid = c.relnamespace
 order by 1`;

async function reaching(session: TargetSession, tables: readonly string[]): Promise<string[]> {
  if (tables.length === 0) return [];
  return (await session.query(REACHING, [tables])).map(({ name }) => String(name));
}

const NOTES_DIFFER =
  'What holdfast.yaml says (exempt roles, owner, admin) is not what the database was told';

/** A fence that does not stand is no fence, whatever was noted. */
function weakest(
  plan: ProtectionLevel,
  noted: unknown,
  findings: readonly Finding[],
): ProtectionLevel {
  const isFenced = plan === 'full' && noted === 'full';
  const isBroken = findings.some(({ code }) => code === 'drift.fence' || code === 'body.altered');
  return isFenced && !isBroken ? 'full' : 'no-fence';
}

const agentRow = z.object({ role: z.string(), code: z.string(), about: z.string() });

/** Each row is one thing that an agent's role has and should not. */
const AGENTS_SQL = `
with agents as (
  select r.* from pg_roles r join pg_auth_members m on m.member = r.oid
   where m.roleid = to_regrole('holdfast_agents') and ${REAL_MEMBER}
), ours as (select oid, rolname from agents union select oid, rolname from pg_roles where rolname = 'holdfast_agents')
select rolname as role, 'agent.superuser' as code, 'is a superuser' as about from agents where rolsuper
union all
select rolname, 'agent.attribute', 'may create roles, databases, replicate or pass row security'
  from agents where rolcreaterole or rolcreatedb or rolreplication or rolbypassrls
union all
select o.rolname, 'agent.member', format('is a member of %s', m.roleid::regrole)
  from ours o join pg_auth_members m on m.member = o.oid where m.roleid <> to_regrole('holdfast_agents')
union all
select o.rolname, 'agent.owns', format('owns %s', coalesce(case when d.dbid = 0
    or d.dbid = (select oid from pg_database where datname = current_database())
    then pg_describe_object(d.classid, d.objid, 0) end, 'something in another database'))
  from ours o join pg_shdepend d on d.refclassid = 'pg_authid'::regclass and d.refobjid = o.oid
 where d.deptype = 'o'
union all
select o.rolname, 'agent.grant', format('holds %s on %s', a.privilege_type, c.oid::regclass)
  from ours o cross join pg_class c cross join lateral aclexplode(c.relacl) a
 where a.grantee = o.oid and (a.is_grantable or o.rolname <> 'holdfast_agents' or c.relkind = 'f'
   or a.privilege_type not in ('SELECT', 'INSERT', 'UPDATE', 'DELETE', 'USAGE')
   or (c.relkind = 'S' and a.privilege_type = 'UPDATE')
   or c.relnamespace = to_regnamespace('holdfast'))
union all
select o.rolname, 'agent.grant', format('holds %s on schema %s', a.privilege_type, n.nspname)
  from ours o cross join pg_namespace n cross join lateral aclexplode(n.nspacl) a
 where a.grantee = o.oid and (a.privilege_type <> 'USAGE' or a.is_grantable
   or starts_with(n.nspname, 'holdfast_trash_'))
union all
select o.rolname, 'agent.grant', format('holds EXECUTE on %s', p.oid::regprocedure)
  from ours o cross join pg_proc p cross join lateral aclexplode(p.proacl) a
 where a.grantee = o.oid and (a.is_grantable or o.rolname <> 'holdfast_agents')
union all
select o.rolname, 'agent.grant', format('holds %s on the database', a.privilege_type)
  from ours o cross join pg_database d cross join lateral aclexplode(d.datacl) a
 where a.grantee = o.oid and a.privilege_type <> 'CONNECT' and d.datname = current_database()
union all
select rolname, 'agent.endless', 'has a password without an end' from agents
 where rolcanlogin and (rolvaliduntil is null or rolvaliduntil = 'infinity'
   or rolvaliduntil > now() + interval '8 days')
order by 1, 2, 3`;

async function agentFindings(session: TargetSession): Promise<Finding[]> {
  const rows = z.array(agentRow).parse(await session.query(AGENTS_SQL));
  return rows.map(({ about, code, role }) => ({
    code,
    about: `The agents' role ${role} ${about}`,
    fix: FIXES[code] ?? `Take it back: REVOKE ... FROM ${role}.`,
  }));
}

const FIXES: Readonly<Record<string, string>> = {
  'agent.superuser': 'ALTER ROLE ... NOSUPERUSER, and look at the trail for what it did.',
  'agent.attribute': 'ALTER ROLE ... NOCREATEROLE NOCREATEDB NOREPLICATION NOBYPASSRLS.',
  'agent.owns': 'REASSIGN OWNED BY it TO the owner of your tables.',
  'agent.endless': 'ALTER ROLE ... VALID UNTIL: Holdfast sets it again at the next login.',
};

const bodies = z.record(z.string(), z.string());

async function bodyFindings(
  session: TargetSession,
  meta: ReadonlyMap<string, unknown>,
): Promise<Finding[]> {
  const [row] = await session.query(FUNCTIONS_SQL);
  const now = bodies.parse(row?.['bodies'] ?? {});
  const noted = bodies.safeParse(meta.get('bodies'));
  if (!noted.success) return [];
  return Object.entries(noted.data)
    .filter(([name, digest]) => now[name] !== digest)
    .map(([name]) => ({
      code: 'body.altered',
      about: `${name} is ${now[name] === undefined ? 'gone' : 'not what Holdfast put there'}`,
      fix: 'Find out who did it; then holdfast unprotect and protect again, or restore it.',
    }));
}
