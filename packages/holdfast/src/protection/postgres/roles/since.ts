/**
 * What a change of roles left behind, fact by fact, so that an undo sees what somebody changed since. By names,
 * not by numbers: a role that was dropped and came back is the same to who uses it.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { differences, type RolePicture, settingsOf } from './picture.ts';

/** One thing the change set: what it is, for people, and what it was then. */
export interface LeftFact {
  readonly about: string;
  readonly key: string;
  readonly state: string;
}

const KEY = z.union([
  z.tuple([z.literal('role'), z.string()]),
  z.tuple([z.literal('membership'), z.string(), z.string()]),
  z.tuple([z.literal('setting'), z.string(), z.string().nullable(), z.string()]),
]);
type Key = z.infer<typeof KEY>;
const NONE = 'none';

/** Of roles that are there after it; a name that has to be free is looked for anyway (`absent`). */
export function factsLeft(before: RolePicture, after: RolePicture): LeftFact[] {
  const nameOf = (oid: string): string | null => after.roles.get(oid)?.name ?? null;
  const found: LeftFact[] = [];
  const add = (about: string, key: Key): void => {
    found.push({ about, key: JSON.stringify(key), state: stateOf(after, key) });
  };
  for (const { after: row } of differences(before.roles, after.roles)) {
    if (row !== null) add(`role ${row.name}`, ['role', row.name]);
  }
  for (const one of differences(before.memberships, after.memberships)) {
    const row = one.after ?? one.before;
    const role = row === null ? null : nameOf(row.roleOid);
    const member = row === null ? null : nameOf(row.memberOid);
    if (role === null || member === null) continue;
    add(`role ${role} of ${member}`, ['membership', role, member]);
  }
  for (const one of differences(before.settings, after.settings)) {
    const row = one.after ?? one.before;
    const role = row === null ? null : nameOf(row.roleOid);
    if (row === null || role === null) continue;
    const [old, now] = [settingsOf(one.before), settingsOf(one.after)];
    for (const name of new Set([...old.keys(), ...now.keys()])) {
      if (old.get(name) === now.get(name)) continue;
      add(`${name} of role ${role}`, ['setting', role, row.database, name]);
    }
  }
  return found;
}

/** Which of them somebody changed since. A fact that cannot be read counts as changed. */
export function changedSince(left: readonly LeftFact[], now: RolePicture): LeftFact[] {
  return left.filter(({ key, state }) => {
    const parsed = keyOf(key);
    return parsed === null || stateOf(now, parsed) !== state;
  });
}

function keyOf(text: string): Key | null {
  try {
    return KEY.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

function stateOf(picture: RolePicture, key: Key): string {
  const named = (name: string) => [...picture.roles.values()].find((row) => row.name === name);
  const role = named(key[1]);
  if (role === undefined) return NONE;
  switch (key[0]) {
    case 'role': {
      const { comment, connectionLimit, createdb, inherit, login, validUntil, verifier } = role;
      // Infinity stands for none: nothing else can be set again.
      const until = validUntil ?? 'infinity';
      return digest([comment, connectionLimit, createdb, inherit, login, until, verifier]);
    }
    case 'membership': {
      const member = named(key[2]);
      const rows = [...picture.memberships.values()]
        .filter(({ memberOid, roleOid }) => roleOid === role.oid && memberOid === member?.oid)
        .map(({ admin, inherit, set }) => JSON.stringify([admin, inherit, set]));
      return rows.length === 0 ? NONE : digest(rows.toSorted());
    }
    case 'setting': {
      const [, , database, name] = key;
      const row = picture.settings.get(`${role.oid} ${database ?? ''}`) ?? null;
      const value = settingsOf(row).get(name);
      return value === undefined ? NONE : digest([value]);
    }
    default:
      return key satisfies never;
  }
}

function digest(values: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(values)).digest('hex');
}
