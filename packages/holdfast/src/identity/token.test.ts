import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../model/clock.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { hashToken, isTokenText, newToken } from './token.ts';

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

describe('a token', () => {
  it('has the documented form, so that a scanner finds it and is sure', () => {
    const token = newToken(systemClock);
    expect(token).toMatch(/^hf_[0-9a-hjkmnp-tv-z]{59}$/);
    expect(isTokenText(token)).toBe(true);
    expect(encodeURIComponent(token)).toBe(token);
  });

  it('is another each time, and is kept as plain SHA-256', () => {
    const clock = new ManualClock();
    const tokens = Array.from({ length: 100 }, () => newToken(clock));
    expect(new Set(tokens).size).toBe(100);
    expect(hashToken('hf_x').toString('hex')).toBe(
      'f5618cd8b98c85c7aa86b0a7296d3fc33aaa88faabc75c3ae724b17b59c96f38',
    );
  });

  it('with any one character changed is no token', () => {
    const token = newToken(new ManualClock());
    fc.assert(
      fc.property(fc.nat({ max: 58 }), fc.constantFrom(...ALPHABET), (at, other) => {
        const place = 3 + at;
        fc.pre(token[place] !== other);
        expect(isTokenText(token.slice(0, place) + other + token.slice(place + 1))).toBe(false);
      }),
    );
  });

  it.each([
    ['empty', ''],
    ['a password', 'correct horse battery staple'],
    ['the prefix alone', 'hf_'],
    ['one character short', newToken(new ManualClock()).slice(0, -1)],
    ['one more', `${newToken(new ManualClock())}0`],
    ['in capitals', newToken(new ManualClock()).toUpperCase()],
  ])('is not %s', (_, text) => expect(isTokenText(text)).toBe(false));
});
