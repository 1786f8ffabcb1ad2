/** Real credentials of providers: they come in and are sealed; no answer ever holds one. */
import { z } from 'zod';
import { route, WHEN } from './route.ts';

const CREDENTIAL = z.object({
  name: z.string(),
  /** Of the secret: tells it apart without telling it. */
  fingerprint: z.string(),
  addedAt: WHEN,
  /** Older than 30 days: rotate it. */
  isOld: z.boolean(),
});

const OF_CREDENTIAL = z.strictObject({ name: z.string().max(200) });

export const CREDENTIAL_ROUTES = {
  'credentials.list': route({
    method: 'GET',
    path: '/v1/credentials',
    access: 'credentials.read',
    summary: 'List what is sealed: names, fingerprints and ages',
    answer: z.object({ items: z.array(CREDENTIAL) }),
  }),
  'credentials.put': route({
    method: 'PUT',
    path: '/v1/credentials/:name',
    access: 'credentials.manage',
    summary: 'Seal a credential, in place of one of that name',
    wantsRecentProof: true,
    showsSecret: true,
    params: OF_CREDENTIAL,
    body: z.strictObject({ secret: z.string() }),
    answer: CREDENTIAL,
  }),
  'credentials.remove': route({
    method: 'DELETE',
    path: '/v1/credentials/:name',
    access: 'credentials.manage',
    summary: 'Remove a sealed credential',
    wantsRecentProof: true,
    params: OF_CREDENTIAL,
    answer: z.object({ removed: z.string() }),
  }),
} as const;
