/**
 * The same request sent twice is done once (draft-ietf-httpapi-idempotency-key-header-07): a key of the
 * client's, for as long as IDEMPOTENCY_MS. What was answered is answered again; another request under the
 * same key is refused, and so is one whose first try is still being answered, or was cut off: nobody knows
 * how that ended, so it is not done again by itself.
 *
 * An answer that holds a secret is shown once and kept nowhere. Keys are of whoever asks: nobody can take
 * another's answer.
 */
import { createHash } from 'node:crypto';
import type { Principal } from '../identity/principal.ts';
import { canonicalJson } from '../model/canonical.ts';
import type { Clock } from '../model/clock.ts';
import { HoldfastError } from '../model/errors.ts';
import { IDEMPOTENCY_MS } from '../model/limits.ts';
import type { IdempotencyStore, KeptAnswer } from '../store/idempotency-store.ts';

export interface KeyedRequest {
  readonly principal: Principal;
  readonly key: string;
  /** Name of the route, and what it was asked with. */
  readonly route: string;
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
  readonly isSecret: boolean;
}

export interface Answered {
  readonly status: number;
  readonly json: string;
}

const KEY = /^[!-~]{1,255}$/;

export class Idempotency {
  readonly #store: IdempotencyStore;
  readonly #clock: Clock;

  constructor(store: IdempotencyStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** `work` never rejects: a problem is an answer. HF_USAGE, HF_KEY_REUSED, HF_IN_PROGRESS. */
  async once(request: KeyedRequest, work: () => Promise<Answered>): Promise<Answered> {
    const { body, isSecret, key, params, principal, query, route } = request;
    if (!KEY.test(key)) throw notAKey();
    const keyHash = sha256(canonicalJson([whoseKey(principal), key]));
    const requestHash = sha256(canonicalJson([route, { params, query, body }]));
    const now = this.#clock.now();
    const expiresAt = new Date(now.getTime() + IDEMPOTENCY_MS);
    const known = await this.#store.begin({ keyHash, requestHash, now, expiresAt });
    if (known !== null) return again(known, requestHash);
    const answered = await work();
    // Not there, so not done: the store or the trail was away. The same key may try again.
    if (answered.status === 503) await this.#store.forget(keyHash);
    else await this.#store.end(keyHash, answered.status, isSecret ? null : answered.json);
    return answered;
  }
}

function again({ answer, requestHash, status }: KeptAnswer, asked: Buffer): Answered {
  if (!requestHash.equals(asked)) {
    throw new HoldfastError('HF_KEY_REUSED', {
      expected: 'the request that this Idempotency-Key was first sent with',
      found: 'another one',
      hint: 'Take a new key for a new request.',
    });
  }
  if (status === null) {
    throw new HoldfastError('HF_IN_PROGRESS', {
      expected: 'the first try with this Idempotency-Key to be answered',
      found: 'that it is not, or was cut off',
      hint: 'Look at what came of it before you ask again with another key.',
    });
  }
  if (answer === null) {
    throw new HoldfastError('HF_KEY_REUSED', {
      expected: 'a request whose answer may be shown twice',
      found: 'one whose answer holds a secret: it was done, and shown once',
      hint: 'If the answer was lost, revoke what was made and ask anew with another key.',
    });
  }
  return { status, json: answer };
}

function whoseKey(principal: Principal): string {
  return principal.kind === 'machine' ? 'machine' : `${principal.kind} ${principal.id}`;
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function notAKey(): HoldfastError {
  return new HoldfastError('HF_USAGE', {
    expected: 'an Idempotency-Key of 1 to 255 visible ASCII characters',
    found: 'another text',
    hint: 'A random UUID will do.',
  });
}
