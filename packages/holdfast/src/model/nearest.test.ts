import { expect, it } from 'vitest';
import { nearest } from './nearest.ts';

it.each([
  ['a letter left out', 'taget', ['target', 'tag'], 'target'],
  ['neighbours swapped', 'lisetn', ['listen', 'store'], 'listen'],
  ['another case', 'holdwait', ['holdWait', 'people'], 'holdWait'],
  ['nothing near', 'colour', ['listen', 'store'], null],
  ['nothing known', 'listen', [], null],
])('%s', (_story, word, known, expected) => {
  expect(nearest(word, known)).toBe(expected);
});
