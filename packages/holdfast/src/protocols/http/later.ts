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
      const type = request.mediaType === '' ? {} : { 'content-type': request.mediaType };
      return await upstream.run(upstreamOf(request, type));
    } finally {
      await upstream.close();
    }
  };
}
