/** Targets: what is guarded, how far, and what depends on it. */
import { z } from 'zod';
import { PROTECTION_LEVELS } from '../../model/reversal.ts';
import { ENVIRONMENT_LEVELS, PROTOCOL_NAMES } from '../../model/target.ts';
import { route, WHEN } from './route.ts';

const TARGET = z.object({
  name: z.string(),
  protocol: z.enum(PROTOCOL_NAMES),
  environment: z.string(),
  /** Host and port, never a credential; null: it could not be told. */
  upstream: z.string().nullable(),
  protection: z.object({
    level: z.enum(PROTECTION_LEVELS),
    /** Why its undo data is not safe now, or why it could not be looked at; null: no trouble. */
    trouble: z.string().nullable(),
    /** Our store knows that it was protected, whatever is seen now. */
    wasProtected: z.boolean(),
    /** False: nobody has looked (this is not the gateway), or it did not answer. */
    seen: z.boolean(),
  }),
  /** Login roles of agents there, by agent. */
  roles: z.array(z.object({ agent: z.string(), role: z.string() })),
  undo: z.object({
    items: z.number().int(),
    oldestAt: WHEN.nullable(),
    /** Of watched time, until the first may go; null: nothing is kept. */
    nextPurgeMs: z.number().nullable(),
  }),
  /** Services of providers that keep their data in it. */
  dependents: z.array(z.object({ provider: z.string(), target: z.string(), service: z.string() })),
  /** Of a provider's place: which provider, which project and environment there. */
  place: z.object({ provider: z.string(), project: z.string(), at: z.string() }).nullable(),
});

export const TARGET_ROUTES = {
  'targets.list': route({
    method: 'GET',
    path: '/v1/targets',
    access: 'targets.read',
    summary: 'Show environments, what is in them, how far it is protected, and what depends on it',
    answer: z.object({
      environments: z.array(
        z.object({
          name: z.string(),
          level: z.enum(ENVIRONMENT_LEVELS),
          people: z.number().int(),
          graceMs: z.number(),
          holdLifeMs: z.number(),
          targets: z.array(TARGET),
        }),
      ),
      vault: z
        .object({
          bytes: z.number(),
          freeBytes: z.number().nullable(),
          freeBytesMin: z.number(),
        })
        .nullable(),
    }),
  }),
} as const;
