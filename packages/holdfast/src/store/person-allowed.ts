/**
 * Whether somebody is here and may, looked at under a lock of their row that the caller's transaction keeps:
 * what it finds stays so until that transaction ends. Errors are given and not thrown, since the caller's
 * transaction must commit, or failed codes would not be counted.
 */
import type { Transaction } from 'kysely';
import { nobody } from '../identity/people.ts';
import { isRole, type Permission, roleRefused, rolesAllow } from '../identity/roles.ts';
import type { HoldfastError } from '../model/errors.ts';
import type { RowMacs } from '../model/row-macs.ts';
import { type JudgeCode, spendOrRefuse } from './people-store.ts';
import { lockPersonRow } from './row-facts.ts';
import type { Tables } from './tables.ts';

export interface PermissionWanted {
  readonly permission: Permission;
  readonly now: Date;
}

interface Allowed {
  readonly name: string;
}

/** By id, somebody who can sign in. `said`: what they are called where there is nobody. */
export async function whoMay(
  trx: Transaction<Tables>,
  rows: RowMacs,
  personId: string,
  said: string,
  wanted: PermissionWanted,
): Promise<Allowed | HoldfastError> {
  const person = await lockPersonRow(trx, rows, { id: personId });
  if (person === null || person.confirmed_at === null) return nobody(said);
  return refusalFor(person, wanted) ?? { name: person.name };
}

/** By name and one-time code: who may not has none spent. The id of the person. */
export async function spendIfAllowed(
  trx: Transaction<Tables>,
  rows: RowMacs,
  word: { readonly person: string; readonly code: string },
  wanted: PermissionWanted,
  judgeCode: JudgeCode,
): Promise<string | HoldfastError> {
  const person = await lockPersonRow(trx, rows, { name: word.person });
  if (person === null) return nobody(word.person);
  return refusalFor(person, wanted) ?? (await spendOrRefuse(trx, rows, word, judgeCode));
}

/** Null: they may. An owner by break-glass is one until then. */
function refusalFor(
  person: {
    readonly name: string;
    readonly roles: readonly string[];
    readonly owner_until: Date | null;
  },
  { now, permission }: PermissionWanted,
): HoldfastError | null {
  const isRaised = person.owner_until !== null && person.owner_until > now;
  const roles = person.roles.filter(isRole);
  if (rolesAllow(isRaised ? [...roles, 'owner'] : roles, permission)) return null;
  return roleRefused(person.name, roles, permission);
}
