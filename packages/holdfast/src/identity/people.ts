/**
 * What is done about people: add one (the answer holds the QR code's text), confirm with a first
 * code, list, remove. A person who has not confirmed signs nothing.
 */
import type { Clock } from '../model/clock.ts';
import { HoldfastError } from '../model/errors.ts';
import type { HoldfastEvent, Note } from '../model/event.ts';
import { newId } from '../model/ids.ts';
import { TOTP_FAILURES_MAX, TOTP_PAUSE_MS } from '../model/limits.ts';
import { noting, type Recorded } from './intents.ts';
import { checkName } from './names.ts';
import type {
  CodeState,
  CodeVerdict,
  PeopleStore,
  PersonChange,
  PersonOverview,
  PersonRecord,
} from './people-store.ts';
import { ROLES, type Role } from './roles.ts';
import type { Totp } from './totp.ts';

export interface PeopleParts {
  readonly store: PeopleStore;
  readonly totp: Totp;
  readonly clock: Clock;
  readonly note: Note;
  /** Left out: entries alone, after the change. */
  readonly recorded?: Recorded;
}

export interface AddedPerson {
  readonly person: PersonRecord;
  /** otpauth:// URI; a secret, shown once. */
  readonly uri: string;
}

/** A person who does something about others. */
export interface Actor {
  readonly id: string;
  readonly name: string;
}

export class People {
  readonly #parts: PeopleParts;
  readonly #recorded: Recorded;

  constructor(parts: PeopleParts) {
    this.#parts = parts;
    this.#recorded = parts.recorded ?? noting(parts.note);
  }

  /**
   * With one-time codes. Without roles: an owner when there is nobody yet, else an approver. HF_USAGE
   * for a name that is none, HF_EXISTS for one that is taken.
   */
  async add(name: string, roles?: readonly Role[]): Promise<AddedPerson> {
    checkName('person', name);
    const { clock, store, totp } = this.#parts;
    const isFirst = roles === undefined && (await store.list()).length === 0;
    const person: PersonRecord = {
      id: newId('person', clock),
      name,
      roles: roles ?? [isFirst ? 'owner' : 'approver'],
      addedAt: clock.now(),
      confirmedAt: null,
    };
    const { uri, secret } = totp.enrol(name);
    const event: HoldfastEvent = {
      kind: 'person-added',
      facts: { person: name, personId: person.id, roles: person.roles.join(', ') },
      message: `${name} was added and has yet to confirm with a code.`,
    };
    await this.#recorded.around(
      event,
      async () => {
        const totpSealed = totp.seal(secret, person.id);
        if (!(await store.add({ ...person, totpSealed }))) throw taken(name);
      },
      () => [event],
    );
    return { person, uri };
  }

  /** HF_TOTP_WRONG unless the code is right; HF_NOT_FOUND for nobody. */
  async confirm(name: string, code: string): Promise<void> {
    const { clock, store, totp } = this.#parts;
    const event: HoldfastEvent = {
      kind: 'person-confirmed',
      facts: { person: name, method: 'totp' },
      message: `${name} confirmed with a code and may sign.`,
    };
    await this.#recorded.around(
      event,
      async () => {
        const judge = (state: CodeState) => totp.judge(state, code, 'first');
        const verdict = await store.confirm(name, judge, clock.now());
        if (verdict === null) throw nobody(name);
        if (verdict.kind !== 'right') throw codeRefused(name, verdict);
      },
      () => [event],
    );
  }

  /**
   * Somebody who is to come by a one-time link, and until then can neither sign in nor sign. HF_USAGE,
   * HF_EXISTS.
   */
  async expect(name: string, roles: readonly Role[]): Promise<PersonRecord> {
    checkName('person', name);
    const { clock, store } = this.#parts;
    const person: PersonRecord = {
      id: newId('person', clock),
      name,
      roles: ordered(roles),
      addedAt: clock.now(),
      confirmedAt: null,
    };
    if (!(await store.add({ ...person, totpSealed: null }))) throw taken(name);
    return person;
  }

  /** An owner until then. False: nobody of that id who has joined. */
  raise(personId: string, until: Date): Promise<boolean> {
    return this.#parts.store.raise(personId, until);
  }

  /** HF_NOT_FOUND. */
  async byId(id: string): Promise<PersonOverview> {
    const all = await this.overview();
    const person = all.find((one) => one.id === id);
    if (person === undefined) throw nobody(id.slice(0, 64));
    return person;
  }

  overview(): Promise<readonly PersonOverview[]> {
    return this.#parts.store.overview();
  }

  /** The first owner has yet to come. */
  async isNobodyYet(): Promise<boolean> {
    const all = await this.list();
    return all.every(({ confirmedAt }) => confirmedAt === null);
  }

  list(): Promise<readonly PersonRecord[]> {
    return this.#parts.store.list();
  }

  /** `by`: who says so; left out: the machine itself. HF_NOT_FOUND, HF_LAST_OWNER. */
  async setRoles(name: string, roles: readonly Role[], by?: Actor): Promise<void> {
    const { store } = this.#parts;
    const wanted = ordered(roles);
    const event: HoldfastEvent = {
      kind: 'person-roles',
      facts: { person: name, roles: wanted.join(', '), ...byOf(by) },
      message: `${name} is ${wanted.join(', ')} now.`,
    };
    await this.#recorded.around(
      event,
      async () => requireChanged(name, await store.setRoles(name, wanted, by?.id ?? null)),
      () => [event],
    );
  }

  /** As `setRoles`. */
  async remove(name: string, by?: Actor): Promise<void> {
    const { clock, store } = this.#parts;
    const event: HoldfastEvent = {
      kind: 'person-removed',
      facts: { person: name, ...byOf(by) },
      message: `${name} was removed; open holds no longer count their signature.`,
    };
    await this.#recorded.around(
      event,
      async () => requireChanged(name, await store.remove(name, by?.id ?? null, clock.now())),
      () => [event],
    );
  }
}

