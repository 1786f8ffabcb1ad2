import { type Codes, wantsPasskey } from '../../identity/codes.ts';
import type { PasskeyRecord } from '../../identity/passkey-store.ts';
import type { Passkeys } from '../../identity/passkeys.ts';
import type { People } from '../../identity/people.ts';
import type { PersonPrincipal } from '../../identity/principal.ts';
import type { RecoveryCodes } from '../../identity/recovery-codes.ts';
import type { SessionRecord } from '../../identity/session-store.ts';
import type { Sessions } from '../../identity/sessions.ts';
import type { Sso } from '../../identity/sso.ts';
import type { Clock } from '../../model/clock.ts';
import { HoldfastError } from '../../model/errors.ts';
import type { Note } from '../../model/event.ts';
import type { SELF_ROUTES } from '../contract/self.ts';
import type { Handlers } from '../handler.ts';
import { personOf } from '../person.ts';
import { signedOut } from './session.ts';
import { deviceOf, ssoOf } from './sign-in.ts';

export interface SelfParts {
  readonly people: People;
  readonly sessions: Sessions;
  readonly passkeys: Passkeys;
  readonly codes: Codes;
  readonly recovery: RecoveryCodes;
  readonly sso: Sso | null;
  readonly clock: Clock;
  readonly note: Note;
}

export function selfRoutes(parts: SelfParts): Handlers<typeof SELF_ROUTES> {
  const { clock, codes, note, passkeys, people, recovery, sessions, sso } = parts;
  /** A way of their own was added: a session by recovery code is whole from here on. */
  const enrolled = async ({ method, sessionId }: PersonPrincipal, by: 'passkey' | 'totp') => {
    if (method === 'recovery') await sessions.proved(sessionId, by);
  };
  return {
    'session.prove.begin': ({ principal }) => passkeys.beginProof(personOf(principal)),
    'session.prove': async ({ body, principal, source }) => {
      const person = personOf(principal);
      if ('code' in body) {
        await codes.prove(person, body.code);
      } else if (!(await passkeys.prove(person, body.ceremony, body.response, source))) {
        throw notProved();
      }
      await sessions.proved(person.sessionId, 'code' in body ? 'totp' : 'passkey');
      return { provedAt: clock.now().toISOString() };
    },
    'self.show': async ({ principal }) => {
      const { id } = personOf(principal);
      const [keys, person, left, link] = await Promise.all([
        passkeys.list(id),
        people.byId(id),
        recovery.left(id),
        sso?.of(id) ?? null,
      ]);
      return {
        passkeys: keys.map(passkeyView),
        hasCodes: person.hasCodes,
        recoveryCodesLeft: left,
        sso: link === null ? null : { issuer: link.issuer, linkedAt: link.linkedAt.toISOString() },
      };
    },
    'self.passkeys.begin': ({ principal }) => passkeys.beginAdding(personOf(principal)),
    'self.passkeys.add': async ({ body, principal }) => {
      const person = personOf(principal);
      const { ceremony, label, response } = body;
      const passkey = await passkeys.add(person, { ceremony, label, created: response });
      await enrolled(person, 'passkey');
      return passkeyView(passkey);
    },
    'self.passkeys.remove': async ({ params, principal }) => {
      await passkeys.remove(personOf(principal), params.id);
      return { removed: true };
    },
    'self.codes.begin': ({ principal }) => codes.beginAdding(personOf(principal)),
    'self.codes.add': async ({ body, principal }) => {
      const person = personOf(principal);
      await codes.add(person, body.ceremony, body.code);
      await enrolled(person, 'totp');
      return { added: true };
    },
    'self.codes.remove': async ({ principal }) => {
      const person = personOf(principal);
      if (person.method !== 'passkey') throw wantsPasskey();
      return { removed: await codes.remove(person, person.name) };
    },
    'self.recovery.renew': async ({ principal }) => ({
      recoveryCodes: [...(await recovery.renew(personOf(principal)))],
    }),
    'self.sso.begin': async (ask) => {
      const person = personOf(ask.principal);
      return { url: await ssoOf(sso).beginLink(person, deviceOf(ask, clock)) };
    },
    'self.sso.remove': async ({ principal }) => ({
      removed: await ssoOf(sso).unlink(personOf(principal)),
    }),
    'self.sessions.list': async ({ principal }) => {
      const { id, sessionId } = personOf(principal);
      const all = await sessions.list(id);
      return {
        items: all.map((one) => ({ ...sessionView(one), isThisOne: one.id === sessionId })),
      };
    },
    'self.sessions.close': async ({ params, principal }) => {
      const person = personOf(principal);
      const closed = await sessions.close(params.id, person.id);
      if (closed) await note(signedOut(person, params.id, person.name));
      return { closed };
    },
    'self.sessions.closeOthers': async ({ principal }) => {
      const person = personOf(principal);
      const closed = await sessions.closeOthers(person.sessionId, person.id);
      if (closed > 0) await note(signedOut(person, 'all others', person.name));
      return { closed };
    },
  };
}

function passkeyView(passkey: PasskeyRecord) {
  return {
    id: passkey.credentialId,
    label: passkey.label,
    addedAt: passkey.addedAt.toISOString(),
    lastUsedAt: passkey.lastUsedAt?.toISOString() ?? null,
    isBackedUp: passkey.isBackedUp,
    isSuspended: passkey.suspendedAt !== null,
  };
}

export function sessionView(session: SessionRecord) {
  const { expiresAt, id, kind, lastUsedAt, method, openedAt, source, userAgent } = session;
  return {
    id,
    kind,
    method,
    userAgent,
    source,
    openedAt: openedAt.toISOString(),
    lastUsedAt: lastUsedAt.toISOString(),
    expiresAt: expiresAt.toISOString(),
  };
}

function notProved(): HoldfastError {
  return new HoldfastError('HF_PASSKEY', {
    expected: 'a passkey of yours, used here and now',
    found: 'something else',
    hint: 'Begin again, with one of your passkeys.',
  });
}
