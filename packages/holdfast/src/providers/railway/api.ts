/**
 * Holdfast's own questions to Railway, with the real credential. Queries only; there is no way in here
 * to change anything. Railway allows 100 requests an hour on its free plan, so every answer says how many
 * are left, and the last of them are kept for what a decision hangs on.
 */
import { request } from 'undici';
import { z } from 'zod';
import type { Clock } from '../../model/clock.ts';
import { HoldfastError } from '../../model/errors.ts';
import { RAILWAY_ASK_MS_MAX, RAILWAY_ASKS_KEPT } from '../../model/limits.ts';

export interface RailwayApiOptions {
  readonly origin: string;
  readonly clock: Clock;
  readonly credential: () => Promise<Readonly<Record<string, string>>>;
}

/** `needed`: a decision hangs on it. `fresh`: it would only make what is known newer. */
export type Urgency = 'needed' | 'fresh';

const PATH = '/graphql/v2';
const answer = z.object({
  data: z.unknown().optional(),
  errors: z.array(z.object({ message: z.string() })).optional(),
});

export class RailwayApi {
  readonly #options: RailwayApiOptions;
  #left = Number.POSITIVE_INFINITY;
  #pausedUntilMs = 0;

  constructor(options: RailwayApiOptions) {
    this.#options = options;
  }

  /** Rejects with HF_UPSTREAM_UNREACHABLE or HF_UPSTREAM_REFUSED. */
  async ask<T>(
    query: string,
    variables: Readonly<Record<string, unknown>>,
    shape: z.ZodType<T>,
    urgency: Urgency,
  ): Promise<T> {
    const { clock, origin, credential } = this.#options;
    const waitMs = this.#pausedUntilMs - clock.monotonicMs();
    if (waitMs > 0) throw limited(`a pause of ${Math.ceil(waitMs / 1000)} s more`);
    if (urgency === 'fresh' && this.#left <= RAILWAY_ASKS_KEPT) throw limited(`${this.#left} left`);
    const sent = await this.#send(origin, query, variables, await credential());
    this.#heed(sent.headers);
    if (sent.statusCode === 429) {
      await sent.body.dump();
      throw limited('429');
    }
    const said = answer.safeParse(await sent.body.json().catch(() => null));
    const found = said.data?.errors?.[0]?.message;
    if (!said.success || found !== undefined) throw refused(found ?? `status ${sent.statusCode}`);
    const parsed = shape.safeParse(said.data.data);
    if (parsed.success) return parsed.data;
    throw refused(`an answer of another shape: ${z.prettifyError(parsed.error).slice(0, 200)}`);
  }

  async #send(
    origin: string,
    query: string,
    variables: Readonly<Record<string, unknown>>,
    credential: Readonly<Record<string, string>>,
  ): ReturnType<typeof request> {
    try {
      return await request(`${origin}${PATH}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...credential },
        body: JSON.stringify({ query, variables }),
        headersTimeout: RAILWAY_ASK_MS_MAX,
        bodyTimeout: RAILWAY_ASK_MS_MAX,
      });
    } catch (cause) {
      throw new HoldfastError('HF_UPSTREAM_UNREACHABLE', {
        expected: 'an answer from Railway',
        found: cause instanceof Error ? cause.message : String(cause),
        hint: 'What changes something is held until Railway answers Holdfast itself.',
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
}

function limited(found: string): HoldfastError {
  return new HoldfastError('HF_UPSTREAM_REFUSED', {
    expected: 'requests left at Railway for Holdfast’s own questions',
    found,
    hint: 'Wait; what changes something is held meanwhile.',
  });
}

function refused(found: string): HoldfastError {
  return new HoldfastError('HF_UPSTREAM_REFUSED', {
    expected: 'Railway to answer Holdfast’s own question',
    found,
    hint: 'See that the sealed credential is still good: holdfast credentials check railway.',
  });
}
