/**
 * Single sign-on: whom an identity provider's word lets in here. Fail closed, in this order:
 *
 *   somebody here is linked to (issuer, subject) -> them; who was sent away stays away
 *   else holdfast.yaml allows them (address or its domain, verified by the provider; or group) -> a new person
 *   else nobody
 *
 * An address never makes anybody somebody who is here already: only an owner's link, or the person after a
 * recent proof, links. And being let in is all it does: a session that was opened so has proved nothing, and
 * the first passkey of a person comes by an owner's link (docs/people.md).
 */
import type { Clock } from '../model/clock.ts';
import { HoldfastError } from '../model/errors.ts';
import type { HoldfastEvent, Note } from '../model/event.ts';
import { newId } from '../model/ids.ts';
import { SSO_NAMES_TRIED_MAX } from '../model/limits.ts';
import { noting, type Recorded } from './intents.ts';
import type { Invites } from './invites.ts';
import type { Oidc, OidcClaims } from './oidc.ts';
import { lastWayIn, type PersonRef } from './passkeys.ts';
import type { Role } from './roles.ts';
import { hashSecret } from './secrets.ts';
import type { SsoStore } from './sso-store.ts';

export interface SsoRules {
  /** Whole addresses and domains, lower case; both only when the provider verified the address. */
  readonly emails: readonly string[];
  readonly domains: readonly string[];
  /** Of the claim `groups`. */
  readonly groups: readonly string[];
  /** What who comes in so may do, until an owner says otherwise. Never owner. */
  readonly roles: readonly Role[];
}

export interface SsoParts {
  readonly oidc: Oidc;
  readonly store: SsoStore;
  readonly rules: SsoRules;
  readonly invites: Invites;
  readonly clock: Clock;
  readonly note: Note;
  /** Left out: entries alone, after the change. */
  readonly recorded?: Recorded;
}

export interface SsoEnd {
  readonly did: 'signed-in' | 'joined' | 'linked';
  readonly person: PersonRef;
}

export class Sso {
  readonly #parts: SsoParts;
  readonly #recorded: Recorded;

  constructor(parts: SsoParts) {
    this.#parts = parts;
    this.#recorded = parts.recorded ?? noting(parts.note);
  }

  get host(): string {
    return new URL(this.#parts.oidc.issuer).host;
  }

  beginSignIn(device: string): Promise<string> {
    return this.#parts.oidc.begin({ kind: 'sign-in' }, device);
  }

  /** HF_INVITE. */
  async beginJoin(secret: string, device: string): Promise<string> {
    const invite = await this.#parts.invites.look(secret);
    if (invite.person === null) {
      throw new HoldfastError('HF_USAGE', {
        expected: 'a first owner with a passkey or codes of their own',
        found: 'single sign-on',
        hint: 'Choose a passkey; link yourself at the identity provider afterwards.',
      });
    }
    const invitation = hashSecret(secret).toString('hex');
    return this.#parts.oidc.begin({ kind: 'join', invitation }, device);
  }

  beginLink(person: PersonRef, device: string): Promise<string> {
    return this.#parts.oidc.begin({ kind: 'link', personId: person.id }, device);
  }

  /**
   * `asks`: who is signed in and has proved to be there lately; only they are linked. Null: nobody is let
   * in; why is in the trail.
   */
  async finish(from: {
    readonly query: string;
    readonly device: string | null;
    readonly source: string;
    readonly asks: PersonRef | null;
  }): Promise<SsoEnd | null> {
    const { invites, oidc } = this.#parts;
    const answer = await oidc.finish(from.query, from.device);
    if (answer.kind === 'wrong') return this.#refuse(answer.why, from.source);
    const { claims, purpose } = answer;
    const identity = { issuer: claims.iss, subject: claims.sub };
    switch (purpose.kind) {
      case 'sign-in': {
        const person = await this.#whoIs(claims, from.source);
        return person === null ? null : { did: 'signed-in', person };
      }
      case 'join': {
        const hash = Buffer.from(purpose.invitation, 'hex');
        return { did: 'joined', person: await invites.joinBySso(hash, identity) };
      }
      case 'link':
        if (from.asks?.id !== purpose.personId) {
          return this.#refuse('whoever began to link is not signed in any more', from.source);
        }
        await this.#link(from.asks, identity);
        return { did: 'linked', person: from.asks };
      default:
        return purpose satisfies never;
    }
  }

  of(personId: string): Promise<{ readonly issuer: string; readonly linkedAt: Date } | null> {
    return this.#parts.store.of(personId);
  }

  /** False: they were not linked. HF_LAST_WAY_IN. */
  async unlink(person: PersonRef): Promise<boolean> {
    const event: HoldfastEvent = {
      kind: 'sso-unlinked',
      facts: { person: person.name, personId: person.id },
      message: `${person.name} no longer signs in through an identity provider.`,
    };
    return await this.#recorded.around(
      event,
      async () => {
        const end = await this.#parts.store.unlink(person.id);
        if (end === 'last') throw lastWayIn('a passkey, or one-time codes');
        return end === 'done';
      },
      (isDone) => (isDone ? [event] : []),
    );
  }

