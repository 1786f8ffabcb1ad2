import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { refusalOf } from '../testing/refusal.ts';
import {
  isOpenAt,
  NEVER,
  readWorkingHours,
  workingHoursOf,
  workingHoursText,
} from './working-hours.ts';

const openAt = (hours: string, at: string): boolean =>
  isOpenAt(workingHoursOf(hours), new Date(at));

describe('working hours', () => {
  const OFFICE = 'Mon-Fri 08:00-19:00 Europe/Lisbon';
  const NIGHT = 'Fri 22:00-06:00 Europe/Lisbon';
  // 2026-11-27 is a Friday; Lisbon is on UTC in winter and an hour ahead in summer.
  const rows: readonly [story: string, hours: string, at: string, open: boolean][] = [
    ['a working day', OFFICE, '2026-11-27T12:00:00Z', true],
    ['the first minute', OFFICE, '2026-11-27T08:00:00Z', true],
    ['the second before', OFFICE, '2026-11-27T07:59:59.999Z', false],
    ['the last second', OFFICE, '2026-11-27T18:59:59.999Z', true],
    ['the minute it ends', OFFICE, '2026-11-27T19:00:00Z', false],
    ['a Saturday', OFFICE, '2026-11-28T12:00:00Z', false],
    ['in summer an hour earlier by UTC', OFFICE, '2026-07-01T07:00:00Z', true],
    ['and it ends an hour earlier', OFFICE, '2026-07-01T18:00:00Z', false],
    ['the evening it begins on', NIGHT, '2026-11-27T23:00:00Z', true],
    ['past midnight it still is that night', NIGHT, '2026-11-28T05:59:00Z', true],
    ['until the morning', NIGHT, '2026-11-28T06:00:00Z', false],
    ['the morning of the same day belongs to another night', NIGHT, '2026-11-27T05:00:00Z', false],
    ['the next evening is not meant', NIGHT, '2026-11-28T23:00:00Z', false],
    ['Sunday night ends on Monday', 'Sun 22:00-06:00 UTC', '2026-11-30T03:00:00Z', true],
    // Clocks go forward on 2026-03-29 at 01:00 UTC: in Lisbon 01:00 to 02:00 is left out.
    [
      'before the hour that is left out',
      'Sun 01:30-03:00 Europe/Lisbon',
      '2026-03-29T00:59:00Z',
      false,
    ],
    ['right behind it it is 02:00', 'Sun 01:30-03:00 Europe/Lisbon', '2026-03-29T01:00:00Z', true],
    ['an hour that never comes', 'Sun 01:00-02:00 Europe/Lisbon', '2026-03-29T01:00:00Z', false],
    // Back on 2026-10-25 at 01:00 UTC: in Lisbon 01:00 to 02:00 comes twice.
    [
      'the hour that comes twice, first',
      'Sun 01:00-02:00 Europe/Lisbon',
      '2026-10-25T00:30:00Z',
      true,
    ],
    ['and again', 'Sun 01:00-02:00 Europe/Lisbon', '2026-10-25T01:30:00Z', true],
    ['but not a third time', 'Sun 01:00-02:00 Europe/Lisbon', '2026-10-25T02:00:00Z', false],
    [
      'half an hour beside the hour',
      'Mon-Sun 09:00-10:00 Asia/Kolkata',
      '2026-11-27T03:30:00Z',
      true,
    ],
    [
      'a day that is another there',
      'Sat 08:00-09:00 Pacific/Auckland',
      '2026-11-27T19:30:00Z',
      true,
    ],
    ['to the end of the day', 'Fri 20:00-24:00 UTC', '2026-11-27T23:59:59Z', true],
    ['and not beyond', 'Fri 20:00-24:00 UTC', '2026-11-28T00:00:00Z', false],
    ['days over the turn of the week', 'Sat-Mon 00:00-24:00 UTC', '2026-11-30T00:00:00Z', true],
    ['days that are listed', 'Mon,Wed,Fri 00:00-24:00 UTC', '2026-11-26T12:00:00Z', false],
  ];
  it.each(rows)('%s: %s at %s', (_story, hours, at, open) => {
    expect(openAt(hours, at)).toBe(open);
  });

  it.each([
    ['nothing', ''],
    ['no zone', 'Mon-Fri 08:00-19:00'],
    ['a zone that there is not', 'Mon-Fri 08:00-19:00 Europe/Lisboa'],
    ['an offset, which knows no summer', 'Mon-Fri 08:00-19:00 +01:00'],
    ['no time at all', 'Mon-Fri 08:00-08:00 UTC'],
    ['a minute that there is not', 'Mon-Fri 08:60-19:00 UTC'],
    ['an hour that there is not', 'Mon-Fri 08:00-24:01 UTC'],
    ['midnight as the beginning of the next day', 'Mon-Fri 24:00-08:00 UTC'],
    ['midnight as an end, which is 24:00', 'Mon-Fri 08:00-00:00 UTC'],
    ['a day that there is not', 'Mon-Fry 08:00-19:00 UTC'],
    ['three days in a range', 'Mon-Wed-Fri 08:00-19:00 UTC'],
    ['more behind it', 'Mon-Fri 08:00-19:00 UTC or so'],
  ])('are not taken from %s', async (_story, text) => {
    expect(readWorkingHours(text)).toBeNull();
    expect((await refusalOf((async () => workingHoursOf(text))())).code).toBe('HF_USAGE');
  });

  it('that nobody can read open never', () => {
    expect(isOpenAt(NEVER, new Date('2026-11-27T12:00:00Z'))).toBe(false);
    // As they are written into the store, so that they cannot be read there either.
    expect(readWorkingHours(workingHoursText(NEVER))).toBeNull();
  });

  it('are read again as they were written (property)', () => {
    const hours = fc
      .record({
        days: fc.uniqueArray(fc.integer({ min: 1, max: 7 }), { minLength: 1 }),
        fromMinute: fc.integer({ min: 0, max: 1439 }),
        toMinute: fc.integer({ min: 1, max: 1440 }),
        timeZone: fc.constantFrom('UTC', 'Europe/Lisbon', 'America/St_Johns', 'Etc/GMT+5'),
      })
      .filter(({ fromMinute, toMinute }) => fromMinute !== toMinute)
      .map((one) => ({ ...one, days: one.days.sort((a, b) => a - b) }));
    fc.assert(
      fc.property(hours, (one) => {
        expect(readWorkingHours(workingHoursText(one))).toEqual(one);
      }),
    );
  });
});
