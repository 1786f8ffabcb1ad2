import { restRequest } from '../../testing/provider-requests.ts';
import { providerSuite } from '../provider.suite.ts';
import { OpenapiProvider } from './provider.ts';

const FILE = `
openapi: 3.1.0
servers: [{ url: https://api.example.com/v1 }]
components:
  securitySchemes: { key: { type: apiKey, in: header, name: X-Example-Key } }
paths:
  /things: { get: {}, post: {} }
  /things/{id}: { get: {}, delete: {} }
  /keys: { get: {} }
`;

const description = {
  name: 'example',
  path: 'api.yaml',
  text: FILE,
  rules: [{ call: 'GET /keys', kind: 'grant' as const }],
};

providerSuite('A described API', {
  make: (options) => new OpenapiProvider({ ...options, description }),
  answer: () => undefined,
  production: { project: 'example', at: 'api' },
  reads: restRequest('GET /v1/things'),
  destroys: restRequest('DELETE /v1/things/1'),
  destroysUnlisted: null,
  unheardOf: restRequest('POST /v1/things/1/erase'),
  handsOut: restRequest('GET /v1/keys'),
  failsWithGoodStatus: null,
  messageOf: (answer) => (answer as { message?: unknown }).message,
});
