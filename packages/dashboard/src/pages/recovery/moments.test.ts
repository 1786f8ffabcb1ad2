import { expect, it } from 'vitest';
import { asOfIn, fieldTextOf, momentFault } from './moments.ts';

it.each([
  ['2026-11-28T12:00', '2026-11-28T12:00:00.000Z'],
  ['2026-11-28T12:00:05', '2026-11-28T12:00:05.000Z'],
  ['2026-11-28T12:00:05.122', '2026-11-28T12:00:05.122Z'],
])('reads %s of a field as UTC, wherever the browser is', (typed, iso) => {
  expect(asOfIn(typed)).toBe(iso);
});

it.each(['', '<img src=x onerror=alert(1)>', '2026-11-28T12:00+02:00', 'noon', '2026-13-45T99:99'])(
  'takes %j for no time at all',
  (typed) => {
    expect(asOfIn(typed)).toBeNull();
  },
);

it.each(['2026-11-28T12:00:05.122Z', '2026-11-28T12:00:05.000Z'])(
  'puts %s that was offered into the field, and reads the very same out of it',
  (iso) => {
    expect(asOfIn(fieldTextOf(iso))).toBe(iso);
  },
);

it('says of a moment outside of the window that it is, and of none at all that nothing comes back', () => {
  const window = { from: '2026-11-28T12:00:00.500Z', to: '2026-11-28T13:00:00.000Z' };
  expect(momentFault(new Date('2026-11-28T12:00:00Z'), window)).toBeNull();
  expect(momentFault(new Date('2026-11-28T13:00:01Z'), window)).toContain('outside');
  expect(momentFault(new Date('2026-11-28T12:30:00Z'), null)).toContain('brings nothing back');
});
