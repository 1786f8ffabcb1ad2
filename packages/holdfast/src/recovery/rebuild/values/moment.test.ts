import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isZone, type MomentForm, readDay, readMoment } from './moment.ts';

function read(text: string, form: Partial<MomentForm> = {}): string {
  const reading = readMoment(text, { format: 'iso', zone: null, ...form });
  if (reading.kind === 'unread') return `unread: ${reading.why}`;
  return reading.value.kind === 'moment' ? reading.value.at : '?';
}

describe('moments', () => {
  it.each<readonly [story: string, text: string, form: Partial<MomentForm>, at: string]>([
    ['UTC', '2026-11-03T09:00:00Z', {}, '2026-11-03T09:00:00Z'],
    ['an offset: the same instant', '2026-11-03T10:00:00+01:00', {}, '2026-11-03T09:00:00Z'],
    ['as PostgreSQL writes it', '2026-11-03 09:00:00.120+00', {}, '2026-11-03T09:00:00.12Z'],
    ['a zone, in winter', '2026-11-03T10:00', { zone: 'Europe/Berlin' }, '2026-11-03T09:00:00Z'],
    ['a zone, in summer', '2026-07-03 10:00:00', { zone: 'Europe/Berlin' }, '2026-07-03T08:00:00Z'],
    [
      'the other side of the world',
      '2026-11-03T23:00:00',
      { zone: 'Pacific/Auckland' },
      '2026-11-03T10:00:00Z',
    ],
    [
      'a zone of three quarters',
      '2026-11-03T14:45:00',
      { zone: 'Asia/Kathmandu' },
      '2026-11-03T09:00:00Z',
    ],
    ['seconds since 1970', '1793955600', { format: 'epoch-seconds' }, '2026-11-06T09:00:00Z'],
    ['milliseconds', '1793955600500', { format: 'epoch-millis' }, '2026-11-06T09:00:00.5Z'],
    [
      'day first',
      '3.11.2026 10:00',
      { format: 'dmy', zone: 'Europe/Berlin' },
      '2026-11-03T09:00:00Z',
    ],
    ['month first', '11/3/2026 2:00 PM', { format: 'mdy', zone: 'UTC' }, '2026-11-03T14:00:00Z'],
    [
      'midnight, American',
      '11/3/2026 12:00 am',
      { format: 'mdy', zone: 'UTC' },
      '2026-11-03T00:00:00Z',
    ],
  ])('reads %s', (_story, text, form, at) => {
    expect(read(text, form)).toBe(at);
  });

  it.each<readonly [story: string, text: string, form: Partial<MomentForm>, why: string]>([
    ['no zone', '2026-11-03T10:00:00', {}, 'without its zone'],
    ['an hour that was skipped', '2026-03-29T02:30:00', { zone: 'Europe/Berlin' }, 'skipped'],
    ['an hour that was twice', '2026-10-25T02:30:00', { zone: 'Europe/Berlin' }, 'twice'],
    ['a day that there is not', '2026-02-29T10:00:00Z', {}, 'no such day'],
    ['hour 24', '2026-11-03T24:00:00Z', {}, 'no such day'],
    ['a leap second', '2026-12-31T23:59:60Z', {}, 'no such day'],
    ['month 13 where the day comes second', '31/12/2026', { format: 'mdy', zone: 'UTC' }, 'as mdy'],
    ['a day only', '2026-11-03', {}, 'no date and time'],
    ['words', 'next Tuesday', {}, 'no date and time'],
    ['a zone of nowhere', '2026-11-03T10:00:00', { zone: 'Europe/Atlantis' }, 'not known'],
    ['milliseconds as seconds', '1793955600500', { format: 'epoch-seconds' }, '1900 to 2200'],
    ['an offset of nowhere', '2026-11-03T10:00:00+25:00', {}, 'offset'],
    ['the year 0', '0000-01-01T00:00:00Z', {}, 'no such day'],
    ['a long text', '2'.repeat(100_000), {}, 'too long'],
  ])('does not read %s', (_story, text, form, why) => {
    const found = read(text, form);
    expect(found).toContain('unread: ');
    expect(found).toContain(why);
  });

  it('finds one instant again in every zone it is written in', () => {
    const zones = fc.constantFrom(
      'UTC',
      'Europe/Berlin',
      'America/St_Johns',
      'Asia/Kathmandu',
      'Pacific/Apia',
    );
    const min = Date.UTC(2000, 0, 1);
    fc.assert(
      fc.property(
        fc.integer({ min: min / 1000, max: Date.UTC(2100, 0, 1) / 1000 }),
        zones,
        (second, zone) => {
          const wall = new Date(second * 1000).toLocaleString('sv-SE', { timeZone: zone });
          const found = read(wall, { zone });
          const at = new Date(second * 1000).toISOString().replace('.000Z', 'Z');
          expect([at, `unread: a time that ${zone} had twice`]).toContain(found);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('reads days, and nothing else as days', () => {
    const day = (text: string, format: 'iso' | 'dmy' = 'iso') => {
      const reading = readDay(text, format);
      return reading.kind === 'value' && reading.value.kind === 'date'
        ? reading.value.date
        : 'unread';
    };
    expect(day('2026-11-03')).toBe('2026-11-03');
    expect(day('3.11.2026', 'dmy')).toBe('2026-11-03');
    expect(day('2026-11-03T10:00:00Z')).toBe('unread');
    expect(day('3.11.2026 10:00', 'dmy')).toBe('unread');
    expect(day('31.11.2026', 'dmy')).toBe('unread');
  });

  it('knows zones by name only', () => {
    expect(['Europe/Berlin', 'UTC', 'America/Argentina/Buenos_Aires'].map(isZone)).toEqual([
      true,
      true,
      true,
    ]);
    expect(['+01:00', '', 'Europe', '../etc', 'a'.repeat(500)].map(isZone)).not.toContain(true);
  });
});
