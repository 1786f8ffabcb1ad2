import { expect, it } from 'vitest';
import { Bounded, Times } from './tally.ts';
import { bytesWords, countWords, momentWords, plural, sourceWords, spanWords } from './words.ts';

it.each([
  [0, '0 s'],
  [1, '0.1 s'],
  [9_900, '9.9 s'],
  [9_901, '10 s'],
  [59_000, '59 s'],
  [59_001, '1 min'],
  [3_599_500, '1 h'],
  [3_660_000, '1 h 1 min'],
  [26 * 3_600_000, '26 h'],
  [48 * 3_600_000 - 1, '2 d'],
  [76 * 3_600_000, '3 d 4 h'],
])('%d ms are %s: no time is told shorter than it was', (ms, words) => {
  expect(spanWords(ms)).toBe(words);
});

it('counts, bytes and days are as people write them', () => {
  expect([countWords(999), countWords(1_234_567)]).toEqual(['999', '1,234,567']);
  expect([plural(1, 'entry', 'entries'), plural(0, 'hold')]).toEqual(['1 entry', '0 holds']);
  expect([bytesWords(0), bytesWords(1_500), bytesWords(4.4e8)]).toEqual([
    '0 bytes',
    '1.5 KB',
    '440 MB',
  ]);
  expect(momentWords('2026-11-01T00:00:00.000Z')).toBe('1 November 2026');
  expect(momentWords('2026-11-01T13:05:00.000Z')).toBe('1 November 2026, 13:05:00');
});

it('a figure says from where it is', () => {
  const source = { kinds: [], which: '' };
  expect(sourceWords({ ...source, entries: 0, first: null, last: null })).toBe('no entry');
  expect(sourceWords({ ...source, entries: 1, first: 7, last: 7 })).toBe('entry 7');
  expect(sourceWords({ ...source, entries: 3, first: 7, last: 19 })).toBe('3 entries, 7 to 19');
});

it('a million times of at most an hour take room for an hour of seconds, and are exact', () => {
  const times = new Times(1_000);
  for (let number = 1; number <= 1_000_000; number++) times.add((number % 3_600) * 1_000);
  expect([times.total, times.at(0.5), times.at(0.9), times.at(1)]).toEqual([
    1_000_000, 1_798_000, 3_238_000, 3_599_000,
  ]);
  expect(new Times(1_000).at(0.5)).toBeNull();
});

it('what is listed is bounded, and what is beyond is counted', () => {
  const lines = new Bounded<number>(2);
  for (const one of [1, 2, 3, 4]) lines.add(one);
  expect([lines.kept, lines.left]).toEqual([[1, 2], 2]);
});
