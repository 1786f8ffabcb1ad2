/** What a plan is, and the ground that every part of it works from. */
import type { ProtectionLevel } from '../../../model/reversal.ts';
import {
  AGENTS_ROLE,
  DDL_ROLE,
  OTHERS_ROLE,
  OWNER_ROLE,
  RUNNER_PREFIX,
  SHARED_ROLES,
} from '../layout.ts';
import type { Step } from '../step.ts';
import type { ClosingId } from './closings.ts';
import type { Foundation } from './foundation.ts';
import type { Inspection, RoleFacts } from './inspection.ts';

export interface ProtectOptions {
  readonly target: string;
  /** Roles of the application itself: neither captured nor fenced. */
  readonly exempt: readonly string[];
  /** Null: the role without superuser that owns most tables. */
  readonly ddlOwner: string | null;
  /** `schema.name`, or `name` for that function in any schema. */
  readonly functionsAllowed: readonly string[];
  /** Capture, receipts: run in this order, in one transaction with the rest. */
  readonly foundations: (laying: { readonly ddlOwner: string }) => readonly Foundation[];
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
  readonly foundations: readonly Foundation[];
  /** Roles that were there: neither superusers, nor ours, nor agents'. */
  readonly others: readonly RoleFacts[];
  /** To whom goes what PUBLIC loses. */
  readonly heirs: readonly string[];
  /** Not superusers, and holdfast_owner can be given their rights. */
  readonly lendable: ReadonlySet<string>;
  readonly isSuperuser: (role: string) => boolean;
}

export function groundOf(inspection: Inspection, options: ProtectOptions): Ground {
  const { roles, server } = inspection;
  const byName = new Map(roles.map((role) => [role.name, role]));
  const isSuperuser = (role: string): boolean => byName.get(role)?.superuser === true;
  const isAgent = (role: RoleFacts): boolean => role.member_of.includes(AGENTS_ROLE);
  const others = roles.filter(
    (role) =>
      !role.superuser &&
      !isAgent(role) &&
      !SHARED_ROLES.includes(role.name) &&
      !role.name.startsWith(RUNNER_PREFIX),
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
  const ddlOwner = ddlOwnerOf(inspection, options, isSuperuser);
  return {
    inspection,
    options,
    level: levelOf(inspection),
    ddlOwner,
    foundations: options.foundations({ ddlOwner }),
    others,
    heirs,
    lendable,
    isSuperuser,
  };
}

/** What was noted stays, so that a new table of somebody's does not move what agents make. */
function ddlOwnerOf(
  inspection: Inspection,
  { ddlOwner }: ProtectOptions,
  isSuperuser: (role: string) => boolean,
): string {
  const noted = inspection.meta?.get('ddl_owner');
  const isThere = inspection.roles.some(({ name }) => name === noted);
  const found =
    ddlOwner ??
    (typeof noted === 'string' && isThere ? noted : ownerOfMost(inspection, isSuperuser));
  // As layouts before version 2 had it.
  return found === OWNER_ROLE ? DDL_ROLE : found;
}

function levelOf({ server }: Inspection): ProtectionLevel {
  if (server.superuser) return 'full';
  return server.createrole ? 'no-fence' : 'capture-only';
}

function ownerOfMost({ relations }: Inspection, isSuperuser: (role: string) => boolean): string {
  const counts = new Map<string, number>();
  for (const { kind, owner } of relations) {
    if (!['r', 'p'].includes(kind) || isSuperuser(owner)) continue;
    counts.set(owner, (counts.get(owner) ?? 0) + 1);
  }
  const most = [...counts].toSorted(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
  return most[0]?.[0] ?? DDL_ROLE;
}