/** For whoever acts and is an owner for an hour, or not here any more. */
export function notTheirs(): HoldfastError {
  return new HoldfastError('HF_FORBIDDEN', {
    expected: 'an owner who is one by their roles',
    found: 'one by break-glass, or none any more',
    hint: 'Break-glass keeps the house for an hour; who its owners are, others say.',
  });
}

function byOf(by: Actor | undefined): { readonly by?: string } {
  return by === undefined ? {} : { by: by.name };
}

/** As the table has them. HF_USAGE for none. */
function ordered(roles: readonly Role[]): readonly Role[] {
  const wanted = ROLES.filter((role) => roles.includes(role));
  if (wanted.length > 0) return wanted;
  throw new HoldfastError('HF_USAGE', {
    expected: `at least one role of ${ROLES.join(', ')}`,
    found: 'none',
    hint: 'Remove the person when they should do nothing any more.',
  });
}

function taken(name: string): HoldfastError {
  return new HoldfastError('HF_EXISTS', {
    expected: 'a name that is free',
    found: `a person named ${name}`,
    hint: 'Choose another name, or remove the person first when the phone was lost.',
  });
}

function requireChanged(name: string, change: PersonChange): void {
  if (change === 'nobody') throw nobody(name);
  if (change === 'done') return;
  if (change === 'not-theirs') throw notTheirs();
  throw new HoldfastError('HF_LAST_OWNER', {
    expected: 'another owner who can sign in',
    found: `${name} is the last one`,
    hint: 'Make somebody else an owner first: holdfast people roles NAME owner.',
  });
}

export function nobody(name: string): HoldfastError {
  return new HoldfastError('HF_NOT_FOUND', {
    expected: 'the name of a person',
    found: `nobody named ${name}`,
    hint: 'See `holdfast people list`, or add them with `holdfast people add`.',
  });
}

/** HF_TOTP_WRONG in the words that help an honest person, and no guesser. */
export function codeRefused(
  name: string,
  verdict: Exclude<CodeVerdict, { kind: 'right' }>,
): HoldfastError {
  const refuse = (found: string, hint: string): HoldfastError =>
    new HoldfastError('HF_TOTP_WRONG', { expected: `a code of ${name}'s`, found, hint });
  switch (verdict.kind) {
    case 'wrong':
      return verdict.pausedUntil === null
        ? refuse(
            `a wrong one (${verdict.failures} of ${TOTP_FAILURES_MAX} before a pause)`,
            'Read the code again; see that the clock of the phone is right.',
          )
        : refuse(`the ${TOTP_FAILURES_MAX}th wrong one`, pauseHint(verdict.pausedUntil));
    case 'used':
      return refuse('one that was used before', 'Wait for the next code: each counts once.');
    case 'paused':
      return refuse('a pause after too many wrong ones', pauseHint(verdict.until));
    case 'not-confirmed':
      return refuse(
        'that they never confirmed their first code',
        `Confirm with \`holdfast people confirm ${name}\`.`,
      );
    default:
      return verdict satisfies never;
  }
}

function pauseHint(until: Date): string {
  return `Try again after ${until.toISOString()} (${TOTP_PAUSE_MS / 60_000} minutes' pause).`;
}
