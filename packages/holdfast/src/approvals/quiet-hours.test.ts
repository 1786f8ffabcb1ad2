import { describe, expect, it } from 'vitest';
import { quietUntil } from './quiet-hours.ts';

const night = { fromMinute: 22 * 60, toMinute: 7 * 60, zone: 'Europe/Berlin' };
const lunch = { fromMinute: 12 * 60, toMinute: 13 * 60, zone: 'UTC' };
const always = { fromMinute: 0, toMinute: 0, zone: 'UTC' };
const kathmandu = { fromMinute: 22 * 60, toMinute: 6 * 60 + 30, zone: 'Asia/Kathmandu' };

const rows: readonly (readonly [
  story: string,
  hours: typeof night,
  at: string,
  end: string | null,
])[] = [
  ['by day', night, '2026-11-21T11:00:00Z', null],
  ['a moment before', night, '2026-11-21T20:59:59.999Z', null],
  ['as they begin', night, '2026-11-21T21:00:00Z', '2026-11-22T06:00:00.000Z'],
  ['before midnight', night, '2026-11-21T22:30:15.5Z', '2026-11-22T06:00:00.000Z'],
  ['after midnight', night, '2026-11-22T03:00:00Z', '2026-11-22T06:00:00.000Z'],
  ['the last moment', night, '2026-11-22T05:59:59.999Z', '2026-11-22T06:00:00.000Z'],
  ['as they end', night, '2026-11-22T06:00:00Z', null],
  ['in the night that loses an hour', night, '2026-03-28T22:00:00Z', '2026-03-29T05:00:00.000Z'],
  ['in the night that gains one', night, '2026-10-24T21:00:00Z', '2026-10-25T06:00:00.000Z'],
  ['within a day', lunch, '2026-11-21T12:30:00Z', '2026-11-21T13:00:00.000Z'],
  ['after them', lunch, '2026-11-21T13:00:00Z', null],
  ['all day', always, '2026-11-21T12:30:00Z', '2026-11-22T00:00:00.000Z'],
  ['all day, at midnight', always, '2026-11-21T00:00:00Z', '2026-11-22T00:00:00.000Z'],
  ['a zone of quarter hours', kathmandu, '2026-11-21T17:00:00Z', '2026-11-22T00:45:00.000Z'],
];

describe('quiet hours', () => {
  it.each(rows)('%s', (_story, hours, at, end) => {
    expect(quietUntil(hours, new Date(at))?.toISOString() ?? null).toBe(end);
  });
});
