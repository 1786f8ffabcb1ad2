/** What people do about themselves: prove that they are there, keep passkeys, codes and sessions. */
import { z } from 'zod';
import { SESSION_KINDS, SIGN_IN_METHODS } from '../../identity/session-store.ts';
import { route, WHEN } from './route.ts';
import { CODE, CODES_OFFER, ELSEWHERE, LABEL } from './sign-in.ts';
import { ASSERTED, CEREMONY, CREATED, CREATION, REQUEST } from './webauthn.ts';

const PASSKEY = z.object({
  /** The credential id, base64url. */
  id: z.string(),
  label: z.string(),
  addedAt: WHEN,
  lastUsedAt: WHEN.nullable(),
  /** Synchronized among the person's devices by whoever made it. */
  isBackedUp: z.boolean(),
  /** Its counter went back, as that of a copy would: it opens and signs nothing. */
  isSuspended: z.boolean(),
});

export const SESSION = z.object({
  id: z.string(),
  kind: z.enum(SESSION_KINDS),
  method: z.enum(SIGN_IN_METHODS),
  userAgent: z.string(),
  source: z.string(),
  openedAt: WHEN,
  lastUsedAt: WHEN,
  expiresAt: WHEN,
});

const CREDENTIAL_ID = z
  .string()
  .max(1_400)
  .regex(/^[A-Za-z0-9_-]+$/, 'base64url');
const CODES = z.object({ recoveryCodes: z.array(z.string()) });

export const SELF_ROUTES = {
  'session.prove.begin': route({
    method: 'POST',
    path: '/v1/session/prove/options',
    access: 'signed-in',
    isAttempt: true,
    summary: 'Begin to prove by passkey that you are there',
    answer: REQUEST,
  }),
  'session.prove': route({
    method: 'POST',
    path: '/v1/session/prove',
    access: 'signed-in',
    isAttempt: true,
    summary: 'Prove again that you are there, by passkey or by code',
    body: z.union([
      z.strictObject({ ceremony: CEREMONY, response: ASSERTED }),
      z.strictObject({ code: CODE }),
    ]),
    answer: z.object({ provedAt: WHEN }),
  }),
  'self.show': route({
    method: 'GET',
    path: '/v1/self',
    access: 'self.enrol',
    summary: 'Show how you can sign in',
    answer: z.object({
      passkeys: z.array(PASSKEY),
      hasCodes: z.boolean(),
      recoveryCodesLeft: z.number().int(),
      sso: z.object({ issuer: z.string(), linkedAt: WHEN }).nullable(),
    }),
  }),
  'self.passkeys.begin': route({
    method: 'POST',
    path: '/v1/self/passkeys/options',
    access: 'self.enrol',
    wantsRecentProof: true,
    summary: 'Begin to add a passkey',
    answer: CREATION,
  }),
  'self.passkeys.add': route({
    method: 'POST',
    path: '/v1/self/passkeys',
    access: 'self.enrol',
    wantsRecentProof: true,
    summary: 'Add a passkey',
    body: z.strictObject({ ceremony: CEREMONY, label: LABEL, response: CREATED }),
    answer: PASSKEY,
  }),
  'self.passkeys.remove': route({
    method: 'DELETE',
    path: '/v1/self/passkeys/:id',
    access: 'self.manage',
    wantsRecentProof: true,
    summary: 'Remove a passkey; never the last way to sign in',
    params: z.strictObject({ id: CREDENTIAL_ID }),
    answer: z.object({ removed: z.boolean() }),
  }),
  'self.codes.begin': route({
    method: 'POST',
    path: '/v1/self/codes/options',
    access: 'self.enrol',
    showsSecret: true,
    wantsRecentProof: true,
    summary: 'Begin to add one-time codes, or to replace them',
    answer: CODES_OFFER,
  }),
  'self.codes.add': route({
    method: 'POST',
    path: '/v1/self/codes',
    access: 'self.enrol',
    wantsRecentProof: true,
    summary: 'Add one-time codes by a first code; those before no longer count',
    body: z.strictObject({ ceremony: CEREMONY, code: CODE }),
    answer: z.object({ added: z.boolean() }),
  }),
  'self.codes.remove': route({
    method: 'DELETE',
    path: '/v1/self/codes',
    access: 'self.manage',
    wantsRecentProof: true,
    summary: 'Take your one-time codes away, as proved by a passkey; never the last way to sign in',
    answer: z.object({ removed: z.boolean() }),
  }),
  'self.recovery.renew': route({
    method: 'POST',
    path: '/v1/self/recovery-codes',
    access: 'self.manage',
    showsSecret: true,
    wantsRecentProof: true,
    summary: 'Make new recovery codes; those before no longer count',
    answer: CODES,
  }),
  'self.sso.begin': route({
    method: 'POST',
    path: '/v1/self/sso',
    access: 'self.manage',
    wantsRecentProof: true,
    summary: 'Begin to link yourself at the identity provider',
    answer: ELSEWHERE,
  }),
  'self.sso.remove': route({
    method: 'DELETE',
    path: '/v1/self/sso',
    access: 'self.manage',
    wantsRecentProof: true,
    summary: 'Unlink yourself from the identity provider; never the last way to sign in',
    answer: z.object({ removed: z.boolean() }),
  }),
  'self.sessions.list': route({
    method: 'GET',
    path: '/v1/self/sessions',
    access: 'self.manage',
    summary: 'List your sessions, last used first',
    answer: z.object({ items: z.array(SESSION.extend({ isThisOne: z.boolean() })) }),
  }),
  'self.sessions.close': route({
    method: 'DELETE',
    path: '/v1/self/sessions/:id',
    access: 'self.manage',
    summary: 'Close one of your sessions',
    params: z.strictObject({ id: z.string().max(64) }),
    answer: z.object({ closed: z.boolean() }),
  }),
  'self.sessions.closeOthers': route({
    method: 'POST',
    path: '/v1/self/sessions/close-others',
    access: 'self.manage',
    summary: 'Close all your sessions but this one',
    answer: z.object({ closed: z.number().int() }),
  }),
} as const;
