/**
 * Whose word it is. With a session it can only be its own person's. The command line on this machine
 * says a name, and the code proves it; what that person may do is asked here, because a machine may
 * all by itself.
 */
import type { PersonRecord } from '../identity/people-store.ts';
import type { Principal } from '../identity/principal.ts';
import { type Permission, roleRefused, rolesAllow } from '../identity/roles.ts';
import { HoldfastError } from '../model/errors.ts';
import type { Signed } from '../model/signed.ts';
import { personOf } from './person.ts';

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
    throw roleRefused(person, known.roles, permission);
  }
  return { person, code };
}

interface Said {
  readonly person?: string | undefined;
  readonly code?: string | undefined;
}

/**
 * For what one person may do alone: by code, or without one as the session's own person. Whether they proved of
 * late that they are there, whoever does it asks its own session. HF_USAGE for half a word.
 */
export async function signedOf(
  principal: Principal | null,
  { code, person }: Said,
  permission: Permission,
  people: People,
): Promise<Signed> {
  if (person !== undefined && code !== undefined) {
    return { kind: 'code', ...(await wordOf(principal, { person, code }, permission, people)) };
  }
  if (person !== undefined || code !== undefined) throw halfWord(code === undefined);
  const { id: personId, name, sessionId } = personOf(principal);
  return { kind: 'proved', person: name, personId, sessionId };
}

function halfWord(isNoCode: boolean): HoldfastError {
  return new HoldfastError('HF_USAGE', {
    expected: '`person` and `code` together; or neither, in a session that was proved of late',
    found: isNoCode ? 'a person without a code' : 'a code without a person',
    hint: 'Say both, or leave both out.',
  });
}

function notTheirs(own: string, said: string): HoldfastError {
  return new HoldfastError('HF_FORBIDDEN', {
    expected: `${own}, whose session this is`,
    found: said.slice(0, 100),
    hint: 'Everybody signs in for themselves.',
  });
}
