import { describe, expect, it } from 'vitest';
import { type EffectLike, effectSentence, headline, takingBackSentence } from './plain-words.ts';

const effect = (over: Partial<EffectLike>): EffectLike => ({
  kind: 'destroy',
  verb: 'DROP TABLE',
  object: { type: 'table', schema: 'public', name: 'bookings' },
  reach: 'cascade',
  additive: false,
  why: null,
  ...over,
});

describe('plain words', () => {
  it('puts the worst effect on top, however many harmless ones come before it', () => {
    const reads = Array.from({ length: 50 }, () => effect({ kind: 'read', verb: 'SELECT' }));
    expect(headline([...reads, effect({})], null)).toBe(
      'Destroys the table public.bookings: all of it, and whatever depends on it.',
    );
  });

  it('does not say that a whole table goes where a condition picks rows', () => {
    expect(effectSentence(effect({ verb: 'DELETE', reach: 'rows' }))).toBe(
      'Destroys rows of the table public.bookings: those that a condition picks.',
    );
  });

  it('never calls harmless what could not be told', () => {
    expect(headline([effect({ kind: 'read', verb: 'SELECT' })], 'too long')).toMatch(
      /counts as destructive/,
    );
    expect(effectSentence(effect({ kind: 'unknown', verb: '' }))).toMatch(/counts as destructive/);
    expect(effectSentence(effect({ kind: 'something new' }))).toMatch(/counts as destructive/);
  });

  it('says aloud when nothing takes it back', () => {
    expect(takingBackSentence({ reversal: 'none', reason: 'not protected' })).toBe(
      'Nothing takes it back (not protected). What passes is done for good.',
    );
    expect(takingBackSentence({ reversal: 'something new', reason: '' })).toMatch(/for good/);
    expect(takingBackSentence(null)).toMatch(/for good/);
  });
});
