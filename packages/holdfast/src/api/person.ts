/** Who asks, where only a person can. */
import type { PersonPrincipal, Principal } from '../identity/principal.ts';
import { HoldfastError } from '../model/errors.ts';

/** The machine itself, or an agent, has no passkey. */
export function personOf(principal: Principal | null): PersonPrincipal {
  if (principal?.kind === 'person') return principal;
  throw new HoldfastError('HF_FORBIDDEN', {
    expected: 'a person who is signed in',
    found: principal === null ? 'nobody' : `the ${principal.kind}`,
    hint: 'Sign in on the dashboard.',
  });
}
