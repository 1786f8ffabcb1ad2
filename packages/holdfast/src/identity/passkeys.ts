/**
 * Passkeys (WebAuthn Level 3): adding one, signing in with one, proving again that somebody is there.
 * User verification is always required, attestation never asked for: which make it is decides nothing.
 *
 * The order of an answer: its ceremony, which is used up -> the credential, its row locked -> its MAC (a row
 * written into our database by hand opens nothing) -> the assertion (origin, RP id, challenge, user
 * verified, signature) -> its counter. A counter that goes back is seen only after the signature was right,
 * so that nobody can have another's passkey suspended by forging.
 *
 * What it will not do: say to whoever signs in why not, or let a frame of another site ask.
 */
import { z } from 'zod';
import type { Assertion } from '../model/assertion.ts';
import type { Clock } from '../model/clock.ts';
import { HoldfastError, messageOf } from '../model/errors.ts';
import type { HoldfastEvent, Note } from '../model/event.ts';
import { CEREMONY_LIFE_MS, PASSKEYS_MAX } from '../model/limits.ts';
import type { Begun, Ceremonies } from './ceremonies.ts';
import { noting, type Recorded } from './intents.ts';
import type { PasskeyAdded, PasskeyRecord, PasskeyStore, PasskeyUse } from './passkey-store.ts';
import type { ProofKeys } from './proof-keys.ts';

/** Ed25519 and P-256 (RFC 9053); RSA for Windows Hello. */
const ALGORITHMS = [-8, -7, -257];
const RP_NAME = 'Holdfast';
const TRANSPORTS = ['ble', 'cable', 'hybrid', 'internal', 'nfc', 'smart-card', 'usb'] as const;
type Transport = (typeof TRANSPORTS)[number];

export interface PasskeyParts {
  readonly store: PasskeyStore;
  readonly ceremonies: Ceremonies;
  readonly keys: ProofKeys;
  readonly clock: Clock;
  readonly note: Note;
  /** Left out: entries alone, after the change. */
  readonly recorded?: Recorded;
}

export interface PersonRef {
  readonly id: string;
  readonly name: string;
}

/** The answer of `navigator.credentials.create`. */
export interface CreatedPasskey {
  readonly id: string;
  readonly rawId: string;
  readonly response: {
    readonly clientDataJSON: string;
    readonly attestationObject: string;
    readonly transports?: readonly string[] | undefined;
  };
}

/** The answer of `navigator.credentials.get`. */
export interface AssertedPasskey extends Assertion {
  readonly response: Assertion['response'] & { readonly userHandle?: string | null | undefined };
}

const PERSON = z.object({ personId: z.string() });
const NOBODY = z.object({});

export class Passkeys {
  readonly #parts: PasskeyParts;
  readonly #recorded: Recorded;

  constructor(parts: PasskeyParts) {
    this.#parts = parts;
    this.#recorded = parts.recorded ?? noting(parts.note);
  }

  /** For a person who is known. */
  async beginAdding(person: PersonRef) {
    const begun = await this.#parts.ceremonies.begin('passkey-add', { personId: person.id });
    return this.creation(begun, person, await this.list(person.id));
  }

