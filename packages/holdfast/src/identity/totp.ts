/**
 * One-time codes (RFC 6238: SHA-1, 6 digits, 30 s, what every authenticator app speaks).
 *
 * A code counts within one step of the clock to either side, once per person: a step at or below the
 * newest one used is spent (RFC 6238 §5.2). After TOTP_FAILURES_MAX wrong ones in a row the person is
 * paused: 5 guesses of 3 in 10^6 each per quarter of an hour need over a year for an even chance.
 *
 * It keeps nothing: the store holds the row locked while `judge` looks at it, and writes its verdict.
 */
import { Secret, TOTP } from 'otpauth';
import type { Clock } from '../model/clock.ts';
import { TOTP_FAILURES_MAX, TOTP_PAUSE_MS } from '../model/limits.ts';
import type { CodeState, CodeVerdict } from './people-store.ts';
import type { Seal } from './seal.ts';

/** RFC 4226 §4 recommends 160 bits. */
const SECRET_BYTES = 20;
const PERIOD_SECONDS = 30;
const DIGITS = 6;
/** Steps to either side: a clock that is off, and the time it takes to type. */
const WINDOW_STEPS = 1;

export interface Enrolment {
  /** For the QR code: otpauth://totp/… ; holds the secret. */
  readonly uri: string;
  readonly secret: Buffer;
}

export class Totp {
  readonly #seal: Seal;
  readonly #clock: Clock;

  constructor(seal: Seal, clock: Clock) {
    this.#seal = seal;
    this.#clock = clock;
  }

  enrol(name: string): Enrolment {
    const secret = this.#clock.random(SECRET_BYTES);
    return { uri: totpOf(secret, name).toString(), secret };
  }

  seal(secret: Buffer, personId: string): Buffer {
    return this.#seal.close(secret, { kind: 'person', id: personId });
  }

  /** `first`: the code that confirms an enrolment; all others want a confirmed person. */
  judge(state: CodeState, code: string, use: 'first' | 'daily'): CodeVerdict {
    const now = this.#clock.now();
    if (use === 'daily' && !state.confirmed) return { kind: 'not-confirmed' };
    if (state.pausedUntil !== null && state.pausedUntil > now) {
      return { kind: 'paused', until: state.pausedUntil };
    }
    const step = this.#stepOf(state, code.replaceAll(' ', ''), now);
    if (step === null) return wrong(state, now);
    return step > state.lastStep ? { kind: 'right', step } : { kind: 'used' };
  }

  /** The time step the code is for; null when it is for none that counts now. */
  #stepOf(state: CodeState, code: string, now: Date): bigint | null {
    if (state.totpSealed === null || !/^\d{6}$/.test(code)) return null;
    const secret = this.#seal.open(state.totpSealed, { kind: 'person', id: state.id });
    const timestamp = now.getTime();
    const delta = totpOf(secret, '').validate({ token: code, timestamp, window: WINDOW_STEPS });
    if (delta === null) return null;
    return BigInt(Math.floor(timestamp / 1000 / PERIOD_SECONDS) + delta);
  }
}

/** After a pause the count begins again, or one slip would pause at once. */
function wrong(state: CodeState, now: Date): CodeVerdict {
  const failures = state.failures + 1;
  if (failures < TOTP_FAILURES_MAX) return { kind: 'wrong', failures, pausedUntil: null };
  const pausedUntil = new Date(now.getTime() + TOTP_PAUSE_MS);
  return { kind: 'wrong', failures: 0, pausedUntil };
}

function totpOf(secret: Buffer, name: string): TOTP {
  return new TOTP({
    issuer: 'Holdfast',
    label: name || 'person',
    algorithm: 'SHA1',
    digits: DIGITS,
    period: PERIOD_SECONDS,
    secret: new Secret({ buffer: Uint8Array.from(secret).buffer }),
  });
}
