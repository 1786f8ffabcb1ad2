import { ROUTES } from '../contract/index.ts';
import type { OPENAPI_ROUTES } from '../contract/openapi.ts';
import type { Handlers } from '../handler.ts';
import { openApiOf } from '../openapi.ts';

export function openapiRoutes(): Handlers<typeof OPENAPI_ROUTES> {
  const document = openApiOf(ROUTES);
  return { 'openapi.show': async () => document };
}
