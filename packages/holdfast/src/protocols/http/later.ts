/** What was put off is sent by the same way as what passes at once: one act for one decision. */
import type { HttpAct } from '../../model/http-request.ts';
import type { Outcome } from '../../model/outcome.ts';
import type { Providers } from './route.ts';
import { Upstream, upstreamOf } from './upstream.ts';

/** Never rejects, and never tries again. */
export type RunRequest = (request: HttpAct) => Promise<Outcome>;

export function runRequestWith(providers: Providers): RunRequest {
  return async (request) => {
    const provider = providers.get(request.provider);
    if (provider === undefined) {
      return { kind: 'not-forwarded', reason: `${request.provider} is not declared any more` };
    }
    const upstream = new Upstream(provider);
    try {
      return await upstream.run(upstreamOf(request, headersOf(request)));
    } finally {
      await upstream.close();
    }
  };
}

/** Those that were signed: none else. */
function headersOf({ headers, mediaType }: HttpAct): Record<string, string[]> {
  const sent: Record<string, string[]> = mediaType === '' ? {} : { 'content-type': [mediaType] };
  for (const [name, value] of headers) sent[name] = [...(sent[name] ?? []), value];
  return sent;
}
