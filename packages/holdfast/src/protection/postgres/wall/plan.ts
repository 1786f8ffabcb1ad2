/**
 * The plan of `holdfast protect`: the difference between what a database is and what it should be, as
 * steps in order, each with a sentence, its SQL and what it closes; and what stays open, and why.
 *
 *   roles and schema -> who owns -> what is taken from PUBLIC -> what agents get -> future objects
 *     -> foundations (capture, receipts) -> fence -> what is written down
 *
 * Whatever PUBLIC loses, `holdfast_others` gets, and every role that was there is a member of it: for
 * the application nothing changes, and unprotect needs no other record to give it back.
 *
 * It will not: run anything, guess which roles are the application's, or give agents more than the
 * contract says (docs/decisions/0006).
 */
import type { HoldfastError } from '../../../model/errors.ts';
import { LAYOUT_VERSION } from '../layout.ts';
import { fenceSteps } from './fence.ts';
import { type Ground, groundOf, type Plan, type PlanStep, type ProtectOptions } from './ground.ts';
import { type Inspection, refused } from './inspection.ts';
import { noteSteps, sealStep } from './meta.ts';
import { agentSteps } from './plan-agents.ts';
import { defaultSteps } from './plan-defaults.ts';
import { openPoints } from './plan-open.ts';
import { ownerSteps } from './plan-owners.ts';
import { publicSteps } from './plan-public.ts';
import { roleSteps } from './plan-roles.ts';

export function planProtection(inspection: Inspection, options: ProtectOptions): Plan {
  const ground = groundOf(inspection, options);
  const { server } = inspection;
  const steps = ground.level === 'capture-only' ? [] : laidSteps(ground);
  const { open, notes } = openPoints(ground);
  return {
    target: options.target,
    database: server.database,
    server: `PostgreSQL ${server.version}${server.hosted === null ? '' : ` (${server.hosted})`}`,
    admin: server.admin,
    level: ground.level,
    levelReason: levelReason(inspection),
    ddlOwner: ground.ddlOwner,
    steps: steps.length === 0 ? [] : [...steps, sealStep()],
    open,
    notes,
  };
}

/** What makes it useless to begin; null: nothing. An undo is taken back by what was captured of it. */
export function adminFault(
  { server }: Inspection,
  { exempt, target }: Pick<ProtectOptions, 'exempt' | 'target'>,
): HoldfastError | null {
  if (!exempt.includes(server.admin)) return null;
  return refused(
    `an admin of ${target} that is not under protection.exempt: what it does (an undo, approved DDL) is kept too`,
    `${server.admin}, which is both`,
    'Name another role under protection.admin (or upstream), or take it off protection.exempt.',
  );
}

function laidSteps(ground: Ground): PlanStep[] {
  const roles = [
    ...roleSteps(ground),
    ...ownerSteps(ground),
    ...publicSteps(ground),
    ...agentSteps(ground),
    ...defaultSteps(ground),
    ...noteSteps(ground),
  ];
  return [...roles, ...foundationSteps(ground, roles), ...fenceSteps(ground)];
}

function levelReason({ server }: Inspection): string {
  if (server.superuser) return `${server.admin} is a superuser: everything can be put in place`;
  const host = server.hosted === null ? '' : `, as ${server.hosted} has it`;
  return server.createrole
    ? `${server.admin} is no superuser${host}: no event trigger, no lo_*, no languages`
    : `${server.admin} is no superuser and has no CREATEROLE${host}: no roles for agents`;
}

/** Laid again when their text is another than the one that is noted, or when anything else changes. */
function foundationSteps(
  { foundations, inspection }: Ground,
  steps: readonly PlanStep[],
): PlanStep[] {
  const noted = inspection.meta?.get('foundations');
  const known: Readonly<Record<string, unknown>> =
    typeof noted === 'object' && noted !== null ? { ...noted } : {};
  const faults = faultsOf(inspection);
  return foundations.flatMap(({ about, closes, digest, id, sql, repeat }) => {
    const isLaid = known[id] === digest && inspection.meta?.get('version') === LAYOUT_VERSION;
    const needs = 'owner' as const;
    const lay: PlanStep[] = isLaid ? [] : [{ id: `foundation ${id}`, about, sql, needs, closes }];
    const again: PlanStep[] =
      repeat !== null && (!isLaid || faults !== null || steps.length > 0)
        ? [{ id: `${id} attach`, about: faults ?? repeat.about, sql: repeat.sql, needs, closes }]
        : [];
    return [...lay, ...again];
  });
}

/** Null: each table has the capture it should have. */
function faultsOf({ captureFaults }: Inspection): string | null {
  const [first] = captureFaults;
  if (first === undefined) return null;
  const more = new Set(captureFaults.map(({ table }) => table)).size - 1;
  const others = more > 0 ? `, and ${more} tables more` : '';
  return `Capture is put right on ${first.table} (${first.reason})${others}`;
}
