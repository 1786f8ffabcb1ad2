/** The session of whoever asks. */
import { z } from 'zod';
import { PERMISSION_NAMES, ROLES } from '../../identity/roles.ts';
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
          provedAt: WHEN,
        })
        .nullable(),
      may: z.array(PERMISSION),
      /** Nobody is enrolled yet: the first owner has to be. */
      isNew: z.boolean(),
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
