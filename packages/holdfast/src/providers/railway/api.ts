/**
 * Holdfast's own questions to Railway: queries only. Railway allows 100 requests an hour on its free plan,
 * so the last of them are kept for what a decision hangs on.
 */
import type { z } from 'zod';
import { Asking, type AskingOptions, type Urgency } from '../asking.ts';

export interface RailwayApiOptions extends AskingOptions {
  readonly origin: string;
}

const PATH = '/graphql/v2';

export class RailwayApi {
  readonly #asking: Asking;
  readonly #url: string;

  constructor({ origin, ...asking }: RailwayApiOptions) {
    this.#asking = new Asking(asking);
    this.#url = `${origin}${PATH}`;
  }

  /** Rejects with HF_UPSTREAM_UNREACHABLE or HF_UPSTREAM_REFUSED. */
  ask<T>(
    query: string,
    variables: Readonly<Record<string, unknown>>,
    shape: z.ZodType<T>,
    urgency: Urgency,
  ): Promise<T> {
    return this.#asking.query(this.#url, query, variables, shape, urgency);
  }
}
