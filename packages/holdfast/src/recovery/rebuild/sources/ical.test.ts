import { describe, expect, it } from 'vitest';
import { calendar, sourceFile } from '../../../testing/source-files.ts';
import { readCalendar } from './ical.ts';

function read(...events: readonly (readonly string[])[]) {
  return readCalendar(sourceFile('calendar', calendar(...events)));
}

function starts(...lines: readonly string[]): readonly (string | undefined)[] {
  return read(['UID:1', ...lines]).records.map(({ fields }) => fields.get('starts'));
}

describe('calendars', () => {
  it.each<readonly [story: string, lines: readonly string[], fields: Record<string, string>]>([
    [
      'UTC',
      ['DTSTART:20261103T090000Z', 'DTEND:20261103T100000Z'],
      { starts: '2026-11-03T09:00:00Z', ends: '2026-11-03T10:00:00Z' },
    ],
    ['a zone', ['DTSTART;TZID=Europe/Berlin:20261103T100000'], { starts: '2026-11-03T09:00:00Z' }],
    [
      'a zone in quotes',
      ['DTSTART;TZID="America/New_York":20261103T100000'],
      { starts: '2026-11-03T15:00:00Z' },
    ],
    [
      'a zone as Outlook calls it',
      ['DTSTART;TZID=W. Europe Standard Time:20260703T100000'],
      { starts: '2026-07-03T08:00:00Z' },
    ],
    [
      'a zone behind a path',
      ['DTSTART;TZID=/mozilla.org/20050126_1/Europe/Berlin:20261103T100000'],
      { starts: '2026-11-03T09:00:00Z' },
    ],
    ['a floating time, as it is', ['DTSTART:20261103T100000'], { starts: '2026-11-03T10:00:00' }],
    [
      'days',
      ['DTSTART;VALUE=DATE:20261103', 'DTEND;VALUE=DATE:20261104'],
      { starts: '2026-11-03', ends: '2026-11-04' },
    ],
    [
      'how long it takes',
      ['DTSTART:20261103T090000Z', 'DURATION:PT1H30M'],
      { ends: '2026-11-03T10:30:00Z' },
    ],
    [
      'days over a change of the clock',
      ['DTSTART;TZID=Europe/Berlin:20261024T100000', 'DURATION:P1D'],
      { starts: '2026-10-24T08:00:00Z', ends: '2026-10-25T09:00:00Z' },
    ],
    [
      'folded lines and escapes',
      ['DTSTART:20261103T090000Z', 'SUMMARY:BK-1\\, a lo', ' ng one\\nsecond'],
      { summary: 'BK-1, a long one\nsecond' },
    ],
    [
      'who comes',
      ['DTSTART:20261103T090000Z', 'ATTENDEE;CN=Ada;RSVP=TRUE:mailto:ada@example.com'],
      { attendee: 'ada@example.com' },
    ],
  ])('reads %s', (_story, lines, fields) => {
    const { records, unread } = read(['UID:1', ...lines]);
    expect(unread).toEqual([]);
    expect(Object.fromEntries(records[0]?.fields ?? [])).toMatchObject(fields);
  });

  it('does not believe what a file says a zone is', () => {
    const moved = [
      ...['BEGIN:VCALENDAR', 'BEGIN:VTIMEZONE', 'TZID:Europe/Berlin', 'BEGIN:STANDARD'],
      ...['DTSTART:19700101T000000', 'TZOFFSETFROM:+1400', 'TZOFFSETTO:+1400', 'END:STANDARD'],
      ...['END:VTIMEZONE', 'BEGIN:VEVENT', 'UID:1', 'DTSTART;TZID=Europe/Berlin:20261103T100000'],
      ...['END:VEVENT', 'END:VCALENDAR'],
    ].join('\r\n');
    const { records } = readCalendar(sourceFile('calendar', moved));
    expect(records[0]?.fields.get('starts')).toBe('2026-11-03T09:00:00Z');
  });

  it('expands what always has a next time, by the wall clock', () => {
    expect(
      starts(
        'DTSTART;TZID=Europe/Berlin:20261020T100000',
        'RRULE:FREQ=WEEKLY;COUNT=3',
        'EXDATE;TZID=Europe/Berlin:20261027T100000',
      ),
    ).toEqual(['2026-10-20T08:00:00Z', '2026-11-03T09:00:00Z']);
    expect(starts('DTSTART:20261130T100000Z', 'RRULE:FREQ=MONTHLY;COUNT=3')).toHaveLength(3);
    expect(
      starts('DTSTART:20261102T100000Z', 'RRULE:FREQ=WEEKLY;BYDAY=MO,WE;UNTIL=20261110T000000Z'),
    ).toEqual(['2026-11-02T10:00:00Z', '2026-11-04T10:00:00Z', '2026-11-09T10:00:00Z']);
  });

  it('ends a rule that does not, and says so', () => {
    const { records, unread } = read(['UID:1', 'DTSTART:20261103T090000Z', 'RRULE:FREQ=DAILY']);
    expect(records).toHaveLength(400);
    expect(unread[0]?.why).toContain('more than 400');
  });

  it.each([
    ['every second', 'RRULE:FREQ=SECONDLY'],
    ['a day that never comes', 'RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30'],
    ['the 54th week', 'RRULE:FREQ=YEARLY;BYWEEKNO=53;BYDAY=MO;BYMONTH=6'],
    ['every billion years', 'RRULE:FREQ=YEARLY;INTERVAL=999999999'],
    ['a set of positions', 'RRULE:FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=-1'],
    ['no rule', 'RRULE:FREQ=NEVER'],
    ['further dates', 'RDATE:20261110T090000Z'],
    ['two rules', 'RRULE:FREQ=DAILY;COUNT=2\r\nRRULE:FREQ=WEEKLY;COUNT=2'],
  ])('does not expand %s: its times are unread', (_story, rule) => {
    const { records, unread } = read(['UID:1', 'DTSTART:20261103T090000Z', rule]);
    const said = [
      ...records.map(({ troubled }) => troubled.get('starts')),
      ...unread.map(({ why }) => why),
    ];
    expect(said).toHaveLength(1);
    expect(said[0]).toBeTruthy();
    expect(records.every(({ fields }) => !fields.has('starts'))).toBe(true);
  });

  it.each([
    ['a zone of nowhere', ['DTSTART;TZID=Mars/Olympus:20261103T090000']],
    ['an hour that was skipped', ['DTSTART;TZID=Europe/Berlin:20260329T023000']],
    ['no such day', ['DTSTART:20261399T990000Z']],
    ['two starts', ['DTSTART:20261103T090000Z', 'DTSTART:20261104T090000Z']],
    ['no start', ['SUMMARY:x']],
    ['what was cancelled', ['DTSTART:20261103T090000Z', 'STATUS:CANCELLED']],
  ])('leaves %s unread', (_story, lines) => {
    const { records, unread } = read(['UID:1', ...lines]);
    const isTold = records.some(
      ({ fields }) => fields.has('starts') && !/[^\d:TZ-]/.test(fields.get('starts') ?? ''),
    );
    expect(unread.length > 0 || records[0]?.troubled.has('starts') === true).toBe(true);
    expect(isTold).toBe(false);
  });

  it('reads the events beside one that is broken', () => {
    const text = [
      ...[
        'BEGIN:VCALENDAR',
        'BEGIN:VEVENT',
        'UID:1',
        'DTSTART:20261103T090000Z',
        'no colon here',
        'END:VEVENT',
      ],
      ...['BEGIN:VEVENT', 'UID:2', 'BEGIN:VEVENT', 'UID:3', 'DTSTART:20261103T090000Z'],
      ...['BEGIN:VALARM', 'DESCRIPTION:x', 'END:VALARM', 'END:VEVENT'],
      ...['BEGIN:VEVENT', 'UID:4', 'DTSTART:20261103T09'],
    ].join('\r\n');
    const { records, unread } = readCalendar(sourceFile('calendar', text));
    expect(records.map(({ fields }) => fields.get('uid'))).toEqual(['3']);
    expect(unread.map(({ why }) => why)).toEqual([
      'no event that iCalendar allows',
      'an event that begins inside of another',
      'an event that does not end',
    ]);
  });

  it('takes of one event the version that was sent last', () => {
    const event = (sequence: number, day: string) => [
      'UID:1',
      `SEQUENCE:${sequence}`,
      `DTSTART:202611${day}T090000Z`,
    ];
    expect(
      read(event(2, '05'), event(1, '04'), event(0, '03')).records.map(({ fields }) =>
        fields.get('starts'),
      ),
    ).toEqual(['2026-11-05T09:00:00Z']);
  });

  it('is bounded in size, nesting and number', () => {
    const start = 'DTSTART:20261103T090000Z';
    expect(read(['UID:1', start, `DESCRIPTION:${'x'.repeat(300_000)}`]).unread[0]?.why).toContain(
      'larger',
    );
    expect(
      read(['UID:1', start, ...Array.from({ length: 600 }, (_, at) => `X-${at}:1`)]).unread[0]?.why,
    ).toContain('500 properties');
    const nested = [...Array.from({ length: 5_000 }, () => 'BEGIN:VALARM')];
    expect(read(['UID:1', start, ...nested]).unread[0]?.why).toContain('do not end');
    const many = Array.from({ length: 300 }, (_, at) => [`UID:${at}`, start, 'RRULE:FREQ=DAILY']);
    expect(() => read(...many)).toThrow(/at most 100000 events/);
  });
});
