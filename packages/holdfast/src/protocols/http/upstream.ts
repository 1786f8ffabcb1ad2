/**
 * The way to a provider's API: a pool of connections, one act for one decision. A request that changes
 * something is never sent twice, whatever happened to the first: what came of it is then `unknown`, and
 * that is what is recorded.
 *
 * The answer flows through as it comes; its beginning is kept to tell success from an error.
 */
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { type Dispatcher, Pool } from 'undici';
import {
  PROVIDER_ANSWER_LOOK_BYTES,
  PROVIDER_ANSWER_MS_MAX,
  PROVIDER_CONNECTIONS_MAX,
} from '../../model/limits.ts';
import type { Outcome } from '../../model/outcome.ts';
import type { Provider, ProviderRequest } from '../../providers/provider.ts';
import type { Response } from './incoming.ts';

export interface UpstreamRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body: Buffer;
}

/** Under a length of our own; an answer that is packed could not be looked at. */
export function upstreamOf(
  { method, path, search, body }: ProviderRequest,
  headers: Readonly<Record<string, string | string[]>>,
): UpstreamRequest {
  const length = body.length > 0 ? { 'content-length': String(body.length) } : {};
  return {
    method,
    path: `${path}${search}`,
    headers: { ...headers, 'accept-encoding': 'identity', ...length },
    body,
  };
}

/** Of the connection between two machines, not of the message (RFC 9110 section 7.6.1). */
export const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);

/** Of a session in a browser: no agent has one. */
const NOT_PASSED_BACK = new Set([...HOP_BY_HOP, 'set-cookie', 'alt-svc', 'clear-site-data']);

/** Nothing had been sent when these came. */
const NOT_SENT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  // What Node does not let pass of a certificate (X509_verify_cert_error_string): it looks first.
  'CERT_CHAIN_TOO_LONG',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_REJECTED',
  'CERT_REVOKED',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'HOSTNAME_MISMATCH',
  'INVALID_CA',
  'INVALID_PURPOSE',
  'PATH_LENGTH_EXCEEDED',
  'UNABLE_TO_GET_ISSUER_CERT',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

export class Upstream {
  readonly #provider: Provider;
  /** By origin: an API may have more than one host. */
  readonly #pools = new Map<string, Pool>();

  constructor(provider: Provider) {
    this.#provider = provider;
  }

  /**
   * Answers the agent, and says what came of it. `failed` is called instead when there is no answer to
   * pass on; `wasSent`: it may have been sent all the same. Never rejects.
   */
  async send(
    request: UpstreamRequest,
    response: Response,
    failed: (words: string, wasSent: boolean) => void,
  ): Promise<Outcome> {
    const asked = await this.#ask(request);
    if (asked.kind === 'answered') return await this.#passBack(asked.answer, response);
    failed(asked.words, asked.outcome.kind !== 'not-forwarded');
    return asked.outcome;
  }

  /** Nobody waits for the answer: only what came of it counts. Never rejects. */
  async run(request: UpstreamRequest): Promise<Outcome> {
    const asked = await this.#ask(request);
    return asked.kind === 'answered' ? await this.#passBack(asked.answer, null) : asked.outcome;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#pools.values()].map((pool) => pool.destroy()));
  }

  #poolOf(path: string): Pool {
    const [bare = path] = path.split('?');
    const origin = this.#provider.originOf?.(bare) ?? this.#provider.origin;
    const known = this.#pools.get(origin);
    if (known !== undefined) return known;
    const pool = new Pool(origin, {
      connections: PROVIDER_CONNECTIONS_MAX,
      pipelining: 1,
      headersTimeout: PROVIDER_ANSWER_MS_MAX,
      bodyTimeout: PROVIDER_ANSWER_MS_MAX,
    });
    this.#pools.set(origin, pool);
    return pool;
  }

  async #ask({ headers, ...request }: UpstreamRequest): Promise<Asked> {
    const { name } = this.#provider;
    try {
      const answer = await this.#poolOf(request.path).request({
        method: request.method,
        path: request.path,
        headers: { ...headers, ...(await this.#provider.credential()) },
        body: request.body.length === 0 ? null : request.body,
        idempotent: false,
      });
      return { kind: 'answered', answer };
    } catch (error) {
      const { code, message } = faultOf(error);
      const outcome: Outcome = NOT_SENT.has(code)
        ? { kind: 'not-forwarded', reason: `${name} was not reached: ${message}` }
        : { kind: 'unknown', reason: `no answer came from ${name}: ${message}` };
      return { kind: 'unanswered', outcome, words: message };
    }
  }

  async #passBack(answer: Dispatcher.ResponseData, response: Response | null): Promise<Outcome> {
    const { statusCode, headers, body } = answer;
    const sink: Writable | null = response;
    if (response !== null && !response.destroyed)
      response.writeHead(statusCode, passedBack(headers));
    const begun: Buffer[] = [];
    let begunBytes = 0;
    try {
      // Read to its end even if the agent has gone: what came of it is worth knowing.
      for await (const chunk of body) {
        if (!Buffer.isBuffer(chunk)) continue;
        if (begunBytes < PROVIDER_ANSWER_LOOK_BYTES) {
          begun.push(chunk.subarray(0, PROVIDER_ANSWER_LOOK_BYTES - begunBytes));
          begunBytes += chunk.length;
        }
        if (sink !== null && !sink.destroyed && !sink.write(chunk)) await drained(sink);
      }
    } catch (error) {
      // A body cut short must not look whole.
      response?.destroy();
      const { message } = faultOf(error);
      return {
        kind: 'unknown',
        reason: `the answer of ${this.#provider.name} broke off: ${message}`,
      };
    }
    if (sink !== null) {
      sink.end();
      await finished(sink).catch(() => {});
    }
    return this.#provider.outcomeOf(statusCode, Buffer.concat(begun));
  }
}

type Asked =
  | { readonly kind: 'answered'; readonly answer: Dispatcher.ResponseData }
  | { readonly kind: 'unanswered'; readonly outcome: Outcome; readonly words: string };

function drained(response: Writable): Promise<void> {
  return new Promise((done) => {
    const go = (): void => {
      response.off('drain', go).off('close', go);
      done();
    };
    response.once('drain', go).once('close', go);
  });
}

function passedBack(
  headers: Dispatcher.ResponseData['headers'],
): Record<string, string | string[]> {
  const named = String(headers['connection'] ?? '').toLowerCase();
  const listed = new Set(named.split(',').map((one) => one.trim()));
  const kept: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || NOT_PASSED_BACK.has(name) || listed.has(name)) continue;
    kept[name] = value;
  }
  return kept;
}

function faultOf(error: unknown): { readonly code: string; readonly message: string } {
  if (!(error instanceof Error)) return { code: 'unknown', message: String(error) };
  const code = 'code' in error && typeof error.code === 'string' ? error.code : 'unknown';
  return { code, message: error.message === '' ? code : error.message };
}
