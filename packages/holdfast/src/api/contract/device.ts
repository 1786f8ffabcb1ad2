/**
 * Signing in a command line, in the spirit of RFC 8628: it shows a short code, and a person who is signed
 * in opens `<dashboard>/device`, sees what machine asks, and lets it in. The code alone opens nothing:
 * the session goes to whoever keeps the secret.
 */
import { z } from 'zod';
import { route, WHEN } from './route.ts';

const SECRET = z.string().max(64);
/** `BCDF-GHJK`; small letters and other dashes are the same. */
const USER_CODE = z.string().max(32);

export const DEVICE_ROUTES = {
  'device.begin': route({
    method: 'POST',
    path: '/v1/device',
    access: 'anyone',
    showsSecret: true,
    isAttempt: true,
    summary: 'Ask for a session of a command line',
    /** `machine`: its name, for the person who is asked. */
    body: z.strictObject({ machine: z.string().max(200) }),
    answer: z.object({
      secret: SECRET,
      userCode: z.string(),
      /** Where the person goes; the code is typed there, never in a link. */
      verificationUrl: z.url(),
      expiresAt: WHEN,
      /** Ask no sooner than this. */
      pollMs: z.number().int(),
    }),
  }),
  'device.poll': route({
    method: 'POST',
    path: '/v1/device/poll',
    access: 'anyone',
    showsSecret: true,
    summary: 'Ask whether a person has let the command line in',
    body: z.strictObject({ secret: SECRET }),
    answer: z.discriminatedUnion('state', [
      z.object({ state: z.literal('waiting'), pollMs: z.number().int() }),
      z.object({ state: z.literal('denied') }),
      /** Ran out, was used up, or never was. */
      z.object({ state: z.literal('gone') }),
      z.object({
        state: z.literal('open'),
        /** `hfs_…`: for `Authorization: Bearer`. Given once. */
        session: z.string(),
        person: z.string(),
        expiresAt: WHEN,
      }),
    ]),
  }),
  'device.look': route({
    method: 'POST',
    path: '/v1/device/look',
    access: 'devices.let-in',
    isAttempt: true,
    summary: 'Say which machine shows a code',
    body: z.strictObject({ userCode: USER_CODE }),
    answer: z.object({ machine: z.string(), source: z.string(), askedAt: WHEN, expiresAt: WHEN }),
  }),
  'device.decide': route({
    method: 'POST',
    path: '/v1/device/decide',
    access: 'devices.let-in',
    isAttempt: true,
    wantsRecentProof: true,
    summary: 'Let a command line in as yourself, or turn it away',
    body: z.strictObject({ userCode: USER_CODE, letIn: z.boolean() }),
    answer: z.object({ state: z.enum(['let-in', 'denied']) }),
  }),
} as const;
