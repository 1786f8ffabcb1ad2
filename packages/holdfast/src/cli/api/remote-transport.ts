/**
 * The API of a gateway elsewhere. Certificates are verified whatever the environment says, plain HTTP
 * goes to this machine only, no redirect is followed (a session must not travel to where we were not
 * sent), and nobody is waited for without end.
 */
import { Agent, request } from 'undici';
import { HoldfastError } from '../../model/errors.ts';
import { API_ANSWER_MS_MAX, API_CONNECT_MS_MAX, API_SILENCE_MS_MAX } from '../../model/limits.ts';
import { visible } from '../print.ts';
import type { Transport } from './transport.ts';

export interface RemoteParts {
  readonly url: URL;
  /** A person's session or an agent's token; null: not signed in. */
  readonly secret: string | null;
}

export function remoteTransport({ secret, url }: RemoteParts): Transport {
  const dispatcher = new Agent({
    connect: { rejectUnauthorized: true, timeout: API_CONNECT_MS_MAX },
    headersTimeout: API_ANSWER_MS_MAX,
    bodyTimeout: API_SILENCE_MS_MAX,
    pipelining: 1,
  });
  return {
    place: url.origin,
    toSignIn: `holdfast login --url ${url.origin}; or, with a session that is open, holdfast prove`,
    fault: () => null,
    broken: (error) => unreachable(url, error),
    send: async ({ body, headers, method, path }) => {
      const answer = await request(new URL(path, url), {
        method,
        body,
        headers: {
          ...headers,
          'user-agent': 'holdfast',
          // Without a secret we say where we come from, as a page of its own would: from nowhere else.
          ...(secret === null ? { origin: url.origin } : { authorization: `Bearer ${secret}` }),
        },
        dispatcher,
      }).catch((error: unknown) => {
        throw unreachable(url, error);
      });
      // Whoever reads hears of it by the reading; what nobody reads any more is no news.
      answer.body.on('error', () => {});
      if (answer.statusCode >= 300 && answer.statusCode < 400) {
        answer.body.destroy();
        throw redirected(url, answer.headers['location']);
      }
      return {
        status: answer.statusCode,
        contentType: String(answer.headers['content-type'] ?? ''),
        body: answer.body,
      };
    },
    close: () => dispatcher.destroy(),
  };
}

function unreachable(url: URL, error: unknown): HoldfastError {
  return new HoldfastError('HF_API_UNREACHABLE', {
    expected: `a Holdfast at ${url.origin}`,
    found: visible(error instanceof Error ? reasonOf(error) : String(error)).slice(0, 300),
    hint: 'See that `holdfast up` runs there with its dashboard on, and that HOLDFAST_URL names it.',
  });
}

/** "fetch failed" tells nobody anything; its cause does. Several addresses fail as several errors. */
function reasonOf(error: Error): string {
  if (error instanceof AggregateError && error.errors[0] instanceof Error) {
    return reasonOf(error.errors[0]);
  }
  if (error.cause instanceof Error) return reasonOf(error.cause);
  return error.message || error.name;
}

function redirected(url: URL, location: unknown): HoldfastError {
  return new HoldfastError('HF_API_ANSWER', {
    expected: `an answer of ${url.origin} itself`,
    found: `a redirect to ${visible(String(location ?? 'nowhere')).slice(0, 200)}`,
    hint: 'Redirects are not followed. If that is where it is now, say so with HOLDFAST_URL.',
  });
}
