/**
 * Real credentials of providers: sealed when a person hands them over, unsealed only for the way to the
 * provider, and never shown again. What is listed is a name, an age and a fingerprint.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '../model/clock.ts';
import { HoldfastError } from '../model/errors.ts';
import type { Note } from '../model/event.ts';
import { CREDENTIAL_AGE_MS_MAX, CREDENTIAL_BYTES_MAX } from '../model/limits.ts';
import { checkName } from './names.ts';
import type { Seal } from './seal.ts';

export interface CredentialRecord {
  readonly name: string;
  readonly sealed: Buffer;
  /** Of the secret: tells it apart without telling it. */
  readonly fingerprint: string;
  readonly addedAt: Date;
}

export interface CredentialStore {
  /** Replaces one of the same name. */
  put(record: CredentialRecord): Promise<void>;
  find(name: string): Promise<CredentialRecord | null>;
  list(): Promise<readonly CredentialRecord[]>;
  /** False when there was none. */
  remove(name: string): Promise<boolean>;
}

export interface CredentialListing {
  readonly name: string;
  readonly fingerprint: string;
  readonly addedAt: Date;
  /** Older than the rotation asks, as a rule 30 days: rotate it. */
  readonly isOld: boolean;
}

/** How old a sealed credential may be. */
export interface CredentialRotation {
  /** Past it, it is a finding. */
  readonly rotationMs: number;
  /** Past it, it is not used any more; null: it is used all the same. */
  readonly refuseAfterMs: number | null;
}

/** As P5 promises; what is still used is never taken away unless somebody asked for that. */
export const ROTATION_DEFAULT: CredentialRotation = {
  rotationMs: CREDENTIAL_AGE_MS_MAX,
  refuseAfterMs: null,
};

export interface CredentialsParts {
  readonly store: CredentialStore;
  readonly seal: Seal;
  readonly clock: Clock;
  readonly note: Note;
  /** ROTATION_DEFAULT when left out. */
  readonly rotation?: CredentialRotation;
}

export class Credentials {
  readonly #parts: CredentialsParts;
  readonly #changed = new Set<() => void>();

  constructor(parts: CredentialsParts) {
    this.#parts = parts;
  }

  /** Called when this process has changed one; the answer stops the calls. Others are told by the store. */
  onChange(handler: () => void): () => void {
    this.#changed.add(handler);
    return () => this.#changed.delete(handler);
  }

  /** HF_USAGE for a name that is none, or what cannot be a credential. */
  async add(name: string, secret: string): Promise<CredentialListing> {
    checkName('credential', name);
    const isPlain = /^[\x21-\x7e]+$/.test(secret) && secret.length <= CREDENTIAL_BYTES_MAX;
    if (!isPlain) {
      throw new HoldfastError('HF_USAGE', {
        expected: 'a credential of printable characters in one line',
        found: secret === '' ? 'nothing' : 'something else',
        hint: 'Say where it lies: --from-env NAME, or --from-file PATH.',
      });
    }
    const { clock, note, seal, store } = this.#parts;
    const sealed = seal.close(Buffer.from(secret), { kind: 'credential', id: name });
    const record = { name, sealed, fingerprint: fingerprintOf(secret), addedAt: clock.now() };
    await store.put(record);
    this.#tell();
    const { fingerprint } = record;
    await note({
      kind: 'credential-added',
      facts: { credential: name, fingerprint },
      message: `the credential ${name} was sealed`,
    });
    return this.#listing(record);
  }

  /** HF_NOT_FOUND or HF_SEAL; HF_CREDENTIAL_OLD where `refuseAfterMs` says so. */
  async open(name: string): Promise<string> {
    const record = await this.#parts.store.find(name);
    if (record === null) throw noSuch(name);
    this.#refuseOld(record);
    return this.#parts.seal.open(record.sealed, { kind: 'credential', id: name }).toString('utf8');
  }

  get #rotation(): CredentialRotation {
    return this.#parts.rotation ?? ROTATION_DEFAULT;
  }

  #refuseOld(record: CredentialRecord): void {
    const { refuseAfterMs } = this.#rotation;
    if (refuseAfterMs === null || this.#ageMs(record) <= refuseAfterMs) return;
    throw new HoldfastError('HF_CREDENTIAL_OLD', {
      expected: `one sealed within ${refuseAfterMs / 86_400_000} days (credentials.refuseAfterDays)`,
      found: `${record.name}, sealed ${record.addedAt.toISOString()}`,
      hint: `A person rotates it: holdfast credentials add ${record.name} --from-env NAME`,
    });
  }

  #ageMs({ addedAt }: CredentialRecord): number {
    return this.#parts.clock.now().getTime() - addedAt.getTime();
  }

  async list(): Promise<readonly CredentialListing[]> {
    return (await this.#parts.store.list()).map((record) => this.#listing(record));
  }

  async remove(name: string): Promise<void> {
    const { note, store } = this.#parts;
    const isRemoved = await store.remove(name);
    this.#tell();
    if (!isRemoved) throw noSuch(name);
    await note({
      kind: 'credential-removed',
      facts: { credential: name },
      message: `the credential ${name} was removed`,
    });
  }

  #tell(): void {
    for (const handler of this.#changed) handler();
  }

  #listing(record: CredentialRecord): CredentialListing {
    const { name, fingerprint, addedAt } = record;
    const isOld = this.#ageMs(record) > this.#rotation.rotationMs;
    return { name, fingerprint, addedAt, isOld };
  }
}

/** As the gateway reports one that came from an agent, so that the two can be compared. */
export function fingerprintOf(secret: string): string {
  return `sha256:${createHash('sha256').update(secret, 'utf8').digest('hex').slice(0, 16)}`;
}

function noSuch(name: string): HoldfastError {
  return new HoldfastError('HF_NOT_FOUND', {
    expected: `a sealed credential ${name}`,
    found: 'none',
    hint: `Seal it: holdfast credentials add ${name} --from-env NAME`,
  });
}
