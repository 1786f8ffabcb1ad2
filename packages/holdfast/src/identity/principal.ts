/**
 * Who asks the API: a person with a session, an agent with its token, or this machine itself, which
 * is whoever can open our store (the command line beside it). What each may do is asked here and
 * nowhere else.
 */
import { type Permission, type Role, rolesAllow } from './roles.ts';
import type { SignInMethod } from './session-store.ts';

export interface PersonPrincipal {
  readonly kind: 'person';
  readonly id: string;
  readonly name: string;
  readonly roles: readonly Role[];
  /** An owner by break-glass only: keeps the house for an hour, and hands it to nobody. */
  readonly isRaised: boolean;
  readonly sessionId: string;
  /** How this session last proved who it is. */
  readonly method: SignInMethod;
  /** When it last proved by passkey or code that the person is there; 1970: never. */
  readonly provedAt: Date;
}

export interface AgentPrincipal {
  readonly kind: 'agent';
  readonly id: string;
  readonly name: string;
  readonly tokenId: string;
}

/** Decides nothing by itself: a person's word still wants that person's proof. */
export interface MachinePrincipal {
  readonly kind: 'machine';
}

export type Principal = PersonPrincipal | AgentPrincipal | MachinePrincipal;

/**
 * Several roles of a person add up. A recovery code opens nothing but the way to a passkey: whoever found
 * the sheet of paper decides nothing with it, and is seen adding one.
 */
export function mayDo(principal: Principal, permission: Permission): boolean {
  switch (principal.kind) {
    case 'person':
      if (principal.method === 'recovery' && permission !== 'self.enrol') return false;
      return rolesAllow(principal.roles, permission);
    case 'machine':
      return true;
    case 'agent':
      return false;
    default:
      return principal satisfies never;
  }
}
