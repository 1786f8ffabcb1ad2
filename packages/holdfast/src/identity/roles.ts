/**
 * Who may do what: the one table. The API asks it before every route, the store counts signatures by
 * it, the dashboard shows what is allowed by it, and `docs/roles.md` is generated from it.
 */
import { HoldfastError } from '../model/errors.ts';

/**
 * - `owner`     keeps the house: people, roles, credentials; may do all that the others may
 * - `approver`  decides on what agents ask
 * - `operator`  runs the gateway: agents, tokens, protection, undo
 * - `auditor`   sees everything, changes nothing, takes the trail away to check it
 */
export const ROLES = ['owner', 'approver', 'operator', 'auditor'] as const;
export type Role = (typeof ROLES)[number];

export interface PermissionRow {
  /** What it lets a person do; finishes "may ...". */
  readonly words: string;
  readonly roles: readonly Role[];
}

const EVERYONE: readonly Role[] = ROLES;

export const PERMISSIONS = {
  'holds.read': { words: 'see holds and their cards', roles: EVERYONE },
  'holds.decide': { words: 'approve and deny holds', roles: ['owner', 'approver'] },
  'deferrals.read': { words: 'see what waits out the grace', roles: EVERYONE },
  'deferrals.cancel': {
    words: 'cancel what waits out the grace',
    roles: ['owner', 'approver', 'operator'],
  },
  'proposals.read': { words: 'see proposals', roles: EVERYONE },
  'proposals.open': {
    words: 'propose what takes several people',
    roles: ['owner', 'approver', 'operator'],
  },
  'proposals.decide': { words: 'sign and deny proposals', roles: ['owner', 'approver'] },
  'undo.read': { words: 'see the undo list and previews', roles: EVERYONE },
  'undo.apply': { words: 'take back what passed', roles: ['owner', 'operator'] },
  'trail.read': { words: 'read the trail', roles: EVERYONE },
  'trail.verify': { words: 'have the trail verified', roles: EVERYONE },
  'trail.export': { words: 'export the trail', roles: ['owner', 'auditor'] },
  'targets.read': { words: 'see targets and their protection', roles: EVERYONE },
  'targets.protect': { words: 'protect targets', roles: ['owner', 'operator'] },
  'agents.read': { words: 'see agents and their tokens', roles: EVERYONE },
  'agents.manage': { words: 'add agents and give them tokens', roles: ['owner', 'operator'] },
  'agents.owner': { words: 'say who else answers for an agent', roles: ['owner'] },
  'agents.stop': {
    words: 'pause agents and revoke tokens',
    roles: ['owner', 'approver', 'operator'],
  },
  'people.read': { words: 'see people and their roles', roles: EVERYONE },
  'people.manage': { words: 'invite and remove people, give roles', roles: ['owner'] },
  'credentials.read': {
    words: 'see which credentials are sealed',
    roles: ['owner', 'operator', 'auditor'],
  },
  'credentials.manage': { words: 'seal and remove credentials', roles: ['owner'] },
  'policy.read': { words: 'read policy and try requests on it', roles: EVERYONE },
  'notifications.read': { words: 'see where notices go', roles: EVERYONE },
  'notifications.test': { words: 'send a test notice', roles: ['owner', 'operator'] },
  'metrics.read': { words: 'read metrics', roles: ['owner', 'operator', 'auditor'] },
  'devices.let-in': { words: 'let a command line in as themselves', roles: EVERYONE },
  'break-glass': {
    words: 'ask for the role of an owner for an hour, and sign for another who asks',
    roles: EVERYONE,
  },
  'self.enrol': { words: 'see how they sign in, and add a passkey or codes', roles: EVERYONE },
  'self.manage': { words: 'manage their own passkeys, codes and sessions', roles: EVERYONE },
  'self.notices': {
    words: 'turn notices on in their own browsers, and try them there',
    roles: EVERYONE,
  },
} as const satisfies Record<string, PermissionRow>;

export type Permission = keyof typeof PERMISSIONS;
export const PERMISSION_NAMES = Object.keys(PERMISSIONS).filter(isPermission);

export function isPermission(name: string): name is Permission {
  return Object.hasOwn(PERMISSIONS, name);
}

export function isRole(name: string): name is Role {
  return ROLES.some((role) => role === name);
}

/** Roles whose signature counts on a hold or a proposal. */
export const DECIDING_ROLES: readonly Role[] = PERMISSIONS['holds.decide'].roles;

/** Nobody without a role may do anything; several roles add up. */
export function rolesAllow(roles: readonly Role[], permission: Permission): boolean {
  const allowed: readonly Role[] = PERMISSIONS[permission].roles;
  return roles.some((role) => allowed.includes(role));
}

/** HF_FORBIDDEN, for whose roles do not let them. */
export function roleRefused(
  name: string,
  roles: readonly Role[],
  permission: Permission,
): HoldfastError {
  return new HoldfastError('HF_FORBIDDEN', {
    expected: `somebody who may ${PERMISSIONS[permission].words}`,
    found: `${name}, who is ${roles.join(', ')}`,
    hint: 'Ask an owner; docs/roles.md has the table.',
  });
}
