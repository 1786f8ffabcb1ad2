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
import type { ProtectionLevel } from '../../../model/reversal.ts';
import { AGENTS_ROLE, LAYOUT_VERSION, OTHERS_ROLE, OWNER_ROLE } from '../layout.ts';
import type { Step } from '../step.ts';
import type { ClosingId } from './closings.ts';
import { fenceSteps } from './fence.ts';
import type { Foundation } from './foundation.ts';
import type { Inspection, RoleFacts } from './inspection.ts';
import { metaSteps } from './meta.ts';
import { agentSteps } from './plan-agents.ts';
import { defaultSteps } from './plan-defaults.ts';
import { openPoints } from './plan-open.ts';
import { ownerSteps } from './plan-owners.ts';
import { publicSteps } from './plan-public.ts';
import { roleSteps } from './plan-roles.ts';

export interface ProtectOptions {
  readonly target: string;
  /** Roles of the application itself: neither captured nor fenced. */
  readonly exempt: readonly string[];
  /** Null: the role without superuser that owns most tables. */
  readonly ddlOwner: string | null;
  /** `schema.name`, or `name` for that function in any schema. */
  readonly functionsAllowed: readonly string[];
  /** Capture, receipts: run in this order, in one transaction with the rest. */
  readonly foundations: readonly Foundation[];
  /** A random name for this installation, used when there is none yet. */
  readonly install: string;
}

export interface PlanStep extends Step {
  readonly closes: ClosingId;
}

/** What this server will not let us close, and why. */
export interface OpenPoint {
  readonly closes: ClosingId;
  readonly about: string;
  readonly why: string;
}

export interface Plan {
  readonly target: string;
  readonly database: string;
  readonly server: string;
  readonly admin: string;
  readonly level: ProtectionLevel;
  readonly levelReason: string;
  readonly ddlOwner: string;
  /** Empty: all is as it should be. */
  readonly steps: readonly PlanStep[];
  readonly open: readonly OpenPoint[];
  /** What people should know before they say --apply. */
  readonly notes: readonly string[];
}

/** What every part of the plan works from. */
export interface Ground {
  readonly inspection: Inspection;
  readonly options: ProtectOptions;
  readonly level: ProtectionLevel;
  readonly ddlOwner: string;
  /** Roles that were there: neither superusers, nor ours, nor agents'. */
  readonly others: readonly RoleFacts[];
  /** To whom goes what PUBLIC loses. */
  readonly heirs: readonly string[];
  /** Not superusers, and holdfast_owner can be given their rights. */
  readonly lendable: ReadonlySet<string>;
  readonly isSuperuser: (role: string) => boolean;
}

export function planProtection(inspection: Inspection, options: ProtectOptions): Plan {
  const ground = groundOf(inspection, options);
  const { server } = inspection;
  const steps =
    ground.level === 'capture-only'
      ? []
      : [
          ...roleSteps(ground),
          ...ownerSteps(ground),
          ...publicSteps(ground),
          ...agentSteps(ground),
          ...defaultSteps(ground),
        ];
  const { open, notes } = openPoints(ground);
  const laid =
    ground.level === 'capture-only'
      ? []
      : [...steps, ...foundationSteps(ground, steps), ...fenceSteps(ground)];
  return {
    target: options.target,
    database: server.database,
    server: `PostgreSQL ${server.version}${server.hosted === null ? '' : ` (${server.hosted})`}`,
    admin: server.admin,
    level: ground.level,
    levelReason: levelReason(inspection),
    ddlOwner: ground.ddlOwner,
    steps: [...laid, ...metaSteps(ground, laid)],
    open,
    notes,
  };
}

function groundOf(inspection: Inspection, options: ProtectOptions): Ground {
  const { roles, server } = inspection;
  const byName = new Map(roles.map((role) => [role.name, role]));
  const isSuperuser = (role: string): boolean => byName.get(role)?.superuser === true;
  const isAgent = (role: RoleFacts): boolean => role.member_of.includes(AGENTS_ROLE);
  const ours = [OWNER_ROLE, AGENTS_ROLE, OTHERS_ROLE];
  const others = roles.filter(
    (role) => !role.superuser && !isAgent(role) && !ours.includes(role.name),
  );
  // Before PostgreSQL 16 a role that does not inherit has nothing of its groups: it is an heir itself.
  const heirs = [
    OTHERS_ROLE,
    ...others
      .filter(({ inherit }) => server.version_num < 160_000 && !inherit)
      .map(({ name }) => name),
  ];
  const lendable = new Set(
    others
      .filter(({ grantable, name }) => grantable && (server.superuser || name !== server.admin))
      .map(({ name }) => name),
  );
  return {
    inspection,
    options,
    level: levelOf(inspection),
    ddlOwner: options.ddlOwner ?? ownerOfMost(inspection, isSuperuser),
    others,
    heirs,
    lendable,
    isSuperuser,
  };
}

function levelOf({ server }: Inspection): ProtectionLevel {
  if (server.superuser) return 'full';
  return server.createrole ? 'no-fence' : 'capture-only';
}

function levelReason({ server }: Inspection): string {
  if (server.superuser) return `${server.admin} is a superuser: everything can be put in place`;
  const host = server.hosted === null ? '' : `, as ${server.hosted} has it`;
  return server.createrole
    ? `${server.admin} is no superuser${host}: no event trigger, no lo_*, no languages`
    : `${server.admin} is no superuser and has no CREATEROLE${host}: no roles for agents`;
}

function ownerOfMost({ relations }: Inspection, isSuperuser: (role: string) => boolean): string {
  const counts = new Map<string, number>();
  for (const { kind, owner } of relations) {
    if (!['r', 'p'].includes(kind) || isSuperuser(owner)) continue;
    counts.set(owner, (counts.get(owner) ?? 0) + 1);
  }
  const most = [...counts].toSorted(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
  return most[0]?.[0] ?? OWNER_ROLE;
}

/** Laid again when their text is another than the one that is noted, or when anything else changes. */
function foundationSteps({ inspection, options }: Ground, steps: readonly PlanStep[]): PlanStep[] {
  const noted = inspection.meta?.get('foundations');
  const known: Readonly<Record<string, unknown>> =
    typeof noted === 'object' && noted !== null ? { ...noted } : {};
  return options.foundations.flatMap(({ about, closes, digest, id, sql, repeat }) => {
    const isLaid = known[id] === digest && inspection.meta?.get('version') === LAYOUT_VERSION;
    const needs = 'owner' as const;
    const lay: PlanStep[] = isLaid ? [] : [{ id: `foundation ${id}`, about, sql, needs, closes }];
    const again: PlanStep[] =
      repeat !== null && (!isLaid || repeat.isDue || steps.length > 0)
        ? [{ id: `${id} attach`, about: repeat.about, sql: repeat.sql, needs, closes }]
        : [];
    return [...lay, ...again];
  });
}
