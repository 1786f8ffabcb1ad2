/** Whose word a request brings. With a session it is the session's own person's, and only theirs. */
import type { Principal } from '../identity/principal.ts';
import { HoldfastError } from '../model/errors.ts';

/** HF_FORBIDDEN for a word in somebody else's name; on this machine anybody who is named may prove it. */
export function requireOwnWord(principal: Principal | null, person: string): void {
  if (principal?.kind === 'machine') return;
  if (principal?.kind === 'person' && principal.name === person) return;
  throw new HoldfastError('HF_FORBIDDEN', {
    expected: `the word of ${principal?.kind === 'person' ? principal.name : 'a person'}, who is signed in`,
    found: `one in the name of ${person}`,
    hint: 'Everybody signs in as themselves; a word is given by nobody else.',
  });
}
