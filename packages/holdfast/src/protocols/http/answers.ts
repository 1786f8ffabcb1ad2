/** A no, in the shape of the provider's own errors; of ours where there is no provider. */
import { ServerResponse } from 'node:http';
import { type ErrorCode, HoldfastError, messageOf } from '../../model/errors.ts';
import type { Refusal } from '../../pipeline/exchange.ts';
import type { Provider } from '../../providers/provider.ts';
import { hasLeft, type Response } from './incoming.ts';

/** RFC 9110 section 15. What waits for people is no fault of the request, and no success. */
const STATUS: Partial<Readonly<Record<ErrorCode, number>>> = {
  HF_AUTH_FAILED: 401,
  HF_CREDENTIAL_FOREIGN: 403,
  HF_REFUSED: 403,
  HF_HELD: 403,
  HF_DENIED: 403,
  HF_DEFERRED: 403,
  HF_TARGET_FORBIDDEN: 403,
  HF_AGENT_PAUSED: 403,
  HF_AGENT_EXPIRED: 403,
  HF_AGENT_HOURS: 403,
  HF_AGENT_SCOPE: 403,
  HF_AGENT_EFFECT: 403,
  HF_CREDENTIAL_OLD: 503,
  HF_TARGET_UNKNOWN: 404,
  HF_HTTP: 400,
  HF_SYNTAX: 400,
  HF_UNSUPPORTED: 501,
  HF_LIMIT: 413,
  HF_UPSTREAM_UNREACHABLE: 502,
  HF_UPSTREAM_LOST: 502,
  HF_TRAIL_UNAVAILABLE: 503,
  HF_PROTECTION_LOST: 503,
};

export function statusOf(code: ErrorCode): number {
  return STATUS[code] ?? 500;
}

export function toAgent(
  response: Response,
  provider: Provider | null,
  status: number,
  refusal: Refusal,
): void {
  if (response.headersSent || hasLeft(response)) return;
  const isHttp1 = response instanceof ServerResponse;
  const answer = provider?.refusal(refusal) ?? {
    status,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ error: refusal }),
  };
  // What is left of a body we did not read must not be taken for the next request.
  const isRead = response.req.complete;
  response.writeHead(answer.status === 0 ? status : answer.status, {
    ...answer.headers,
    'cache-control': 'no-store',
    'x-holdfast-code': refusal.code,
    ...(status === 401 ? { 'www-authenticate': 'Bearer realm="holdfast"' } : {}),
    ...(isRead || !isHttp1 ? {} : { connection: 'close' }),
  });
  response.end(answer.body);
}

export function asHoldfastError(cause: unknown, expected: string): HoldfastError {
  if (cause instanceof HoldfastError) return cause;
  return new HoldfastError('HF_INTERNAL', {
    expected,
    found: messageOf(cause),
    hint: 'Nothing was forwarded. Report this as a fault of Holdfast.',
    cause,
  });
}
