/**
 * When an event is: its start and end, once or as often as a plain rule says (RFC 5545 §3.8.5.3: DAILY,
 * WEEKLY with days, MONTHLY, YEARLY, each with INTERVAL, COUNT, UNTIL). Such a rule always has a next
 * time close by; others can keep a machine looking for one that never comes, and are not expanded.
 */
import ICAL from 'ical.js';
import { z } from 'zod';
import { REBUILD_RECURRENCES_MAX } from '../../../model/limits.ts';
import { isZone, readMoment } from '../values/moment.ts';
import { WINDOWS_ZONES } from './windows-zones.ts';

export interface EventTimes {
  readonly fields: ReadonlyMap<string, string>;
  readonly troubled: ReadonlyMap<string, string>;
}

interface Property {
  readonly zone: string | null;
  readonly isDay: boolean;
  readonly values: readonly unknown[];
}
type Properties = ReadonlyMap<string, readonly Property[]>;

/** A time as it is written, and in which zone; null: its own (`Z`), or none. */
interface Written {
  readonly text: string;
  readonly zone: string | null;
  readonly isDay: boolean;
}

const INTERVAL_MAX = 1_000;
const RULE = z.strictObject({
  freq: z.enum(['DAILY', 'WEEKLY', 'MONTHLY', 'YEARLY']),
  interval: z.int().min(1).max(INTERVAL_MAX).optional(),
  count: z.int().min(1).optional(),
  until: z.unknown().optional(),
  wkst: z.unknown().optional(),
  byday: z.unknown().optional(),
});
const DAYS = z.union([z.string(), z.array(z.string())]);
const DURATION =
  /^P(?:(\d{1,4})W)?(?:(\d{1,5})D)?(?:T(?:(\d{1,5})H)?(?:(\d{1,6})M)?(?:(\d{1,7})S)?)?$/;

export function timesOf(properties: Properties): {
  readonly instances: readonly EventTimes[];
  readonly isCut: boolean;
} {
  const once = (times: EventTimes) => ({ instances: [times], isCut: false });
  const start = writtenOf(properties, 'dtstart');
  if (start === null) return once(trouble('no start, or more than one'));
  const end = endOf(properties, start);
  if (properties.has('rdate')) return once(trouble('further dates by RDATE'));
  const rules = properties.get('rrule') ?? [];
  if (rules.length === 0) return once(read(start, end, recurrenceOf(properties)));
  const [rule] = rules;
  const starts = rules.length > 1 ? null : startsOf(start, rule?.values[0]);
  if (starts === null) return once(trouble('a rule of recurrence that is not expanded here'));
  const left = new Set(
    (properties.get('exdate') ?? []).flatMap(({ values }) => values.map(String)),
  );
  const kept = starts.filter((text) => !left.has(text) && !left.has(text.replace(/Z$/, '')));
  const instances = kept.slice(0, REBUILD_RECURRENCES_MAX).map((text) => {
    const moved = { ...start, text };
    return read(moved, shifted(start, end, moved), text);
  });
  return { instances, isCut: starts.length > REBUILD_RECURRENCES_MAX };
}

type End = Written | 'none' | 'unclear';

function read(start: Written, end: End, recurrence: string | null): EventTimes {
  const fields = new Map<string, string>();
  const troubled = new Map<string, string>();
  const put = (name: string, written: Written): void => {
    const text = inUtc(written);
    if (text.kind === 'text') fields.set(name, text.text);
    else troubled.set(name, text.why);
  };
  put('starts', start);
  if (end === 'unclear') troubled.set('ends', 'an end that cannot be told');
  else if (end !== 'none') put('ends', end);
  if (recurrence !== null) fields.set('recurrence', recurrence);
  return { fields, troubled };
}

function trouble(why: string): EventTimes {
  return {
    fields: new Map(),
    troubled: new Map([
      ['starts', why],
      ['ends', why],
    ]),
  };
}

function writtenOf(properties: Properties, name: string): Written | null {
  const all = properties.get(name) ?? [];
  const [property] = all;
  if (property === undefined || all.length > 1 || property.values.length !== 1) return null;
  const [text] = property.values;
  return typeof text === 'string' ? { text, zone: property.zone, isDay: property.isDay } : null;
}

function recurrenceOf(properties: Properties): string | null {
  return writtenOf(properties, 'recurrence-id')?.text ?? null;
}

