import { restRequest } from '../../testing/provider-requests.ts';
import { providerSuite } from '../provider.suite.ts';
import { SupabaseProvider } from './provider.ts';

const ANSWERS: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['/v1/projects', [{ id: 'prodref', name: 'acme', organization_id: 'org' }]],
  [
    '/v1/projects/prodref/branches',
    [{ id: 'b-1', name: 'staging', project_ref: 'stagref', is_default: false }],
  ],
]);

providerSuite('Supabase', {
  make: (options) => new SupabaseProvider(options),
  answer: ({ url }) => ANSWERS.get(url),
  production: { project: 'acme', at: 'main' },
  reads: restRequest('GET /v1/projects/prodref/health'),
  destroys: restRequest('POST /v1/projects/prodref/database/query', { query: 'DROP TABLE orders' }),
  destroysUnlisted: restRequest('DELETE /v1/projects/otherref'),
  unheardOf: restRequest('POST /v1/projects/prodref/database/erase'),
  handsOut: restRequest('GET /v1/projects/prodref/api-keys?reveal=true'),
  failsWithGoodStatus: null,
  messageOf: (answer) => (answer as { message?: unknown }).message,
});
