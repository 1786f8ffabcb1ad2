import type { Codes } from '../../identity/codes.ts';
import type { Invites, Joined } from '../../identity/invites.ts';
import type { Passkeys } from '../../identity/passkeys.ts';
import type { Principal } from '../../identity/principal.ts';
import { isTooOld } from '../../identity/proof-age.ts';
import type { RecoveryCodes } from '../../identity/recovery-codes.ts';
import { isSecret, newSecret } from '../../identity/secrets.ts';
import type { SignInMethod } from '../../identity/session-store.ts';
import type { Sso } from '../../identity/sso.ts';
import type { Clock } from '../../model/clock.ts';
import { HoldfastError } from '../../model/errors.ts';
import type { SIGN_IN_ROUTES } from '../contract/sign-in.ts';
import type { Around, Handlers } from '../handler.ts';
import { notLetIn, notLetInFromThere, type OpeningParts, openSession } from './opening.ts';

export interface SignInParts extends OpeningParts {
  readonly passkeys: Passkeys;
  readonly codes: Codes;
  readonly recovery: RecoveryCodes;
  readonly invites: Invites;
  readonly sso: Sso | null;
  readonly clock: Clock;
}

export function signInRoutes(parts: SignInParts): Handlers<typeof SIGN_IN_ROUTES> {
  const { clock, codes, invites, passkeys, recovery } = parts;
  const joined = async (ask: Around, end: Joined, method: SignInMethod) => {
    const { page, person } = await openSession(parts, ask, end.person, method);
    return { person, recoveryCodes: [...end.recoveryCodes], page };
  };
  return {
    'signIn.passkey.begin': () => passkeys.beginSignIn(),
    'signIn.passkey': async (ask) => {
      const { ceremony, response } = ask.body;
      const person = await passkeys.signIn(ceremony, response, ask.source);
      if (person === null) throw notLetIn();
      return openSession(parts, ask, person, 'passkey');
    },
    'signIn.code': async (ask) => {
      const person = await codes.signIn(ask.body.name, ask.body.code, ask.source, ask.knownAs);
      if (person === null) throw notLetIn();
      return openSession(parts, ask, person, 'totp');
    },
    'signIn.recovery': async (ask) => {
      const person = await recovery.use(ask.body.name, ask.body.code, ask.source);
      if (person === null) throw notLetIn();
      return openSession(parts, ask, person, 'recovery');
    },
    'signIn.sso.begin': async (ask) => {
      const sso = ssoOf(parts.sso);
      return { url: await sso.beginSignIn(deviceOf(ask, clock)) };
    },
    'signIn.sso': async (ask) => {
      const { body, cookies, principal, source } = ask;
      const asks = isProved(principal, clock) ? principal : null;
      const sso = ssoOf(parts.sso);
      const end = await sso.finish({ query: body.query, device: cookies.device, source, asks });
      if (end === null) throw notLetInFromThere();
      if (end.did !== 'linked') {
        return { did: end.did, ...(await openSession(parts, ask, end.person, 'sso')) };
      }
      const { id, name, roles } = await parts.people.byId(end.person.id);
      return {
        did: end.did,
        person: { id, name, roles: [...roles] },
        mustEnrol: false,
        page: null,
      };
    },
    'join.show': async ({ body }) => {
      const { expiresAt, person, roles } = await invites.look(body.invitation);
      return {
        name: person?.name ?? null,
        roles: [...roles],
        expiresAt: expiresAt.toISOString(),
      };
    },
    'join.passkey.begin': ({ body }) => invites.beginPasskey(body.invitation, body.name),
    'join.passkey': async (ask) => {
      const { ceremony, invitation, label, response } = ask.body;
      const answer = { ceremony, label, created: response };
      return joined(ask, await invites.joinByPasskey(invitation, answer), 'passkey');
    },
    'join.code.begin': ({ body }) => invites.beginCodes(body.invitation, body.name),
    'join.code': async (ask) => {
      const { ceremony, code, invitation } = ask.body;
      return joined(ask, await invites.joinByCodes(invitation, ceremony, code), 'totp');
    },
    'join.sso.begin': async (ask) => {
      const sso = ssoOf(parts.sso);
      return { url: await sso.beginJoin(ask.body.invitation, deviceOf(ask, clock)) };
    },
  };
}

/** The browser that begins is known again when it comes back. */
export function deviceOf({ cookies, keepDevice }: Around, clock: Clock): string {
  if (cookies.device !== null && isSecret('hfd', cookies.device)) return cookies.device;
  const device = newSecret('hfd', clock);
  keepDevice(device);
  return device;
}

/** HF_UNSUPPORTED. */
export function ssoOf(sso: Sso | null): Sso {
  if (sso !== null) return sso;
  throw new HoldfastError('HF_UNSUPPORTED', {
    expected: 'an identity provider (signIn.oidc in holdfast.yaml)',
    found: 'none',
    hint: 'Sign in by passkey or code.',
  });
}

function isProved(
  principal: Principal | null,
  clock: Clock,
): principal is Extract<Principal, { kind: 'person' }> {
  if (principal?.kind !== 'person') return false;
  if (principal.method !== 'passkey' && principal.method !== 'totp') return false;
  return !isTooOld(principal.provedAt, clock.now());
}
