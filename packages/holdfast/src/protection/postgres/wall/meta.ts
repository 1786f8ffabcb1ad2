/**
 * What `holdfast.meta` says. Notes are written before the foundations, because capture reads there who is
 * exempt; the seal comes last: nothing of ours is anybody's, and our functions are as they are now.
 */
import { LAYOUT_VERSION, literal, OWNER_ROLE } from '../layout.ts';
import { FENCE_DIGEST } from './fence.ts';
import type { Ground, PlanStep } from './ground.ts';
import { type Owned, toBeOwned } from './plan-owners.ts';

export function noteSteps(ground: Ground): PlanStep[] {
  const { inspection, level, options } = ground;
  const wanted: Readonly<Record<string, unknown>> = {
    version: LAYOUT_VERSION,
    install: inspection.meta?.get('install') ?? options.install,
    level,
    admin: inspection.server.admin,
    ddl_owner: ground.ddlOwner,
    exempt: [...options.exempt].toSorted(),
    foundations: Object.fromEntries(ground.foundations.map(({ digest, id }) => [id, digest])),
    fence: level === 'full' ? FENCE_DIGEST : null,
    before: ownersBefore(ground),
  };
  const changed = Object.entries(wanted).filter(
    ([key, value]) => !same(inspection.meta?.get(key) ?? null, value),
  );
  if (changed.length === 0) return [];
  const lines = changed.map(
    ([key, value]) =>
      `insert into holdfast.meta values (${literal(key)}, ${literal(JSON.stringify(value))}) ` +
      'on conflict (key) do update set value = excluded.value;',
  );
  return [
    {
      id: 'notes',
      about: 'What was done and what stood before, for the next run and for unprotect',
      sql: lines.join('\n'),
      needs: 'owner',
      closes: 'layout',
    },
  ];
}

export function sealStep(): PlanStep {
  return {
    id: 'seal',
    about: 'Nothing of what Holdfast keeps here is anybody else’s; what its functions are is noted',
    sql: `${HYGIENE}\n${FUNCTIONS_NOTED}`,
    needs: 'owner',
    closes: 'layout',
  };
}

/** Nothing of ours is anybody's but what the parts granted by name. */
const HYGIENE = `revoke all on all tables in schema holdfast from public, holdfast_agents, holdfast_others;
revoke all on all routines in schema holdfast from holdfast_others;`;

/** So that a body that was altered is found. Those that are made for one table change with it. */
export const FUNCTIONS_SQL = `select coalesce(jsonb_object_agg(p.oid::regprocedure::text,
    md5(pg_get_functiondef(p.oid) || pg_get_userbyid(p.proowner))), '{}') as bodies
  from pg_proc p where p.pronamespace = 'holdfast'::regnamespace and p.proname !~ '[0-9]$'`;
const FUNCTIONS_NOTED = `insert into holdfast.meta select 'bodies', f.bodies from (${FUNCTIONS_SQL}) f
  on conflict (key) do update set value = excluded.value;`;

/** Owners as they were at the first protect, and of what was re-owned since. */
function ownersBefore(ground: Ground): Owned[] {
  const noted = ground.inspection.meta?.get('before');
  const known = Array.isArray(noted) ? (noted as unknown[]) : [];
  const kept = known.filter(isOwned);
  const seen = new Set(kept.map(({ catalog, oid }) => `${catalog} ${oid}`));
  return [
    ...kept,
    ...toBeOwned(ground).filter(
      // What is ours already was never anybody else's, or is noted.
      ({ catalog, oid, owner }) => owner !== OWNER_ROLE && !seen.has(`${catalog} ${oid}`),
    ),
  ];
}

export function isOwned(value: unknown): value is Owned {
  if (typeof value !== 'object' || value === null) return false;
  const fields: Readonly<Record<string, unknown>> = { ...value };
  return (
    typeof fields['oid'] === 'number' &&
    ['catalog', 'owner', 'alter'].every((key) => typeof fields[key] === 'string')
  );
}

/** By value, whatever the order of keys in jsonb is. */
function same(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b);
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, field: unknown) =>
    typeof field === 'object' && field !== null && !Array.isArray(field)
      ? Object.fromEntries(Object.entries(field).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : field,
  );
}
