/**
 * Holdfast's own questions to a provider, with the real credential. They change nothing; there is no way
 * in here that does. Answers say how many requests are left, and the last are kept for what a decision
 * hangs on.
 */
import { request } from 'undici';
import { z } from 'zod';
import type { Clock } from '../model/clock.ts';
import { HoldfastError, messageOf } from '../model/errors.ts';
import { PROVIDER_ASK_MS_MAX, PROVIDER_ASKS_KEPT } from '../model/limits.ts';
import type { Called } from './placing.ts';

export interface AskingOptions {
  readonly called: Called;
  readonly clock: Clock;
  readonly credential: () => Promise<Readonly<Record<string, string>>>;
}

/** `needed`: a decision hangs on it. `fresh`: it would only make what is known newer. */
export type Urgency = 'needed' | 'fresh';

interface Answer {
  readonly status: number;
  readonly value: unknown;
}

/** A limit, or a server that is ill, is none of these: then it is not known what there is. */
const NOT_TO_BE_HAD = new Set([400, 403, 404, 422]);

const graphql = z.object({
  data: z.unknown().optional(),
  errors: z.array(z.object({ message: z.string() })).optional(),
});

export class Asking {
  readonly #options: AskingOptions;
  #left = Number.POSITIVE_INFINITY;
  #pausedUntilMs = 0;

  constructor(options: AskingOptions) {
    this.#options = options;
  }

  /** Rejects with HF_UPSTREAM_UNREACHABLE or HF_UPSTREAM_REFUSED. */
  async get<T>(url: string, shape: z.ZodType<T>, urgency: Urgency = 'needed'): Promise<T> {
    const { status, value } = await this.#send(url, null, urgency);
    if (status >= 400) throw this.#refused(`status ${status}`);
    return this.#parsed(shape, value);
  }

  /** Null when it is not to be had: it does not exist, or not for this credential. Rejects as `get`. */
  async getIfAny<T>(url: string, shape: z.ZodType<T>): Promise<T | null> {
    const { status, value } = await this.#send(url, null, 'needed');
    if (NOT_TO_BE_HAD.has(status)) return null;
    if (status >= 400) throw this.#refused(`status ${status}`);
    return this.#parsed(shape, value);
  }

  /** A GraphQL query. Rejects likewise; also when the answer has errors in it. */
  async query<T>(
    url: string,
    query: string,
    variables: Readonly<Record<string, unknown>>,
    shape: z.ZodType<T>,
    urgency: Urgency = 'needed',
  ): Promise<T> {
    const { status, value } = await this.#send(url, { query, variables }, urgency);
    const said = graphql.safeParse(value);
    const found = said.data?.errors?.[0]?.message;
    if (!said.success || found !== undefined) throw this.#refused(found ?? `status ${status}`);
    return this.#parsed(shape, said.data.data);
  }

  #parsed<T>(shape: z.ZodType<T>, value: unknown): T {
    const parsed = shape.safeParse(value);
    if (parsed.success) return parsed.data;
    throw this.#refused(
      `an answer of another shape: ${z.prettifyError(parsed.error).slice(0, 200)}`,
    );
  }

  async #send(url: string, body: unknown, urgency: Urgency): Promise<Answer> {
    const { clock, credential } = this.#options;
    const waitMs = this.#pausedUntilMs - clock.monotonicMs();
    if (waitMs > 0) throw this.#limited(`a pause of ${Math.ceil(waitMs / 1000)} s more`);
    if (urgency === 'fresh' && this.#left <= PROVIDER_ASKS_KEPT) {
      throw this.#limited(`${this.#left} left`);
    }
    const sent = await this.#sent(url, body, await credential());
    this.#heed(sent.headers);
    if (sent.statusCode === 429) {
      await sent.body.dump();
      throw this.#limited('429');
    }
    return { status: sent.statusCode, value: await sent.body.json().catch(() => null) };
  }

  async #sent(
    url: string,
    body: unknown,
    credential: Readonly<Record<string, string>>,
  ): ReturnType<typeof request> {
    const { title } = this.#options.called;
    const bounds = { headersTimeout: PROVIDER_ASK_MS_MAX, bodyTimeout: PROVIDER_ASK_MS_MAX };
    try {
      if (body === null) return await request(url, { headers: { ...credential }, ...bounds });
      const headers = { 'content-type': 'application/json', ...credential };
      return await request(url, { method: 'POST', headers, body: JSON.stringify(body), ...bounds });
    } catch (cause) {
      throw new HoldfastError('HF_UPSTREAM_UNREACHABLE', {
        expected: `an answer from ${title}`,
        found: messageOf(cause),
        hint: `What changes something is held until ${title} answers Holdfast itself.`,
        cause,
      });
    }
  }

  #heed(headers: Readonly<Record<string, string | string[] | undefined>>): void {
    const left = Number(headers['x-ratelimit-remaining'] ?? Number.NaN);
    if (Number.isFinite(left)) this.#left = left;
    const afterSeconds = Number(headers['retry-after'] ?? Number.NaN);
    if (Number.isFinite(afterSeconds)) {
      this.#pausedUntilMs = this.#options.clock.monotonicMs() + afterSeconds * 1000;
    }
  }

  #limited(found: string): HoldfastError {
    return new HoldfastError('HF_UPSTREAM_REFUSED', {
      expected: `requests left at ${this.#options.called.title} for Holdfast’s own questions`,
      found,
      hint: 'Wait; what changes something is held meanwhile.',
    });
  }

  #refused(found: string): HoldfastError {
    const { title, name } = this.#options.called;
    return new HoldfastError('HF_UPSTREAM_REFUSED', {
      expected: `${title} to answer Holdfast’s own question`,
      found,
      hint: `See that the credential is still good; seal a new one: holdfast credentials add ${name}.`,
    });
  }
}
