/** Requests to a provider, written short. */
import type { ProviderRequest } from '../providers/provider.ts';

/** `DELETE /projects/p?force=true`, and a body that is sent as JSON. */
export function restRequest(line: string, body?: unknown): ProviderRequest {
  const [method = '', target = ''] = line.split(' ');
  const mark = target.indexOf('?');
  return {
    method,
    path: mark < 0 ? target : target.slice(0, mark),
    search: mark < 0 ? '' : target.slice(mark),
    mediaType: 'application/json',
    body: Buffer.from(body === undefined ? '' : JSON.stringify(body)),
  };
}

export function graphqlRequest(path: string, query: string, variables = {}): ProviderRequest {
  return restRequest(`POST ${path}`, { query, variables });
}
