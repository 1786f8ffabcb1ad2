/**
 * Command lines that ask to be let in, in the spirit of RFC 8628. The command line keeps a secret and shows
 * a short code; a person who is signed in types the code, sees which machine asks from where, and says yes
 * or no. Then the command line's next question is answered with a session of that person, once.
 *
 * A code is 8 letters of 20 (RFC 8628 §6.1), read by nobody but people who are signed in, and counted as
 * attempts; it lives DEVICE_REQUEST_LIFE_MS. Nobody is led here by a link that holds the code: who types it
 * has the command line before them (§5.4, remote phishing).
 */
import { createHash } from 'node:crypto';
import type { Clock } from '../model/clock.ts';
import { HoldfastError } from '../model/errors.ts';
import type { Note } from '../model/event.ts';
import { newId } from '../model/ids.ts';
import { DEVICE_REQUEST_LIFE_MS, SOURCE_CHARS_MAX } from '../model/limits.ts';
import { cut } from '../model/text.ts';
import type { PersonRef } from './passkeys.ts';
import { hashSecret, isSecret, newSecret } from './secrets.ts';
import type { OpenedSession, Sessions } from './sessions.ts';

export interface DeviceRequest {
  readonly id: string;
  /** As it says itself; for the person. */
  readonly machine: string;
  readonly source: string;
  readonly userAgent: string;
  readonly askedAt: Date;
  readonly expiresAt: Date;
}

export type DeviceAnswer =
  | { readonly kind: 'waiting' | 'denied' | 'gone' }
  /** This call has used it up. */
  | { readonly kind: 'let-in'; readonly person: PersonRef; readonly request: DeviceRequest };

export interface DeviceStore {
  /** And forgets those that ran out. False: the code is another's at the moment. */
  add(
    request: DeviceRequest & { readonly secretHash: Buffer; readonly userCodeHash: Buffer },
    now: Date,
  ): Promise<boolean>;
  /** Waiting for a person; null: none such. */
  byCode(userCodeHash: Buffer, now: Date): Promise<DeviceRequest | null>;
  /** `personId` null: turned away. Null when nothing waits under the code. */
  decide(userCodeHash: Buffer, personId: string | null, now: Date): Promise<DeviceRequest | null>;
  take(secretHash: Buffer, now: Date): Promise<DeviceAnswer>;
}

export interface DeviceParts {
  readonly store: DeviceStore;
  readonly sessions: Sessions;
  readonly clock: Clock;
  readonly note: Note;
}

/** No vowels, so that no words; RFC 8628 §6.1. */
const LETTERS = 'BCDFGHJKLMNPQRSTVWXZ';
const CODE_LETTERS = 8;
/** Random bytes at or above are thrown away, so that each letter is as likely. */
const FAIR_BYTES = 240;
const CODES_TRIED = 5;

export class Devices {
  readonly #parts: DeviceParts;

  constructor(parts: DeviceParts) {
    this.#parts = parts;
  }

  async ask(from: {
    readonly machine: string;
    readonly source: string;
    readonly userAgent: string;
  }): Promise<{ readonly secret: string; readonly userCode: string; readonly expiresAt: Date }> {
    const { clock, store } = this.#parts;
    const now = clock.now();
    const expiresAt = new Date(now.getTime() + DEVICE_REQUEST_LIFE_MS);
    for (let tried = 0; tried < CODES_TRIED; tried += 1) {
      const secret = newSecret('hfc', clock);
      const userCode = newUserCode(clock);
      const request = {
        id: newId('request', clock),
        machine: cut(from.machine, SOURCE_CHARS_MAX),
        source: cut(from.source, SOURCE_CHARS_MAX),
        userAgent: cut(from.userAgent, SOURCE_CHARS_MAX),
        askedAt: now,
        expiresAt,
        secretHash: hashSecret(secret),
        userCodeHash: hashUserCode(userCode),
      };
      if (await store.add(request, now)) return { secret, userCode, expiresAt };
    }
    throw new HoldfastError('HF_STORE_UNAVAILABLE', {
      expected: 'a code that is free',
      found: `${CODES_TRIED} that are not`,
      hint: 'Try again in a minute.',
    });
  }

  /** HF_NOT_FOUND. */
  async look(userCode: string): Promise<DeviceRequest> {
    const { clock, store } = this.#parts;
    const request = await store.byCode(hashUserCode(userCode), clock.now());
    if (request === null) throw noSuchCode();
    return request;
  }

  /** HF_NOT_FOUND. */
  async decide(userCode: string, person: PersonRef, letIn: boolean): Promise<void> {
    const { clock, note, store } = this.#parts;
    const id = letIn ? person.id : null;
    const request = await store.decide(hashUserCode(userCode), id, clock.now());
    if (request === null) throw noSuchCode();
    const { machine, source } = request;
    await note({
      kind: 'device-decided',
      facts: { person: person.name, personId: person.id, letIn, machine, source },
      message: letIn
        ? `${person.name} let a command line in, which says it is ${machine}.`
        : `${person.name} turned a command line away.`,
    });
  }

  /** `open`: given once, to whoever keeps the secret. */
  async poll(
    secret: string,
  ): Promise<
    | { readonly state: 'waiting' | 'denied' | 'gone' }
    | { readonly state: 'open'; readonly person: PersonRef; readonly session: OpenedSession }
  > {
    const { clock, note, sessions, store } = this.#parts;
    if (!isSecret('hfc', secret)) return { state: 'gone' };
    const answer = await store.take(hashSecret(secret), clock.now());
    if (answer.kind !== 'let-in') return { state: answer.kind };
    const { person, request } = answer;
    const session = await sessions.open({
      personId: person.id,
      kind: 'command-line',
      method: 'device',
      userAgent: `${request.machine}: ${request.userAgent}`,
      source: request.source,
      device: null,
    });
    await note({
      kind: 'signed-in',
      facts: {
        person: person.name,
        personId: person.id,
        method: 'device',
        session: session.id,
        source: request.source,
      },
      message: `A command line of ${person.name} was signed in.`,
    });
    return { state: 'open', person, session };
  }
}

function newUserCode(clock: Clock): string {
  const letters: string[] = [];
  while (letters.length < CODE_LETTERS) {
    for (const byte of clock.random(CODE_LETTERS)) {
      const letter = byte < FAIR_BYTES ? LETTERS[byte % LETTERS.length] : undefined;
      if (letter !== undefined && letters.length < CODE_LETTERS) letters.push(letter);
    }
  }
  return `${letters.slice(0, 4).join('')}-${letters.slice(4).join('')}`;
}

/** 34 bits for ten minutes: who reads our table then can look at the request beside it, too. */
function hashUserCode(code: string): Buffer {
  const plain = code.toUpperCase().replaceAll(/[^A-Z]/g, '');
  return createHash('sha256').update(`holdfast/device/1\n${plain}`).digest();
}

function noSuchCode(): HoldfastError {
  return new HoldfastError('HF_NOT_FOUND', {
    expected: 'the code that a command line shows now',
    found: 'one that no command line shows, or that is decided or over',
    hint: 'Run holdfast login again, and type what it shows.',
  });
}
