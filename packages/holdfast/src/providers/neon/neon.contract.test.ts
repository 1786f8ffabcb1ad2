import { neonAnswer } from '../../testing/neon-estate.ts';
import { restRequest } from '../../testing/provider-requests.ts';
import { providerSuite } from '../provider.suite.ts';
import { NeonProvider } from './provider.ts';

const api = (line: string) => restRequest(line.replace(' /', ' /api/v2/'));

providerSuite('Neon', {
  make: (options) => new NeonProvider(options),
  answer: ({ url }) => neonAnswer(url),
  production: { project: 'acme', at: 'main' },
  reads: api('GET /projects/pr-1/branches'),
  destroys: api('DELETE /projects/pr-1/branches/br-main'),
  destroysUnlisted: api('DELETE /projects/pr-1/branches/br-other'),
  unheardOf: api('POST /projects/pr-1/branches/br-main/erase'),
  handsOut: api('GET /projects/pr-1/connection_uri?branch_id=br-main'),
  failsWithGoodStatus: null,
  messageOf: (answer) => (answer as { message?: unknown }).message,
});
