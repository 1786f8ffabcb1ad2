/** The session of whoever asks. */
import { z } from 'zod';
import { PERMISSION_NAMES, ROLES } from '../../identity/roles.ts';
import { SIGN_IN_METHODS } from '../../identity/session-store.ts';
import { route, WHEN } from './route.ts';

const PERMISSION = z.enum(PERMISSION_NAMES);

export const SESSION_ROUTES = {
  'session.show': route({
    method: 'GET',
    path: '/v1/session',
    access: 'anyone',
    summary: 'Say who is signed in, and what they may do',
    answer: z.object({
      person: z
        .object({
          id: z.string(),
          name: z.string(),
          roles: z.array(z.enum(ROLES)),
          /** How they last proved to be there. */
          method: z.enum(SIGN_IN_METHODS),
          /** 1970: this session never did, so that what wants a recent proof wants one. */
          provedAt: WHEN,
          /** Signed in by a recovery code: nothing is open until a passkey or codes are added. */
          mustEnrol: z.boolean(),
        })
        .nullable(),
      may: z.array(PERMISSION),
      /** Nobody is enrolled yet: the first owner has to be. */
      isNew: z.boolean(),
      /** Single sign-on, when there is any: the host of the identity provider. */
      sso: z.object({ host: z.string() }).nullable(),
    }),
  }),
  'session.close': route({
    method: 'DELETE',
    path: '/v1/session',
    access: 'signed-in',
    summary: 'Sign out',
    answer: z.object({ closed: z.boolean() }),
  }),
  'roles.table': route({
    method: 'GET',
    path: '/v1/roles',
    access: 'signed-in',
    summary: 'The table of who may do what',
    answer: z.object({
      roles: z.array(z.enum(ROLES)),
      permissions: z.array(
        z.object({ name: PERMISSION, words: z.string(), roles: z.array(z.enum(ROLES)) }),
      ),
    }),
  }),
} as const;