  async #link(
    person: PersonRef,
    identity: { readonly issuer: string; readonly subject: string },
  ): Promise<void> {
    const { clock, store } = this.#parts;
    const event: HoldfastEvent = {
      kind: 'sso-linked',
      facts: { person: person.name, personId: person.id, ...identity },
      message: `${person.name} may sign in through ${identity.issuer}.`,
    };
    await this.#recorded.around(
      event,
      async () => {
        if (await store.link({ ...identity, personId: person.id }, clock.now())) return;
        throw new HoldfastError('HF_EXISTS', {
          expected: 'an identity that is nobody’s here',
          found: 'another person’s',
          hint: 'Sign out at the identity provider, and in again as yourself.',
        });
      },
      () => [event],
    );
  }

  async #whoIs(claims: OidcClaims, source: string): Promise<PersonRef | null> {
    const { clock, rules, store } = this.#parts;
    const identity = { issuer: claims.iss, subject: claims.sub };
    const known = await store.find(identity);
    if (known?.kind === 'here') return known.person;
    if (known !== null) return this.#refuse(WHY_NOT[known.kind], source);
    if (!isAllowed(claims, rules)) {
      return this.#refuse('nobody here is linked to them, and nothing allows them', source);
    }
    const id = newId('person', clock);
    const names = namesFor(claims);
    const joined = (name: string): HoldfastEvent => ({
      kind: 'person-joined',
      facts: {
        person: name,
        personId: id,
        roles: rules.roles.join(', '),
        method: 'sso',
        ...identity,
      },
      message: `${name} came through ${identity.issuer}, and signs nothing yet.`,
    });
    const person = await this.#recorded.around(
      joined(names[0] ?? 'somebody'),
      () => store.addPerson(identity, { id, names, roles: rules.roles }, clock.now()),
      (added) => (added === null ? [] : [joined(added.name)]),
    );
    return person ?? this.#refuse(`no name like ${names[0]} is free`, source);
  }

  async #refuse(why: string, source: string): Promise<null> {
    await this.#parts.note({
      kind: 'sign-in-refused',
      facts: { person: null, method: 'sso', why, source },
      message: `Somebody who came through the identity provider was not let in: ${why}.`,
    });
    return null;
  }
}

const WHY_NOT = {
  removed: 'they were removed here',
  foreign: 'whom they are linked to was not written by Holdfast, and counts as nobody',
} as const;

export function isAllowed(claims: OidcClaims, rules: SsoRules): boolean {
  if (claims.groups?.some((group) => rules.groups.includes(group)) === true) return true;
  if (claims.email_verified !== true || claims.email === undefined) return false;
  const email = claims.email.toLowerCase();
  const at = email.lastIndexOf('@');
  return rules.emails.includes(email) || (at > 0 && rules.domains.includes(email.slice(at + 1)));
}

/** `ana.silva@example.com` is `ana-silva`, or the first `ana-silva-2` … that is free. */
function namesFor({ email, preferred_username: called }: OidcClaims): readonly string[] {
  const [local = ''] = (called ?? email ?? '').toLowerCase().split('@');
  const words = local
    .normalize('NFKD')
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^[^a-z]+|-+$/g, '')
    .slice(0, 50)
    .replaceAll(/-+$/g, '');
  const name = words === '' ? 'guest' : words;
  return Array.from({ length: SSO_NAMES_TRIED_MAX }, (_, at) =>
    at === 0 ? name : `${name}-${at + 1}`,
  );
}
