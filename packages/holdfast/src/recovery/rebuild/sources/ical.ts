/**
 * Calendars (RFC 5545), by `ical.js`: events only, each read by itself, so that one that is broken harms
 * no other. `starts` and `ends` come out in UTC where the event names a zone that the IANA database has;
 * floating times and days come out as they are written, for the mapping to say what they mean.
 *
 * It will not: believe a file's own definition of a zone (VTIMEZONE: it could move every event), or
 * expand rules but plain ones, at most a stated number of times. What it does not expand is unread.
 */
import ICAL from 'ical.js';
import { z } from 'zod';
import {
  REBUILD_RECORD_BYTES_MAX,
  REBUILD_RECORDS_MAX,
  REBUILD_RECURRENCES_MAX,
} from '../../../model/limits.ts';
import type { ReadFile, SourceFile, SourceRecord, UnreadRecord } from '../source-record.ts';
import { decoded, unreadable } from './decode.ts';
import { type EventTimes, timesOf } from './ical-times.ts';
import { type Place, provenanceOf, unreadAt } from './place.ts';

const PROPERTY = z.tuple([z.string(), z.record(z.string(), z.unknown()), z.unknown()], z.unknown());
const CALENDAR = z.tuple([
  z.literal('vcalendar'),
  z.array(z.unknown()),
  z.tuple([z.tuple([z.literal('vevent'), z.array(PROPERTY), z.array(z.unknown())])]),
]);

export interface EventProperty {
  readonly zone: string | null;
  readonly isDay: boolean;
  readonly values: readonly unknown[];
}
export type EventProperties = ReadonlyMap<string, readonly EventProperty[]>;

/** Properties that become a field of the same name, when they stand there once. */
const TEXTS = [
  'uid',
  'summary',
  'description',
  'location',
  'status',
  'organizer',
  'url',
  'sequence',
];
const PROPERTIES_MAX = 500;
const NONE: ReadonlyMap<string, string> = new Map();

export function readCalendar(file: SourceFile): ReadFile {
  const records: SourceRecord[] = [];
  const unread: UnreadRecord[] = [];
  for (const { why, ...place } of eventsIn(decoded(file, 'utf-8'))) {
    const times = why ?? eventOf(place);
    if (typeof times === 'string') {
      unread.push(unreadAt(file, place, times));
      continue;
    }
    const by = provenanceOf(file, place);
    for (const one of times.instances) records.push({ by, ...one });
    if (times.isCut) {
      unread.push(unreadAt(file, place, `goes on for more than ${REBUILD_RECURRENCES_MAX} times`));
    }
    if (records.length > REBUILD_RECORDS_MAX) {
      throw unreadable(
        file,
        `at most ${REBUILD_RECORDS_MAX} events`,
        'more',
        'Export less at a time.',
      );
    }
  }
  return { records: newest(records), unread };
}

interface EventText extends Place {
  readonly why: string | null;
}

/** From BEGIN:VEVENT to END:VEVENT, without what is nested in it (alarms). */
function* eventsIn(text: string): Iterable<EventText> {
  let offset = 0;
  let record = 0;
  let open: { lines: string[]; offset: number; inner: string[] } | null = null;
  const ended = (why: string | null): EventText => ({
    record,
    offset: open?.offset ?? 0,
    text: open?.lines.join('\n') ?? '',
    why,
  });
  for (const raw of text.split('\n')) {
    const line = raw.replace(/\r$/, '');
    const marker = /^(BEGIN|END):([A-Z-]{1,40})\s*$/i.exec(line);
    const isBegin = marker?.[1]?.toUpperCase() === 'BEGIN';
    const name = marker?.[2]?.toUpperCase() ?? '';
    if (isBegin && name === 'VEVENT') {
      if (open !== null) yield ended('an event that begins inside of another');
      record += 1;
      open = { lines: [line], offset, inner: [] };
    } else if (open !== null && marker !== null && name !== 'VEVENT') {
      if (isBegin) open.inner.push(name);
      else open.inner.pop();
    } else if (open !== null && (open.inner.length === 0 || marker !== null)) {
      open.lines.push(line);
      if (marker !== null) {
        yield ended(open.inner.length === 0 ? null : 'parts of it that do not end');
        open = null;
      }
    }
    offset += Buffer.byteLength(raw) + 1;
  }
  if (open !== null) yield ended('an event that does not end');
}

