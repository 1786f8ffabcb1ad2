import { expect, it } from 'vitest';
import { daysUpTo, faultOf, reportAsk } from './report-period.ts';

it('begins with the thirty days up to today', () => {
  expect(daysUpTo(new Date('2026-11-30T23:59:00Z'))).toEqual({
    first: '2026-11-01',
    last: '2026-11-30',
  });
});

it('asks for the last day whole: the end is the day behind it, over months and years', () => {
  const { file, query } = reportAsk({ first: '2026-12-01', last: '2026-12-31' }, 'html', 'a&b');
  expect(query).toContain('from=2026-12-01T00%3A00%3A00.000Z');
  expect(query).toContain('to=2027-01-01T00%3A00%3A00.000Z');
  expect(query).toContain('target=a%26b');
  expect(file).toBe('holdfast-report-2026-12-01-2026-12-31.html');
  expect(reportAsk({ first: '2026-12-01', last: '2026-12-01' }, 'json', '').query).not.toContain(
    'target',
  );
});

it.each([
  ['2026-11-01', '2026-11-01', null],
  ['2026-11-02', '2026-11-01', 'The last day is before the first one.'],
  ['', '2026-11-01', 'Choose both days.'],
  ['2026-11-01', '', 'Choose both days.'],
])('says what is wrong with %s to %s', (first, last, fault) => {
  expect(faultOf({ first, last })).toBe(fault);
});
