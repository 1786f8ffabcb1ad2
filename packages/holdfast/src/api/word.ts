/**
 * Whose word it is. With a session it can only be its own person's. The command line on this machine
 * says a name, and the code proves it; what that person may do is asked here, because a machine may
 * all by itself.
 */
import type { PersonRecord } from '../identity/people-store.ts';
import type { Principal } from '../identity/principal.ts';
import { PERMISSIONS, type Permission, rolesAllow } from '../identity/roles.ts';
import { HoldfastError } from '../model/errors.ts';

export interface Word {
  readonly person: string;
  readonly code: string;
}

export type People = { readonly list: () => Promise<readonly PersonRecord[]> };

/** HF_FORBIDDEN. Whether the code is theirs, and there is such a person, whoever spends it says. */
export async function wordOf(
  principal: Principal | null,
  { code, person }: Word,
  permission: Permission,
  people: People,
): Promise<Word> {
  if (principal?.kind === 'person') {
    if (principal.name !== person) throw notTheirs(principal.name, person);
    return { person, code };
  }
  const known = (await people.list()).find(({ name }) => name === person);
  if (known !== undefined && !rolesAllow(known.roles, permission)) {
    throw new HoldfastError('HF_FORBIDDEN', {
      expected: `somebody who may ${PERMISSIONS[permission].words}`,
      found: `${person}, who is ${known.roles.join(', ')}`,
      hint: 'Ask an owner; docs/roles.md has the table.',
    });
  }
  return { person, code };
}

function notTheirs(own: string, said: string): HoldfastError {
  return new HoldfastError('HF_FORBIDDEN', {
    expected: `${own}, whose session this is`,
    found: said.slice(0, 100),
    hint: 'Everybody signs in for themselves.',
  });
}
