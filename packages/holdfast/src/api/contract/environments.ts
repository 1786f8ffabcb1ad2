/** Environments: how strict each is, and how long what it holds and keeps lives. */
import { z } from 'zod';
import { ENVIRONMENT_LEVELS } from '../../model/target.ts';
import { route } from './route.ts';

export const ENVIRONMENT_ROUTES = {
  'environments.list': route({
    method: 'GET',
    path: '/v1/environments',
    access: 'holds.read',
    summary: 'List environments: level, people needed, grace and life of a hold',
    answer: z.object({
      items: z.array(
        z.object({
          name: z.string(),
          level: z.enum(ENVIRONMENT_LEVELS),
          people: z.number().int(),
          graceMs: z.number(),
          holdLifeMs: z.number(),
        }),
      ),
      /** Of one that is not declared. */
      otherwise: z.object({ graceMs: z.number() }),
    }),
  }),
} as const;
