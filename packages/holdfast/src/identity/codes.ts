/**
 * One-time codes as a second way: to sign in with a name, to prove again that somebody is there, to be
 * added or replaced by their own person.
 *
 * Who is not let in learns nothing: a name that is nobody's is judged against a secret that nobody has, with
 * as many statements, and a wrong code, a spent one and a pause are one answer. Who is signed in is told.
 */
import { z } from 'zod';
import { HoldfastError } from '../model/errors.ts';
import type { HoldfastEvent, Note } from '../model/event.ts';
import type { Ceremonies } from './ceremonies.ts';
import { noting, type Recorded } from './intents.ts';
import { lastWayIn, type PersonRef } from './passkeys.ts';
import { codeRefused, nobody } from './people.ts';
import type { CodeState, CodeVerdict, PeopleStore } from './people-store.ts';
import type { Totp } from './totp.ts';

export interface CodesParts {
  readonly store: PeopleStore;
  readonly totp: Totp;
  readonly ceremonies: Ceremonies;
  readonly note: Note;
  /** Left out: entries alone, after the change. */
  readonly recorded?: Recorded;
}

/** A secret that was shown and is not theirs yet. */
export const OFFERED = z.object({
  personId: z.string(),
  /** base64. */
  sealed: z.base64(),
});

const NOBODY_ID = 'person_0000000000000000';

export class Codes {
  readonly #parts: CodesParts;
  readonly #nobodys: CodeState;
  readonly #recorded: Recorded;

  constructor(parts: CodesParts) {
    this.#parts = parts;
    this.#recorded = parts.recorded ?? noting(parts.note);
    const { secret } = parts.totp.enrol('nobody');
    this.#nobodys = {
      id: NOBODY_ID,
      confirmed: true,
      totpSealed: parts.totp.seal(secret, NOBODY_ID),
      failures: 0,
      pausedUntil: null,
      lastStep: -1n,
    };
  }

  /** Null: not let in, for whatever reason. */
  async signIn(
    name: string,
    code: string,
    source: string,
    /** Ids of people as whom this browser signed in before. */
    knownAs: readonly string[],
  ): Promise<PersonRef | null> {
    const { note, store, totp } = this.#parts;
    const spent = await store.spend(
      name,
      (state) => totp.judge(state, code, 'daily'),
      this.#nobodys,
      knownAs,
    );
    if (spent !== null && spent.verdict.kind === 'right') return { id: spent.personId, name };
    await note({
      kind: 'sign-in-refused',
      facts: {
        // What was typed for a name may be anything, a password too.
        person: spent === null ? null : name,
        method: 'totp',
        why: spent === null ? 'nobody is called so' : WHY[spent.verdict.kind],
        source,
      },
      message: `A code${spent === null ? '' : ` of ${name}`} was not accepted.`,
    });
    return null;
  }

  /** HF_TOTP_WRONG. */
  async prove({ name }: PersonRef, code: string): Promise<void> {
    const { store, totp } = this.#parts;
    const spent = await store.spend(
      name,
      (state) => totp.judge(state, code, 'daily'),
      this.#nobodys,
      null,
    );
    if (spent === null) throw nobody(name);
    if (spent.verdict.kind !== 'right') throw codeRefused(name, spent.verdict);
  }

  async beginAdding(person: PersonRef): Promise<{ ceremony: string; uri: string }> {
    return this.offer(person, 'codes-add');
  }

  /** A new secret for an app; kept sealed with the ceremony until a first code is right. */
  async offer(
    person: PersonRef,
    kind: 'codes-add' | 'codes-join',
    more: object = {},
  ): Promise<{ ceremony: string; uri: string }> {
    const { ceremonies, totp } = this.#parts;
    const { secret, uri } = totp.enrol(person.name);
    const sealed = totp.seal(secret, person.id).toString('base64');
    const { id } = await ceremonies.begin(kind, { ...more, personId: person.id, sealed });
    return { ceremony: id, uri };
  }

  /** HF_TOTP_WRONG, HF_NOT_FOUND. */
  async add(person: PersonRef, ceremonyId: string, code: string): Promise<void> {
    const { ceremonies, store } = this.#parts;
    const ceremony = await ceremonies.take(ceremonyId, 'codes-add', OFFERED);
    if (ceremony?.facts.personId !== person.id) throw offerOver();
    const sealed = Buffer.from(ceremony.facts.sealed, 'base64');
    const step = this.firstStep(person.id, sealed, code);
    const event: HoldfastEvent = {
      kind: 'codes-changed',
      facts: { person: person.name, personId: person.id },
      message: `${person.name} has new one-time codes; those before no longer count.`,
    };
    await this.#recorded.around(
      event,
      async () => {
        if (!(await store.setCodes(person.id, sealed, step))) throw nobody(person.name);
      },
      () => [event],
    );
  }

  /**
   * Takes their codes away: only where a passkey is left to sign in by. False: they had none. `by`: who says
   * so. HF_LAST_WAY_IN.
   */
  async remove(person: PersonRef, by: string): Promise<boolean> {
    const event: HoldfastEvent = {
      kind: 'codes-removed',
      facts: { person: person.name, personId: person.id, by },
      message: `The one-time codes of ${person.name} were taken away by ${by}: none counts any more.`,
    };
    return await this.#recorded.around(
      event,
      async () => {
        const end = await this.#parts.store.removeCodes(person.id);
        if (end === 'last') throw lastWayIn('a passkey');
        return end === 'done';
      },
      (isDone) => (isDone ? [event] : []),
    );
  }

  /** The time step that a first code spends. HF_TOTP_WRONG. */
  firstStep(personId: string, sealed: Buffer, code: string): bigint {
    const state = { ...this.#nobodys, id: personId, totpSealed: sealed };
    const verdict = this.#parts.totp.judge(state, code, 'first');
    if (verdict.kind === 'right') return verdict.step;
    throw new HoldfastError('HF_TOTP_WRONG', {
      expected: 'the code that the app shows now',
      found: 'another one',
      hint: 'See that the clock of the phone is right, and begin again.',
    });
  }
}

const WHY: Readonly<Record<CodeVerdict['kind'], string>> = {
  right: 'it was right',
  wrong: 'a wrong code',
  used: 'a code that was used before',
  paused: 'a pause after too many wrong ones',
  'not-confirmed': 'they never confirmed their first code',
};

/** For who would take their codes away by one of them. The dashboard knows it by `older`. */
export function wantsPasskey(): HoldfastError {
  return new HoldfastError('HF_USAGE', {
    expected: 'a proof by passkey that you are there',
    found: 'an older one, or one by another way',
    hint: 'Prove by a passkey that you are there: it is what you will sign in with.',
  });
}

export function offerOver(): HoldfastError {
  return new HoldfastError('HF_TOTP_WRONG', {
    expected: 'a first code within five minutes of the QR code',
    found: 'that it is over, or was begun for something else',
    hint: 'Begin again.',
  });
}
