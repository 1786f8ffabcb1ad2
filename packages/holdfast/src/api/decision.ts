/**
 * A person's yes or no on its way to the desk, the same for holds and for proposals. What proves it is
 * verified by whoever takes it; here is only whose it may be.
 */
import type { z } from 'zod';
import type { PersonWord } from '../approvals/hold-store.ts';
import type { Principal } from '../identity/principal.ts';
import type { Permission } from '../identity/roles.ts';
import type { DECISION } from './contract/word.ts';
import { personOf } from './person.ts';
import { type People, wordOf } from './word.ts';

/** HF_FORBIDDEN for another's. A passkey's word is only ever of the session's own person. */
export async function decisionOf(
  principal: Principal | null,
  holdId: string,
  body: z.output<typeof DECISION>,
  permission: Permission,
  people: People,
): Promise<PersonWord> {
  const { comment, digestShown, typedName } = body;
  const said = { holdId, digestShown, comment, ...(typedName === null ? {} : { typedName }) };
  if ('assertion' in body) {
    const { id } = personOf(principal);
    return { kind: 'passkey', personId: id, assertion: body.assertion, ...said };
  }
  return { kind: 'totp', ...(await wordOf(principal, body, permission, people)), ...said };
}
