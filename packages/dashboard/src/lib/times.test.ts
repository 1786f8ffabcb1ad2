import { describe, expect, it } from 'vitest';
import { countdownWords, fromNow, localTime, spanWords, utcTime } from './times.ts';

const NOW = Date.parse('2026-11-27T12:00:00.000Z');

describe('times', () => {
  it('says UTC to the second', () => {
    expect(utcTime('2026-11-21T10:05:07.123Z')).toBe('2026-11-21 10:05:07 UTC');
  });

  it('says so when it is no time', () => {
    expect(utcTime('soon')).toBe('unknown');
    expect(localTime('soon', NOW)).toBe('at an unknown time');
    expect(fromNow('soon', NOW)).toBe('at an unknown time');
  });

  it('leaves the day out when it is today, and says it otherwise', () => {
    expect(localTime('2026-11-27T12:00:00Z', NOW)).not.toMatch(/2026/);
    expect(localTime('2026-11-21T12:00:00Z', NOW)).toMatch(/2026/);
  });

  it.each([
    [0, '0 s'],
    [-5, '0 s'],
    [59_999, '59 s'],
    [60_000, '1 min'],
    [7 * 3_600_000 + 59 * 60_000, '7 h 59 min'],
    [48 * 3_600_000, '48 h'],
    [49 * 3_600_000 + 60_000, '2 days'],
    [30 * 24 * 3_600_000, '30 days'],
  ])('%d ms is %s', (ms, words) => {
    expect(spanWords(ms)).toBe(words);
  });

  it.each([
    [0, 'expired'],
    [-1, 'expired'],
    [999, '0:00'],
    [61_000, '1:01'],
    [599_999, '9:59'],
    [600_000, '10 min'],
  ])('%d ms left is %s', (ms, words) => {
    expect(countdownWords(ms)).toBe(words);
  });

  it('tells what was from what comes', () => {
    expect(fromNow('2026-11-27T12:10:00Z', NOW)).toBe('in 10 min');
    expect(fromNow('2026-11-27T11:50:00Z', NOW)).toBe('10 min ago');
    expect(fromNow('2026-11-27T12:00:03Z', NOW)).toBe('now');
  });
});
