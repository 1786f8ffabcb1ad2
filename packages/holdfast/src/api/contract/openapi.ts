/** The description of all this, for machines. */
import { z } from 'zod';
import { route } from './route.ts';

export const OPENAPI_ROUTES = {
  'openapi.show': route({
    method: 'GET',
    path: '/v1/openapi.json',
    access: 'anyone',
    summary: 'Describe every route (OpenAPI 3.1)',
    answer: z.record(z.string(), z.unknown()),
  }),
} as const;