  /** HF_PASSKEY, HF_EXISTS, HF_LIMIT. */
  async add(
    person: PersonRef,
    answer: { readonly ceremony: string; readonly label: string; readonly created: CreatedPasskey },
  ): Promise<PasskeyRecord> {
    const { ceremonies, store } = this.#parts;
    const ceremony = await ceremonies.take(answer.ceremony, 'passkey-add', PERSON);
    if (ceremony?.facts.personId !== person.id) throw over();
    const passkey = await this.verifyNew(
      person.id,
      ceremony.challenge,
      answer.label,
      answer.created,
    );
    const event = addedEvent(person, passkey);
    await this.#recorded.around(
      event,
      async () => refuseUnadded(await store.add(passkey)),
      () => [event],
    );
    return passkey;
  }

  list(personId: string): Promise<readonly PasskeyRecord[]> {
    return this.#parts.store.list(personId);
  }

  /** HF_LAST_WAY_IN, HF_NOT_FOUND. */
  async remove(person: PersonRef, credentialId: string): Promise<void> {
    const { clock, store } = this.#parts;
    const event: HoldfastEvent = {
      kind: 'passkey-removed',
      facts: { person: person.name, personId: person.id, credential: credentialId },
      message: `${person.name} removed a passkey.`,
    };
    await this.#recorded.around(
      event,
      async () => refuseUnremoved(await store.remove(credentialId, person.id, clock.now())),
      () => [event],
    );
  }

  /** Nobody has said who they are: the browser offers the passkeys that it has for us. */
  async beginSignIn() {
    return this.#request(await this.#parts.ceremonies.begin('passkey-sign-in', {}), []);
  }

  /** Null: not let in; why is in the trail. */
  async signIn(
    ceremonyId: string,
    asserted: AssertedPasskey,
    source: string,
  ): Promise<PersonRef | null> {
    const ceremony = await this.#parts.ceremonies.take(ceremonyId, 'passkey-sign-in', NOBODY);
    if (ceremony === null) return this.#refuse(null, 'no such ceremony is open', source);
    const handle = asserted.response.userHandle ?? null;
    return this.#use(ceremony.challenge, asserted, source, (passkey) =>
      handle === handleOf(passkey.personId) ? null : 'it names another person',
    );
  }

  async beginProof(person: PersonRef) {
    const begun = await this.#parts.ceremonies.begin('passkey-prove', { personId: person.id });
    return this.#request(begun, await this.list(person.id));
  }

  /** Options to have a person sign `challenge` (32 bytes) on a hold: whoever takes the word verifies it. */
  async toSign(person: PersonRef, challenge: Buffer) {
    const begun = { id: '', challenge: challenge.toString('base64url') };
    const { options } = this.#request(begun, await this.list(person.id));
    return { options };
  }

  /** As `signIn`, for this person only. */
  async prove(
    person: PersonRef,
    ceremonyId: string,
    asserted: AssertedPasskey,
    source: string,
  ): Promise<boolean> {
    const ceremony = await this.#parts.ceremonies.take(ceremonyId, 'passkey-prove', PERSON);
    if (ceremony === null || ceremony.facts.personId !== person.id) {
      await this.#refuse(person, 'no such ceremony is open', source);
      return false;
    }
    const found = await this.#use(ceremony.challenge, asserted, source, (passkey) =>
      passkey.personId === person.id ? null : 'it is another person’s',
    );
    return found !== null;
  }

  /** Options for `navigator.credentials.create`. */
  creation({ challenge, id }: Begun, person: PersonRef, has: readonly PasskeyRecord[]) {
    return {
      ceremony: id,
      options: {
        rp: { name: RP_NAME, id: this.#parts.keys.rpId },
        user: { id: handleOf(person.id), name: person.name, displayName: person.name },
        challenge,
        pubKeyCredParams: ALGORITHMS.map((alg) => ({ type: 'public-key' as const, alg })),
        timeout: CEREMONY_LIFE_MS,
        excludeCredentials: has.map(descriptorOf),
        authenticatorSelection: {
          residentKey: 'preferred' as const,
          requireResidentKey: false as const,
          userVerification: 'required' as const,
        },
        attestation: 'none' as const,
      },
    };
  }

  /** What is to be kept of a new one. HF_PASSKEY. */
  async verifyNew(
    personId: string,
    challenge: string,
    label: string,
    { id, rawId, response }: CreatedPasskey,
  ): Promise<PasskeyRecord> {
    const { clock, keys } = this.#parts;
    const { attestationObject, clientDataJSON, transports = [] } = response;
    if (keys.isOfAnotherFrame(clientDataJSON)) throw notAccepted('a frame of another site');
    // A quarter of a second to load, and most processes never verify one.
    const { verifyRegistrationResponse } = await import('@simplewebauthn/server');
    try {
      const { registrationInfo, verified } = await verifyRegistrationResponse({
        response: {
          id,
          rawId,
          type: 'public-key',
          clientExtensionResults: {},
          response: { attestationObject, clientDataJSON },
        },
        expectedChallenge: challenge,
        expectedOrigin: [...keys.origins],
        expectedRPID: keys.rpId,
        requireUserVerification: true,
        supportedAlgorithmIDs: ALGORITHMS,
      });
      if (!verified) throw notAccepted('a signature that is not of its key');
      const { credential, credentialBackedUp } = registrationInfo;
      if (credential.id !== id) throw notAccepted('two ids of a credential');
      const facts = {
        credentialId: credential.id,
        personId,
        publicKey: Buffer.from(credential.publicKey),
        rpId: keys.rpId,
      };
      return {
        ...facts,
        counter: credential.counter,
        label,
        transports: transports.filter(isTransport),
        isBackedUp: credentialBackedUp,
        addedAt: clock.now(),
        lastUsedAt: null,
        suspendedAt: null,
        mac: keys.passkeyMac(facts),
      };
    } catch (error) {
      if (error instanceof HoldfastError) throw error;
      throw notAccepted(messageOf(error));
    }
  }

  #request({ challenge, id }: Begun, has: readonly PasskeyRecord[]) {
    return {
      ceremony: id,
      options: {
        challenge,
        rpId: this.#parts.keys.rpId,
        timeout: CEREMONY_LIFE_MS,
        allowCredentials: has.filter(({ suspendedAt }) => suspendedAt === null).map(descriptorOf),
        userVerification: 'required' as const,
      },
    };
  }

  async #use(
    challenge: string,
    asserted: AssertedPasskey,
    source: string,
    isOther: (passkey: PasskeyRecord) => string | null,
  ): Promise<PersonRef | null> {
    const { clock, note, store } = this.#parts;
    const used = await store.use(asserted.id, clock.now(), async (passkey) => {
      const why = isOther(passkey);
      return why === null
        ? this.#judge(passkey, Buffer.from(challenge, 'base64url'), asserted)
        : { kind: 'wrong', why };
    });
    if (used === null) return this.#refuse(null, 'nobody has such a passkey', source);
    const { passkey, personName, use } = used;
    const person = { id: passkey.personId, name: personName };
    if (use.kind === 'right') return person;
    if (use.kind === 'wrong') return this.#refuse(person, use.why, source);
    await note({
      kind: 'passkey-suspended',
      facts: {
        person: person.name,
        personId: person.id,
        credential: passkey.credentialId,
        counter: use.counter,
        counterBefore: passkey.counter,
      },
      message: `A passkey of ${person.name} was suspended: its counter went back, as that of a copy would.`,
    });
    return this.#refuse(person, 'its counter went back', source);
  }

  async #judge(
    passkey: PasskeyRecord,
    challenge: Buffer,
    asserted: AssertedPasskey,
  ): Promise<PasskeyUse> {
    const { keys } = this.#parts;
    if (passkey.suspendedAt !== null) return { kind: 'wrong', why: 'it is suspended' };
    if (!keys.isPasskey(passkey, passkey.mac)) {
      return { kind: 'wrong', why: 'it was put into our database by somebody else' };
    }
    const key = { id: passkey.credentialId, publicKey: passkey.publicKey };
    const verdict = await keys.verify(asserted, challenge, key);
    if (verdict.kind === 'wrong') return verdict;
    const { counter } = verdict;
    const keepsCount = counter > 0 || passkey.counter > 0;
    return keepsCount && counter <= passkey.counter
      ? { kind: 'copy', counter }
      : { kind: 'right', counter };
  }

  async #refuse(person: PersonRef | null, why: string, source: string): Promise<null> {
    await this.#parts.note({
      kind: 'sign-in-refused',
      facts: { person: person?.name ?? null, method: 'passkey', why, source },
      message: `A passkey${person === null ? '' : ` of ${person.name}`} was not accepted: ${why}.`,
    });
    return null;
  }
}

