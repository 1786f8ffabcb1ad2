/**
 * Which headers of a request people sign along with it. A server may act otherwise by a header (a precondition,
 * `Prefer`, a tenant, a version of its API), and a provider reads none of them: so whatever is passed on is signed,
 * but for what is known to carry a request, or to tell where it comes from, and no more.
 *
 * It will not: keep what looks like a secret. Its hash is signed; what would have to be sent again later with it
 * is not put off.
 */
import { createHash } from 'node:crypto';
import { HEADER_HASHED, type HttpHeader } from '../../model/http-request.ts';

/** Of one sending and not of what is sent; some are other ones at each try. */
const CARRYING: ReadonlySet<string> = new Set([
  'accept',
  'accept-charset',
  'accept-language',
  'b3',
  'baggage',
  'cache-control',
  // As its media type.
  'content-type',
  'date',
  'dnt',
  'from',
  'idempotency-key',
  'origin',
  'pragma',
  'priority',
  'referer',
  'request-id',
  'save-data',
  'sentry-trace',
  'traceparent',
  'tracestate',
  'upgrade-insecure-requests',
  'user-agent',
  'via',
  'x-amzn-trace-id',
  'x-client-info',
  'x-cloud-trace-context',
  'x-correlation-id',
  'x-idempotency-key',
  'x-request-id',
  'x-requested-with',
]);
const CARRYING_PREFIXES = ['sec-', 'x-b3-', 'x-datadog-', 'x-stainless-'] as const;
const SECRET = /passw|secret|token|key|auth|credential|session|signature/;

/** `passed`: what is passed on of it. */
export function signedHeadersOf(
  passed: Readonly<Record<string, string | readonly string[]>>,
): readonly HttpHeader[] {
  return Object.keys(passed)
    .filter((name) => !CARRYING.has(name) && !CARRYING_PREFIXES.some((one) => name.startsWith(one)))
    .toSorted()
    .flatMap((name) => [passed[name] ?? []].flat().map((value) => signed(name, value)));
}

function signed(name: string, value: string): HttpHeader {
  if (!SECRET.test(name)) return [name, value];
  return [name, `${HEADER_HASHED}${createHash('sha256').update(value).digest('hex')}`];
}
