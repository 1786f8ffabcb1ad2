/**
 * Recovery codes: a sheet of paper for the day when phone and key are gone. RECOVERY_CODES at a time, each
 * signs in once, and opens nothing but the way to a new passkey (identity/principal.ts).
 *
 * A code has 80 random bits, so that a plain SHA-256 is enough at rest: who has the table would need 2^79
 * guesses for each code. A slow hash (argon2) is for what people think up.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '../model/clock.ts';
import type { Note } from '../model/event.ts';
import { base32 } from '../model/ids.ts';
import { RECOVERY_CODES } from '../model/limits.ts';
import type { PersonRef } from './passkeys.ts';

export interface RecoveryStore {
  /** In place of all that this person had. */
  renew(personId: string, hashes: readonly Buffer[]): Promise<void>;
  /** How many are not used yet. */
  left(personId: string): Promise<number>;
  /**
   * Uses one up, of whoever is called so; null: nobody, or no such code. `hashOf` is asked once whoever it
   * is, so that it takes the same time.
   */
  use(
    name: string,
    hashOf: (personId: string) => Buffer,
  ): Promise<{ readonly person: PersonRef; readonly left: number } | null>;
}

export interface RecoveryParts {
  readonly store: RecoveryStore;
  readonly clock: Clock;
  readonly note: Note;
}

const CODE_BYTES = 10;
const GROUP_CHARS = 4;

export interface FreshCodes {
  /** `7k2m-9q4x-…`: the only time they are seen. */
  readonly codes: readonly string[];
  readonly hashes: readonly Buffer[];
}

export class RecoveryCodes {
  readonly #parts: RecoveryParts;

  constructor(parts: RecoveryParts) {
    this.#parts = parts;
  }

  fresh(personId: string): FreshCodes {
    const codes = Array.from({ length: RECOVERY_CODES }, () => {
      const text = base32(this.#parts.clock.random(CODE_BYTES));
      return text.match(new RegExp(`.{${GROUP_CHARS}}`, 'g'))?.join('-') ?? text;
    });
    return { codes, hashes: codes.map((code) => hashOf(personId, code)) };
  }

  left(personId: string): Promise<number> {
    return this.#parts.store.left(personId);
  }

  async renew(person: PersonRef): Promise<readonly string[]> {
    const { codes, hashes } = this.fresh(person.id);
    await this.#parts.store.renew(person.id, hashes);
    await this.#parts.note({
      kind: 'recovery-renewed',
      facts: { person: person.name, personId: person.id },
      message: `${person.name} has new recovery codes; those before no longer count.`,
    });
    return codes;
  }

  /** Null: not let in, for whatever reason. */
  async use(name: string, code: string, source: string): Promise<PersonRef | null> {
    const { note, store } = this.#parts;
    const used = await store.use(name, (personId) => hashOf(personId, code));
    if (used === null) {
      await note({
        kind: 'sign-in-refused',
        facts: { person: null, method: 'recovery', why: 'no such code is left', source },
        message: 'A recovery code was not accepted.',
      });
      return null;
    }
    const { left, person } = used;
    await note({
      kind: 'recovery-used',
      facts: { person: person.name, personId: person.id, left, source },
      message: `${person.name} signed in by a recovery code; ${left} are left.`,
    });
    return person;
  }
}

/** As people copy from paper: any case, with or without dashes, o for 0, i and l for 1. */
function hashOf(personId: string, code: string): Buffer {
  const plain = code
    .toLowerCase()
    .replaceAll(/[^0-9a-z]/g, '')
    .replaceAll('o', '0')
    .replaceAll(/[il]/g, '1');
  return createHash('sha256').update(`holdfast/recovery/1\n${personId}\n${plain}`).digest();
}