/** WebAuthn §5.4.3: bytes that say nothing about the person by themselves. */
function handleOf(personId: string): string {
  return Buffer.from(personId).toString('base64url');
}

function descriptorOf({ credentialId, transports }: PasskeyRecord) {
  return {
    id: credentialId,
    type: 'public-key' as const,
    transports: transports.filter(isTransport),
  };
}

function isTransport(word: string): word is Transport {
  return TRANSPORTS.some((one) => one === word);
}

/** With the public key, so that an auditor can verify what it signs without asking us. */
export function addedEvent(person: PersonRef, passkey: PasskeyRecord): HoldfastEvent {
  return {
    kind: 'passkey-added',
    facts: {
      person: person.name,
      personId: person.id,
      credential: passkey.credentialId,
      publicKey: passkey.publicKey.toString('base64url'),
      rpId: passkey.rpId,
      label: passkey.label,
    },
    message: `${person.name} added a passkey.`,
  };
}

function refuseUnremoved(removed: 'done' | 'none' | 'last'): void {
  if (removed === 'last') throw lastWayIn('another passkey, or one-time codes');
  if (removed === 'done') return;
  throw new HoldfastError('HF_NOT_FOUND', {
    expected: 'one of your passkeys',
    found: 'none such',
    hint: 'See the list of them.',
  });
}

export function refuseUnadded(added: PasskeyAdded): void {
  if (added === 'added') return;
  if (added === 'nobody') {
    throw new HoldfastError('HF_NOT_FOUND', {
      expected: 'a person who is here',
      found: 'one who was removed, or whose row Holdfast did not write',
      hint: 'Ask an owner to invite them again.',
    });
  }
  if (added === 'known') {
    throw new HoldfastError('HF_EXISTS', {
      expected: 'a passkey that is new here',
      found: 'one that was added before',
      hint: 'Use another authenticator, or the passkey as it is.',
    });
  }
  throw new HoldfastError('HF_LIMIT', {
    expected: `at most ${PASSKEYS_MAX} passkeys of one person`,
    found: 'one more',
    hint: 'Remove one that you no longer use.',
  });
}

/** `needed`: what they have to have beside what is taken away. */
export function lastWayIn(needed: string): HoldfastError {
  return new HoldfastError('HF_LAST_WAY_IN', {
    expected: needed,
    found: 'that there would be no way to sign in left',
    hint: `Add ${needed} first.`,
  });
}

function over(): HoldfastError {
  return notAccepted('a ceremony that is over, or was begun for something else');
}

function notAccepted(found: string): HoldfastError {
  return new HoldfastError('HF_PASSKEY', {
    expected: 'a passkey made here and now, with its person verified',
    found: found.slice(0, 300),
    hint: 'Begin again.',
  });
}