function endOf(properties: Properties, start: Written): End {
  if (properties.has('dtend')) return writtenOf(properties, 'dtend') ?? 'unclear';
  const [duration, ...more] = properties.get('duration') ?? [];
  if (duration === undefined) return 'none';
  const match = DURATION.exec(String(duration.values[0]));
  if (match === null || more.length > 0) return 'unclear';
  const [weeks, days, hours, minutes, seconds] = match.slice(1).map((part) => Number(part ?? '0'));
  const dayCount = (weeks ?? 0) * 7 + (days ?? 0);
  const secondCount = ((hours ?? 0) * 60 + (minutes ?? 0)) * 60 + (seconds ?? 0);
  // Days are of the calendar, hours of the clock: across a change of the clock they differ.
  if (dayCount > 0 && secondCount > 0) return 'unclear';
  if (dayCount > 0) return moved(start, dayCount * 24 * 60 * 60);
  if (start.isDay) return 'unclear';
  const utc = inUtc(start);
  if (utc.kind !== 'text') return 'unclear';
  return moved({ text: utc.text, zone: null, isDay: false }, secondCount);
}

/** Of the wall clock; `Z` stays. */
function moved(from: Written, seconds: number): Written {
  const isUtc = from.text.endsWith('Z');
  const bare = from.text.replace(/Z$/, '');
  const ms = Date.parse(`${bare}${from.isDay ? 'T00:00:00' : ''}Z`);
  if (Number.isNaN(ms)) return { ...from, text: '' };
  const text = new Date(ms + seconds * 1000).toISOString().slice(0, from.isDay ? 10 : 19);
  return { ...from, text: isUtc ? `${text}Z` : text };
}

/** The end of an instance: as far from its start, by the wall clock, as that of the first. */
function shifted(first: Written, end: End, start: Written): End {
  if (typeof end === 'string') return end;
  if (end.zone !== first.zone || end.text.endsWith('Z') !== first.text.endsWith('Z'))
    return 'unclear';
  const seconds = (wallMs(end) - wallMs(first)) / 1000;
  return Number.isFinite(seconds) ? moved(start, seconds) : 'unclear';
}

function wallMs({ text, isDay }: Written): number {
  return Date.parse(`${text.replace(/Z$/, '')}${isDay ? 'T00:00:00' : ''}Z`);
}

/** All starts, one more than are kept at most; null: the rule is not expanded. */
function startsOf(start: Written, rule: unknown): readonly string[] | null {
  const shaped = RULE.safeParse(rule);
  if (!shaped.success) return null;
  const { byday, freq } = shaped.data;
  if (byday !== undefined) {
    const days = DAYS.safeParse(byday);
    const isPlain =
      days.success && [days.data].flat().every((one) => /^(MO|TU|WE|TH|FR|SA|SU)$/.test(one));
    if (freq !== 'WEEKLY' || !isPlain) return null;
  }
  const found: string[] = [];
  try {
    const first = start.isDay
      ? ICAL.Time.fromDateString(start.text)
      : ICAL.Time.fromDateTimeString(start.text);
    const iterator = ICAL.Recur.fromData(recurrence(shaped.data)).iterator(first);
    for (let next = iterator.next(); next && found.length <= REBUILD_RECURRENCES_MAX; ) {
      found.push(next.toString());
      next = iterator.next();
    }
  } catch {
    return null;
  }
  return found;
}

function recurrence(rule: z.infer<typeof RULE>) {
  const { byday, freq, interval, count, until } = rule;
  return {
    freq,
    ...(interval === undefined ? {} : { interval }),
    ...(count === undefined ? {} : { count }),
    ...(typeof until === 'string' ? { until: untilOf(until) } : {}),
    ...(byday === undefined ? {} : { byday: [DAYS.parse(byday)].flat() }),
  };
}

function untilOf(text: string) {
  return text.length > 10 ? ICAL.Time.fromDateTimeString(text) : ICAL.Time.fromDateString(text);
}

type Utc =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'why'; readonly why: string };

/** A moment in UTC, a day, or a floating time as it is written. */
function inUtc({ text, zone, isDay }: Written): Utc {
  if (isDay || (zone === null && !text.endsWith('Z'))) return { kind: 'text', text };
  const known = text.endsWith('Z') ? 'UTC' : zoneOf(zone ?? '');
  if (known === null) return { kind: 'why', why: 'a zone that is not in the IANA database' };
  const reading = readMoment(text, { format: 'iso', zone: known });
  if (reading.kind === 'unread') return { kind: 'why', why: reading.why };
  return { kind: 'text', text: reading.value.kind === 'moment' ? reading.value.at : text };
}

/** `Europe/Berlin`, `/mozilla.org/20050126_1/Europe/Berlin` or `W. Europe Standard Time`. */
function zoneOf(name: string): string | null {
  const iana = WINDOWS_ZONES.get(name) ?? name;
  if (iana !== '' && isZone(iana)) return iana;
  const behind = iana.split('/').slice(-2).join('/');
  return behind.includes('/') && isZone(behind) ? behind : null;
}