interface Instances {
  readonly instances: readonly Pick<SourceRecord, 'fields' | 'troubled'>[];
  readonly isCut: boolean;
}

function eventOf({ text }: Place): Instances | string {
  if (Buffer.byteLength(text) > REBUILD_RECORD_BYTES_MAX) return 'larger than a record may be';
  const properties = propertiesOf(text);
  if (typeof properties === 'string') return properties;
  const fields = new Map<string, string>();
  const troubled = new Map<string, string>();
  for (const name of TEXTS) {
    const all = properties.get(name) ?? [];
    const [value] = all[0]?.values ?? [];
    if (all.length > 1) troubled.set(name, 'stands there more than once');
    else if (value !== undefined) fields.set(name, plain(value));
  }
  for (const [at, { values }] of (properties.get('attendee') ?? []).entries()) {
    fields.set(`attendee.${at}`, plain(values[0]));
  }
  const attendees = properties.get('attendee') ?? [];
  if (attendees.length === 1) fields.set('attendee', plain(attendees[0]?.values[0]));
  if (fields.get('status')?.toUpperCase() === 'CANCELLED') {
    const why = 'a cancelled event';
    const times = {
      fields: NONE,
      troubled: new Map([
        ['starts', why],
        ['ends', why],
      ]),
    };
    return { isCut: false, instances: [withTimes(fields, troubled, times)] };
  }
  const times = timesOf(properties);
  return {
    isCut: times.isCut,
    instances: times.instances.map((one) => withTimes(fields, troubled, one)),
  };
}

function withTimes(
  fields: ReadonlyMap<string, string>,
  troubled: ReadonlyMap<string, string>,
  times: EventTimes,
): Pick<SourceRecord, 'fields' | 'troubled'> {
  return {
    fields: new Map([...fields, ...times.fields]),
    troubled: new Map([...troubled, ...times.troubled]),
  };
}

/** By name in lower case; or why there are none. */
function propertiesOf(text: string): EventProperties | string {
  let parsed: unknown;
  try {
    parsed = ICAL.parse(`BEGIN:VCALENDAR\r\n${text.replaceAll('\n', '\r\n')}\r\nEND:VCALENDAR`);
  } catch {
    return 'no event that iCalendar allows';
  }
  const calendar = CALENDAR.safeParse(parsed);
  if (!calendar.success) return 'no event that iCalendar allows';
  const all = calendar.data[2][0][1];
  if (all.length > PROPERTIES_MAX) return `more than ${PROPERTIES_MAX} properties`;
  const byName = new Map<string, EventProperty[]>();
  for (const [name, parameters, type, ...values] of all) {
    const zone = parameters['tzid'];
    const property = {
      zone: typeof zone === 'string' ? zone : null,
      isDay: type === 'date',
      values,
    };
    byName.set(name, [...(byName.get(name) ?? []), property]);
  }
  return byName;
}

function plain(value: unknown): string {
  const text = typeof value === 'string' || typeof value === 'number' ? String(value) : '';
  return text.replace(/^mailto:/i, '');
}

/** Of one event in one file, what RFC 5546 §2.1.5 lets stand: that of the highest SEQUENCE. */
function newest(records: readonly SourceRecord[]): readonly SourceRecord[] {
  const highest = new Map<string, number>();
  const keyOf = ({ fields, by }: SourceRecord): string =>
    JSON.stringify([fields.get('uid') ?? `#${by.record}`, fields.get('recurrence') ?? '']);
  const sequenceOf = ({ fields }: SourceRecord): number =>
    Number(fields.get('sequence') ?? '0') || 0;
  for (const record of records) {
    const key = keyOf(record);
    highest.set(key, Math.max(highest.get(key) ?? 0, sequenceOf(record)));
  }
  return records.filter((record) => sequenceOf(record) === highest.get(keyOf(record)));
}
