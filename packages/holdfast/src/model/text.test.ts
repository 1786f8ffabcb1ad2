import fc from 'fast-check';
import { expect, it } from 'vitest';
import { cut, minutesWords, startOf } from './text.ts';

it.each([
  ['shorter than the limit', 'abc', 5, 'abc'],
  ['cut', 'abcdef', 3, 'abc'],
  ['never between two halves of one character', 'ab😀cd', 3, 'ab'],
  ['a whole pair fits', 'ab😀cd', 4, 'ab😀'],
  ['nothing', '', 4, ''],
])('cuts a text: %s', (_story, text, max, expected) => {
  expect(cut(text, max)).toBe(expected);
  expect(startOf(Buffer.from(text), max)).toBe(expected);
});

it('decodes the start as if it had decoded all (property)', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme', maxLength: 60 }),
      fc.integer({ min: 1, max: 40 }),
      (text, max) => {
        expect(startOf(Buffer.from(text), max)).toBe(cut(text, max));
      },
    ),
  );
});

it.each([
  [1, '1 minute'],
  [60_000, '1 minute'],
  [60_001, '2 minutes'],
  [900_000, '15 minutes'],
])('%d ms are %s', (ms, words) => {
  expect(minutesWords(ms)).toBe(words);
});
