/** Who is who at an identity provider; implemented by `store/`. */
import type { Role } from './roles.ts';

export interface SsoIdentity {
  readonly issuer: string;
  /** `sub`: the provider's own, never given to another (OpenID Connect Core, §2). */
  readonly subject: string;
}

export interface SsoPerson {
  readonly id: string;
  readonly name: string;
}

/** `removed`: they were somebody here, and were sent away. `foreign`: the link, or the person, is no row of ours. */
export type SsoFound =
  | { readonly kind: 'here'; readonly person: SsoPerson }
  | { readonly kind: 'removed' | 'foreign' };

export interface SsoStore {
  /** Null: nobody here is linked to it. */
  find(identity: SsoIdentity): Promise<SsoFound | null>;
  /** False: it is another's who is here. */
  link(identity: SsoIdentity & { readonly personId: string }, now: Date): Promise<boolean>;
  /** A new person who signs in so and has no proof of their own. Null: none of the names is free. */
  addPerson(
    identity: SsoIdentity,
    person: {
      readonly id: string;
      readonly names: readonly string[];
      readonly roles: readonly Role[];
    },
    now: Date,
  ): Promise<SsoPerson | null>;
  of(personId: string): Promise<{ readonly issuer: string; readonly linkedAt: Date } | null>;
  /** `last`: they would have no way to sign in. */
  unlink(personId: string): Promise<'done' | 'none' | 'last'>;
}
