/**
 * The way to a provider's API: a pool of connections, one act for one decision. A request that changes
 * something is never sent twice, whatever happened to the first: what came of it is then `unknown`, and
 * that is what is recorded.
 */
import { Pool } from 'undici';
import { PROVIDER_ANSWER_MS_MAX, PROVIDER_CONNECTIONS_MAX } from '../../model/limits.ts';
import type { Outcome } from '../../model/outcome.ts';
import type { Provider, ProviderRequest } from '../../providers/provider.ts';
import { type Answered, Answering } from './answering.ts';
import type { Response } from './incoming.ts';

export interface UpstreamRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body: Buffer;
}

/** Whom an answer is for. */
export interface Answerable {
  readonly response: Response;
  /** Called when there is no answer to pass on. `wasSent`: it may have been sent all the same. */
  failed(words: string, wasSent: boolean): void;
  /** Null: nobody asks what came of it, since it only reads. */
  readonly report: ((outcome: Outcome) => void) | null;
}

export function upstreamOf(
  { method, path, search, body }: ProviderRequest,
  headers: Readonly<Record<string, string | string[]>>,
): UpstreamRequest {
  return { method, path: search === '' ? path : `${path}${search}`, headers, body };
}

/** Nothing had been sent when these came. */
const NOT_SENT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
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
  // Of ours: there was no credential to send it with.
  'HF_CREDENTIAL_OLD',
  'HF_NOT_FOUND',
  'HF_SEAL',
]);

/** These come while a connection is made, and also in the midst of one. */
const UNREACHABLE = new Set(['EHOSTUNREACH', 'ENETUNREACH']);

/** False only when it is certain that no byte of it went out. */
export function wasSent(error: unknown): boolean {
  const { code } = faultOf(error);
  if (!UNREACHABLE.has(code)) return !NOT_SENT.has(code);
  return !(error instanceof Error && 'syscall' in error && error.syscall === 'connect');
}

export class Upstream {
  readonly #provider: Provider;
  /** By origin: an API may have more than one host. */
  readonly #pools = new Map<string, Pool>();

  constructor(provider: Provider) {
    this.#provider = provider;
  }

  /** Answers the agent, and reports what came of it, where somebody asks. Never rejects. */
  async send(request: UpstreamRequest, { failed, report, response }: Answerable): Promise<void> {
    const answered = await this.#ask(request, response, report !== null);
    if (answered.kind === 'none') {
      failed(faultOf(answered.error).message, wasSent(answered.error));
    }
    report?.(this.#outcomeOf(answered));
  }

  /** Nobody waits for the answer: only what came of it counts. Never rejects. */
  async run(request: UpstreamRequest): Promise<Outcome> {
    return this.#outcomeOf(await this.#ask(request, null, true));
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

  async #ask(
    { body, headers, method, path }: UpstreamRequest,
    response: Response | null,
    isLookedAt: boolean,
  ): Promise<Answered> {
    try {
      const credential = await this.#provider.credential();
      const pool = this.#poolOf(path);
      return await new Promise((ended) => {
        const wish = {
          method,
          path,
          // Under a length of our own; an answer that is packed could not be looked at.
          headers: { ...headers, ...IDENTITY, ...lengthOf(body), ...credential },
          body: body.length === 0 ? null : body,
          idempotent: false,
        };
        pool.dispatch(wish, new Answering({ response, isLookedAt, ended }));
      });
    } catch (error) {
      return { kind: 'none', error };
    }
  }

  #outcomeOf(answered: Answered): Outcome {
    const { name } = this.#provider;
    switch (answered.kind) {
      case 'whole':
        return this.#provider.outcomeOf(answered.status, answered.begun);
      case 'broken-off': {
        const { message } = faultOf(answered.error);
        return { kind: 'unknown', reason: `the answer of ${name} broke off: ${message}` };
      }
      case 'none': {
        const { message } = faultOf(answered.error);
        return wasSent(answered.error)
          ? { kind: 'unknown', reason: `no answer came from ${name}: ${message}` }
          : { kind: 'not-forwarded', reason: `${name} was not reached: ${message}` };
      }
      default:
        return answered satisfies never;
    }
  }
}

const IDENTITY = { 'accept-encoding': 'identity' } as const;

function lengthOf({ length }: Buffer): Readonly<Record<string, string>> {
  return length > 0 ? { 'content-length': String(length) } : {};
}

function faultOf(error: unknown): { readonly code: string; readonly message: string } {
  if (!(error instanceof Error)) return { code: 'unknown', message: String(error) };
  const code = 'code' in error && typeof error.code === 'string' ? error.code : 'unknown';
  return { code, message: error.message === '' ? code : error.message };
}
