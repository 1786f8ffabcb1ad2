/** What a request says of where it comes from, and whose attempts and requests it counts with. */
import type { FastifyRequest } from 'fastify';
import type { Principal } from '../identity/principal.ts';
import { hashSecret } from '../identity/secrets.ts';
import type { Around } from './handler.ts';
import { PAGE_HEADER } from './who.ts';

/** Whose count it is. */
export function whoOf(principal: Principal | null, source: string): string {
  if (principal === null) return `nobody ${source}`;
  return principal.kind === 'machine' ? 'machine' : `${principal.kind} ${principal.id}`;
}

export function pageOf({ headers }: FastifyRequest): string | null {
  const said = headers[PAGE_HEADER];
  return typeof said === 'string' ? said : null;
}

export function lastEventIdOf({ headers }: FastifyRequest): string | null {
  const said = headers['last-event-id'];
  return typeof said === 'string' && said.length <= 32 ? said : null;
}

/** Whoever else stands at the address of a browser that is known does not use up its attempts. */
export function attemptKeyOf({ cookies, knownAs, principal }: Around, address: string): string {
  if (principal?.kind === 'person') return principal.id;
  return knownAs.length > 0 ? deviceKeyOf(cookies.device ?? '') : address;
}

export function deviceKeyOf(device: string): string {
  return `browser ${hashSecret(device).toString('hex')}`;
}
