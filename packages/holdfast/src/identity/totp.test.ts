import { Secret, TOTP } from 'otpauth';
import { beforeEach, describe, expect, it } from 'vitest';
import { TOTP_FAILURES_MAX, TOTP_PAUSE_MS } from '../model/limits.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import type { CodeState } from './people-store.ts';
import { Seal } from './seal.ts';
import { Totp } from './totp.ts';

/** RFC 6238 appendix B: the SHA-1 secret of its test values, whose last six digits we check. */
const RFC_SECRET = Buffer.from('12345678901234567890');

let clock: ManualClock;
let totp: Totp;
let state: CodeState;

function use(secret: Buffer): void {
  state = {
    id: 'person_ana',
    confirmed: true,
    totpSealed: totp.seal(secret, 'person_ana'),
    failures: 0,
    pausedUntil: null,
    lastStep: -1n,
  };
}

beforeEach(() => {
  clock = new ManualClock();
  totp = new Totp(new Seal(Buffer.alloc(32, 3), clock), clock);
  use(RFC_SECRET);
});

function codeAt(ms: number): string {
  const secret = new Secret({ buffer: Uint8Array.from(RFC_SECRET).buffer });
  return new TOTP({ secret }).generate({ timestamp: ms });
}

describe('a one-time code', () => {
  it.each([
    ['1970-01-01T00:00:59Z', '287082'],
    ['2005-03-18T01:58:29Z', '081804'],
    ['2009-02-13T23:31:30Z', '005924'],
    ['2033-05-18T03:33:20Z', '279037'],
  ])('of RFC 6238 at %s is %s', (at, code) => {
    clock = new ManualClock(at);
    totp = new Totp(new Seal(Buffer.alloc(32, 3), clock), clock);
    use(RFC_SECRET);
    const step = BigInt(Math.floor(Date.parse(at) / 30_000));
    expect(totp.judge(state, code, 'daily')).toEqual({ kind: 'right', step });
  });

  it.each([
    ['one step late', -30_000, 'right'],
    ['one step early', 30_000, 'right'],
    ['two steps late', -60_000, 'wrong'],
    ['two steps early', 60_000, 'wrong'],
  ])('%s is %s', (_, offMs, kind) => {
    const code = codeAt(clock.now().getTime() + offMs);
    expect(totp.judge(state, code, 'daily').kind).toBe(kind);
  });

  it('is spent with its step, and so is every step before it', () => {
    const now = clock.now().getTime();
    const spent = { ...state, lastStep: BigInt(Math.floor(now / 30_000)) };
    expect(totp.judge(spent, codeAt(now), 'daily').kind).toBe('used');
    expect(totp.judge(spent, codeAt(now - 30_000), 'daily').kind).toBe('used');
    expect(totp.judge(spent, codeAt(now + 30_000), 'daily').kind).toBe('right');
  });

  it('may be typed as it is shown, in two groups', () => {
    const code = codeAt(clock.now().getTime());
    const typed = `${code.slice(0, 3)} ${code.slice(3)}`;
    expect(totp.judge(state, typed, 'daily').kind).toBe('right');
  });

  it.each([[''], ['12345'], ['1234567'], ['abcdef'], ['١٢٣٤٥٦']])('is not "%s"', (code) =>
    expect(totp.judge(state, code, 'daily').kind).toBe('wrong'),
  );

  it('wrong too often pauses the person, and not even a right one counts until it is over', () => {
    const last = { ...state, failures: TOTP_FAILURES_MAX - 1 };
    const until = new Date(clock.now().getTime() + TOTP_PAUSE_MS);
    const verdict = totp.judge(last, '000000', 'daily');
    expect(verdict).toEqual({ kind: 'wrong', failures: 0, pausedUntil: until });
    const paused = { ...state, pausedUntil: until };
    clock.pass(TOTP_PAUSE_MS - 1);
    const right = (): string => codeAt(clock.now().getTime());
    expect(totp.judge(paused, right(), 'daily').kind).toBe('paused');
    clock.pass(1);
    expect(totp.judge(paused, right(), 'daily').kind).toBe('right');
  });

  it('of somebody who has not confirmed is good for confirming only', () => {
    const newcomer = { ...state, confirmed: false };
    const code = codeAt(clock.now().getTime());
    expect(totp.judge(newcomer, code, 'daily').kind).toBe('not-confirmed');
    expect(totp.judge(newcomer, code, 'first').kind).toBe('right');
  });

  it('comes out of the URI that is shown at enrolment', () => {
    const { uri, secret } = totp.enrol('ana');
    expect(uri).toMatch(/^otpauth:\/\/totp\/Holdfast:ana\?/);
    const base32 = new URL(uri).searchParams.get('secret') ?? '';
    expect(Buffer.from(Secret.fromBase32(base32).buffer)).toEqual(secret);
  });
});
