/**
 * Signing in, and joining by a one-time link. Nothing here asks for a session; each of these routes
 * counts as an attempt of its source.
 *
 * Who may not get in is told one thing whatever the reason: HF_SIGN_IN (401). Whether there is a person
 * of a name is not to be learned here.
 */
import { z } from 'zod';
import { ROLES } from '../../identity/roles.ts';
import { route, WHEN } from './route.ts';
import { ASSERTED, CEREMONY, CREATED, CREATION, REQUEST } from './webauthn.ts';

export const NAME = z.string().min(1).max(63);
export const LABEL = z.string().trim().min(1).max(80);
export const CODE = z.string().max(16);

const PERSON = z.object({ id: z.string(), name: z.string(), roles: z.array(z.enum(ROLES)) });

/** `hfp_…`, once: the dashboard keeps it for its origin, and shows it as `x-holdfast-page` at every request. */
const PAGE = z.string();

/** The session itself travels in cookies, and opens nothing without `page`. */
const SIGNED_IN = z.object({
  person: PERSON,
  /** Signed in by a recovery code: nothing else is open until a passkey or codes are added. */
  mustEnrol: z.boolean(),
  page: PAGE,
});

/** The part of the link behind `#`. */
const INVITATION = z.string().max(64);
/** Asked for where the link names nobody: the first owner chooses. */
const CHOSEN_NAME = NAME.optional();

const JOINED = z.object({
  person: PERSON,
  /** Shown once, and never again. */
  recoveryCodes: z.array(z.string()),
  page: PAGE,
});

/** For an authenticator app. */
export const CODES_OFFER = z.object({
  ceremony: CEREMONY,
  /** otpauth://totp/… ; holds the secret, for a QR code. */
  uri: z.string(),
});

/** Where the browser has to go now: the identity provider. It comes back to `<dashboard>/sso?…`. */
export const ELSEWHERE = z.object({ url: z.url() });

export const SIGN_IN_ROUTES = {
  'signIn.passkey.begin': route({
    method: 'POST',
    path: '/v1/sign-in/passkey/options',
    access: 'anyone',
    isAttempt: true,
    summary: 'Begin to sign in by passkey',
    answer: REQUEST,
  }),
  'signIn.passkey': route({
    method: 'POST',
    path: '/v1/sign-in/passkey',
    access: 'anyone',
    showsSecret: true,
    isAttempt: true,
    summary: 'Sign in by passkey',
    body: z.strictObject({ ceremony: CEREMONY, response: ASSERTED }),
    answer: SIGNED_IN,
  }),
  'signIn.code': route({
    method: 'POST',
    path: '/v1/sign-in/code',
    access: 'anyone',
    showsSecret: true,
    isAttempt: true,
    summary: 'Sign in by name and one-time code',
    body: z.strictObject({ name: NAME, code: CODE }),
    answer: SIGNED_IN,
  }),
  'signIn.recovery': route({
    method: 'POST',
    path: '/v1/sign-in/recovery',
    access: 'anyone',
    showsSecret: true,
    isAttempt: true,
    summary: 'Sign in by name and recovery code, to add a passkey',
    body: z.strictObject({ name: NAME, code: z.string().max(64) }),
    answer: SIGNED_IN,
  }),
  'signIn.sso.begin': route({
    method: 'POST',
    path: '/v1/sign-in/sso/begin',
    access: 'anyone',
    isAttempt: true,
    summary: 'Begin to sign in through the identity provider',
    answer: ELSEWHERE,
  }),
  'signIn.sso': route({
    method: 'POST',
    path: '/v1/sign-in/sso',
    access: 'anyone',
    showsSecret: true,
    isAttempt: true,
    summary: 'Finish what was begun at the identity provider: signing in, joining or linking',
    body: z.strictObject({
      /** `location.search` of the page `/sso`, as the provider left it. */
      query: z.string().max(4_096),
    }),
    answer: SIGNED_IN.extend({
      did: z.enum(['signed-in', 'joined', 'linked']),
      /** Null when it linked: the session is the one that was there. */
      page: PAGE.nullable(),
    }),
  }),
  'join.show': route({
    method: 'POST',
    path: '/v1/join',
    access: 'anyone',
    isAttempt: true,
    summary: 'Say what a one-time link is for',
    body: z.strictObject({ invitation: INVITATION }),
    answer: z.object({
      /** Null: the first owner, who chooses a name. */
      name: z.string().nullable(),
      roles: z.array(z.enum(ROLES)),
      expiresAt: WHEN,
    }),
  }),
  'join.passkey.begin': route({
    method: 'POST',
    path: '/v1/join/passkey/options',
    access: 'anyone',
    isAttempt: true,
    summary: 'Begin to join with a passkey',
    body: z.strictObject({ invitation: INVITATION, name: CHOSEN_NAME }),
    answer: CREATION,
  }),
  'join.passkey': route({
    method: 'POST',
    path: '/v1/join/passkey',
    access: 'anyone',
    showsSecret: true,
    isAttempt: true,
    summary: 'Join with a passkey: uses the link up and signs in',
    body: z.strictObject({
      invitation: INVITATION,
      ceremony: CEREMONY,
      label: LABEL,
      response: CREATED,
    }),
    answer: JOINED,
  }),
  'join.code.begin': route({
    method: 'POST',
    path: '/v1/join/code/options',
    access: 'anyone',
    showsSecret: true,
    isAttempt: true,
    summary: 'Begin to join with an authenticator app',
    body: z.strictObject({ invitation: INVITATION, name: CHOSEN_NAME }),
    answer: CODES_OFFER,
  }),
  'join.code': route({
    method: 'POST',
    path: '/v1/join/code',
    access: 'anyone',
    showsSecret: true,
    isAttempt: true,
    summary: 'Join with a first code of the app: uses the link up and signs in',
    body: z.strictObject({ invitation: INVITATION, ceremony: CEREMONY, code: CODE }),
    answer: JOINED,
  }),
  'join.sso.begin': route({
    method: 'POST',
    path: '/v1/join/sso',
    access: 'anyone',
    isAttempt: true,
    summary:
      'Begin to join through the identity provider; decides nothing until a passkey is added',
    body: z.strictObject({ invitation: INVITATION }),
    answer: ELSEWHERE,
  }),
} as const;
