/**
 * Which changes of roles are nobody's to make through Holdfast: judged by what the server did (two
 * pictures), not by what the text says, before anything is committed. The same holds for an undo, so that
 * no record of an act, however it came about, makes anybody more than these rules allow.
 *
 * Untouched stay: who may everything (superuser, replication, bypassrls, createrole), the server's own
 * roles (pg_*), Holdfast's and its agents', exempt roles, the admin. No agent gains anything by belonging
 * to somebody who gains something.
 */
import { AGENT_ROLE_PREFIX, AGENTS_ROLE, OTHERS_ROLE } from '../layout.ts';
import {
  differences,
  type MembershipRow,
  type RolePicture,
  type RoleRow,
  settingsOf,
} from './picture.ts';

/** What is known of the target besides its roles. */
export interface RoleFacts {
  readonly admin: string;
  readonly exempt: ReadonlySet<string>;
  /** Noted by name: who owns what agents make, and who owned what before `protect`. */
  readonly noted: ReadonlySet<string>;
  /** Settings that every session may change for itself. */
  readonly freeSettings: ReadonlySet<string>;
}

const OURS = /^(pg_|holdfast_)/;
/** A session that starts as somebody else is a membership by another name. */
const WHO: ReadonlySet<string> = new Set(['role', 'session_authorization']);

/** The first that is not allowed, in words; null: nothing. */
export function roleTrouble(
  before: RolePicture,
  after: RolePicture,
  facts: RoleFacts,
): string | null {
  return (
    attributesTrouble(before, after, facts) ??
    membershipTrouble(before, after, facts) ??
    settingsTrouble(before, after, facts)
  );
}

function attributesTrouble(
  before: RolePicture,
  after: RolePicture,
  facts: RoleFacts,
): string | null {
  for (const one of differences(before.roles, after.roles)) {
    for (const row of [one.before, one.after]) {
      const why = row === null ? null : standing(row, before, after, facts);
      if (why !== null) return why;
    }
    const { before: old, after: now } = one;
    if (old !== null && old.name !== now?.name && facts.noted.has(old.name))
      return `${old.name} is noted by name by holdfast protect, and would be called otherwise or gone`;
    if ((old?.labels ?? 0) !== (now?.labels ?? 0))
      return `the security labels of ${(now ?? old)?.name ?? '?'} cannot be put back`;
  }
  return null;
}

function membershipTrouble(
  before: RolePicture,
  after: RolePicture,
  facts: RoleFacts,
): string | null {
  for (const one of differences(before.memberships, after.memberships)) {
    const row = one.after ?? one.before;
    if (row === null) continue;
    const why = partTrouble(row, before, after, facts);
    if (why !== null) return why;
  }
  return null;
}

function partTrouble(
  { roleOid, memberOid }: MembershipRow,
  before: RolePicture,
  after: RolePicture,
  facts: RoleFacts,
): string | null {
  const member = rowOf(memberOid, before, after);
  const role = rowOf(roleOid, before, after);
  if (member === null || role === null) return 'a role that nobody knows would belong to another';
  const why = standing(member, before, after, facts);
  if (why !== null) return why;
  // Whatever has that name belongs to everybody.
  if (role.name === OTHERS_ROLE) return null;
  for (const oid of closure(roleOid, 'memberOid', before, after)) {
    const reached = rowOf(oid, before, after);
    if (reached === null || reached.name === OTHERS_ROLE) continue;
    const stands = standing(reached, before, after, facts);
    if (stands !== null) return oid === roleOid ? stands : `${role.name} leads to it: ${stands}`;
  }
  for (const oid of closure(memberOid, 'roleOid', before, after)) {
    const reached = rowOf(oid, before, after);
    if (reached !== null && isAgent(reached, before, after))
      return `${reached.name}, an agent's role, belongs to ${member.name}`;
  }
  return null;
}

function settingsTrouble(before: RolePicture, after: RolePicture, facts: RoleFacts): string | null {
  for (const one of differences(before.settings, after.settings)) {
    const row = one.after ?? one.before;
    if (row === null) continue;
    const whose = rowOf(row.roleOid, before, after);
    if (whose === null) return 'it would be set for every role';
    const why = standing(whose, before, after, facts);
    if (why !== null) return why;
    const old = settingsOf(one.before);
    const now = settingsOf(one.after);
    for (const name of new Set([...old.keys(), ...now.keys()])) {
      if (old.get(name) === now.get(name)) continue;
      if (WHO.has(name)) return `${name} of ${whose.name} would be another`;
      if (!facts.freeSettings.has(name)) return `${name} is not a setting that anybody may change`;
    }
  }
  return null;
}

/** Why a role is nobody's to touch; null: it may be. */
function standing(
  row: RoleRow,
  before: RolePicture,
  after: RolePicture,
  facts: RoleFacts,
): string | null {
  if (row.superuser) return `${row.name} is a superuser`;
  if (row.replication) return `${row.name} may replicate`;
  if (row.bypassrls) return `${row.name} passes row security`;
  if (row.createrole) return `${row.name} may make roles`;
  if (row.name === facts.admin) return `${row.name} is Holdfast's own admin`;
  if (OURS.test(row.name)) return `${row.name} is a role of the server or of Holdfast itself`;
  if (isAgent(row, before, after)) return `${row.name} is an agent's role`;
  if (facts.exempt.has(row.name)) return `${row.name} is an exempt role`;
  return null;
}

function isAgent(row: RoleRow, before: RolePicture, after: RolePicture): boolean {
  if (row.name.startsWith(AGENT_ROLE_PREFIX) || row.name === AGENTS_ROLE) return true;
  return [...closure(row.oid, 'memberOid', before, after)].some(
    (oid) => rowOf(oid, before, after)?.name === AGENTS_ROLE,
  );
}

/** A role and all it belongs to (`from` memberOid), or all that belongs to it (`from` roleOid). */
function closure(
  start: string,
  from: 'memberOid' | 'roleOid',
  before: RolePicture,
  after: RolePicture,
): ReadonlySet<string> {
  const to = from === 'memberOid' ? 'roleOid' : 'memberOid';
  const found = new Set([start]);
  const rows = [...before.memberships.values(), ...after.memberships.values()];
  for (const oid of found) for (const row of rows) if (row[from] === oid) found.add(row[to]);
  return found;
}

function rowOf(oid: string, before: RolePicture, after: RolePicture): RoleRow | null {
  return after.roles.get(oid) ?? before.roles.get(oid) ?? null;
}
