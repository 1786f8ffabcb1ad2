/**
 * What we ask a browser, or another provider, to answer. Each is answered once or never, within
 * CEREMONY_LIFE_MS, and for what it was begun for: taking one uses it up, whatever comes of it, so that
 * nothing can be tried twice on one challenge.
 *
 * The challenge is the SHA-256 of a text that says what it is for, with 32 random bytes in it. What people sign
 * on a hold is the SHA-256 of a text of another domain (approvals/binding.ts). So neither can stand for the
 * other: an old signature on a hold answers no ceremony, whatever nonce somebody writes into its row, and no
 * answer to a ceremony signs a hold, whatever its card says; either would take two texts of one SHA-256. For the
 * same reason an answer of one kind of ceremony is none of another.
 */
import { createHash } from 'node:crypto';
import type { z } from 'zod';
import { canonicalJson } from '../model/canonical.ts';
import type { Clock } from '../model/clock.ts';
import { newId } from '../model/ids.ts';
import { CEREMONY_LIFE_MS } from '../model/limits.ts';

export const CEREMONY_KINDS = [
  'passkey-sign-in',
  'passkey-prove',
  'passkey-add',
  'passkey-join',
  'codes-add',
  'codes-join',
  'sso',
] as const;
export type CeremonyKind = (typeof CEREMONY_KINDS)[number];

export interface CeremonyRecord {
  readonly id: string;
  readonly kind: string;
  /** 32 random bytes, base64url. */
  readonly nonce: string;
  /** JSON. */
  readonly facts: unknown;
  readonly expiresAt: Date;
}

export interface CeremonyStore {
  /** And forgets those that have run out. */
  add(ceremony: CeremonyRecord, now: Date): Promise<void>;
  /** Of many that ask for one, one gets it; null also for one that we did not write. Whether it is timely is the caller's to see. */
  take(id: string): Promise<CeremonyRecord | null>;
}

export interface Begun {
  readonly id: string;
  /** 32 bytes, base64url. */
  readonly challenge: string;
}

const NONCE_BYTES = 32;

export class Ceremonies {
  readonly #store: CeremonyStore;
  readonly #clock: Clock;

  constructor(store: CeremonyStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  async begin(kind: CeremonyKind, facts: object): Promise<Begun> {
    const now = this.#clock.now();
    const id = newId('ceremony', this.#clock);
    const nonce = this.#clock.random(NONCE_BYTES).toString('base64url');
    const expiresAt = new Date(now.getTime() + CEREMONY_LIFE_MS);
    await this.#store.add({ id, kind, nonce, facts, expiresAt }, now);
    return { id, challenge: challengeOf(kind, id, nonce) };
  }

  /** Null: none such, over, answered before, or begun for something else. */
  async take<Facts extends z.ZodType>(
    id: string,
    kind: CeremonyKind,
    schema: Facts,
  ): Promise<{ readonly challenge: string; readonly facts: z.output<Facts> } | null> {
    const found = await this.#store.take(id);
    if (found === null || found.kind !== kind) return null;
    if (found.expiresAt.getTime() <= this.#clock.now().getTime()) return null;
    const challenge = challengeOf(kind, id, found.nonce);
    return { challenge, facts: schema.parse(found.facts) };
  }
}

function challengeOf(kind: CeremonyKind, id: string, nonce: string): string {
  const text = canonicalJson({ domain: 'holdfast/ceremony/1', kind, ceremony: id, nonce });
  return createHash('sha256').update(text).digest('base64url');
}
