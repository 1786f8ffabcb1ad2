/**
 * Moments as they are written, into UTC. A text that names no zone has the zone of the mapping or none,
 * and then it is not read. A time that the zone skipped, or had twice, is not read either.
 *
 * Sources: RFC 3339; the zones of the IANA database as the runtime has them (Intl).
 */
import { found, type Reading, unread } from './reading.ts';

export const MOMENT_FORMATS = ['iso', 'epoch-seconds', 'epoch-millis', 'dmy', 'mdy'] as const;
export type MomentFormat = (typeof MOMENT_FORMATS)[number];
export type DayFormat = 'iso' | 'dmy' | 'mdy';

export interface MomentForm {
  readonly format: MomentFormat;
  /** IANA, for texts that name none. */
  readonly zone: string | null;
}

/** Wall-clock parts; `fraction` are the digits behind the second, at most six. */
interface Wall {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly fraction: string;
}

const DAY_MS = 24 * 60 * 60 * 1000;
const MINUTE_MS = 60_000;
const TEXT_CHARS_MAX = 64;
const YEAR_MIN = 1900;
const YEAR_MAX = 2200;
const ISO =
  /^(\d{4})-(\d{2})-(\d{2})[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,6}))?)?\s?(Z|[+-]\d{2}(?::?\d{2})?)?$/i;
const DAY_FIRST =
  /^(\d{1,2})([./-])(\d{1,2})\2(\d{4})(?:,?\s+(\d{1,2}):(\d{2})(?::(\d{2}))?(?:\s?([AaPp][Mm]))?)?$/;

export function readMoment(text: string, { format, zone }: MomentForm): Reading {
  const trimmed = text.trim();
  if (trimmed.length > TEXT_CHARS_MAX) return unread('too long for a date and time');
  if (format === 'epoch-seconds' || format === 'epoch-millis') return readEpoch(trimmed, format);
  if (format === 'iso') {
    const match = ISO.exec(trimmed);
    if (match === null) return unread('no date and time as 2026-11-03T10:00:00');
    const [, year, month, day, hour, minute, second = '0', fraction = '', offset] = match;
    const wall = wallOf({ year, month, day, hour, minute, second, fraction });
    if (wall === null) return unread('no such day or time');
    return offset === undefined ? inZone(wall, zone) : at(wall, offsetMs(offset));
  }
  const wall = dayFirst(trimmed, format);
  if (wall === null) return unread(`no date and time as ${format}`);
  return inZone(wall, zone);
}

export function readDay(text: string, format: DayFormat): Reading {
  const trimmed = text.trim();
  if (trimmed.length > TEXT_CHARS_MAX) return unread('too long for a day');
  if (format === 'iso') {
    const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(trimmed);
    const wall = match && wallOf({ year: match[1], month: match[2], day: match[3] });
    return wall ? day(wall) : unread('no day as 2026-11-03');
  }
  const wall = /\s/.test(trimmed) ? null : dayFirst(trimmed, format);
  return wall === null ? unread(`no day as ${format}`) : day(wall);
}

/** A name that the runtime knows as a zone. */
export function isZone(name: string): boolean {
  return formatterOf(name) !== null;
}

/** A wall-clock time of `zone` (`2026-11-03T10:00:00`, no offset) as a moment. */
function inZone(wall: Wall, zone: string | null): Reading {
  if (zone === null) return unread('a time without its zone');
  const formatter = formatterOf(zone);
  if (formatter === null) return unread('a zone that is not known');
  const local = msOf(wall);
  const fits = [local - DAY_MS, local + DAY_MS]
    .map((near) => local - (wallMs(formatter, near) - near))
    .filter((candidate) => wallMs(formatter, candidate) === local);
  const distinct = [...new Set(fits)];
  const [only] = distinct;
  if (only === undefined) return unread(`a time that ${zone} skipped`);
  if (distinct.length > 1) return unread(`a time that ${zone} had twice`);
  return moment(only, wall.fraction);
}

function at(wall: Wall, offset: number | null): Reading {
  return offset === null ? unread('no such offset') : moment(msOf(wall) - offset, wall.fraction);
}

function readEpoch(text: string, format: 'epoch-seconds' | 'epoch-millis'): Reading {
  const match = /^(\d{1,14})(?:\.(\d{1,6}))?$/.exec(text);
  if (match === null || (format === 'epoch-millis' && match[2] !== undefined)) {
    return unread(`no ${format}`);
  }
  const whole = Number(match[1]);
  const ms = format === 'epoch-millis' ? whole : whole * 1000;
  const year = new Date(ms).getUTCFullYear();
  if (!(year >= YEAR_MIN && year <= YEAR_MAX)) return unread('outside of 1900 to 2200');
  const rest = format === 'epoch-millis' ? String(ms % 1000).padStart(3, '0') : (match[2] ?? '');
  return moment(ms - (ms % 1000), rest);
}

function dayFirst(text: string, format: 'dmy' | 'mdy'): Wall | null {
  const match = DAY_FIRST.exec(text);
  if (match === null) return null;
  const [, one, , other, year, hour, minute, second, half] = match;
  const [dayText, month] = format === 'dmy' ? [one, other] : [other, one];
  const hours = hoursOf(hour ?? '0', half ?? null);
  return hours === null ? null : wallOf({ year, month, day: dayText, hour: hours, minute, second });
}

function hoursOf(hour: string, half: string | null): string | null {
  if (half === null) return hour;
  const number = Number(hour);
  if (number < 1 || number > 12) return null;
  return String((number % 12) + (half.toLowerCase() === 'pm' ? 12 : 0));
}

interface WallText {
  readonly year: string | undefined;
  readonly month: string | undefined;
  readonly day: string | undefined;
  readonly hour?: string | undefined;
  readonly minute?: string | undefined;
  readonly second?: string | undefined;
  readonly fraction?: string | undefined;
}

/** Null: no such day or time. A leap second is none: it cannot be told from the next. */
function wallOf(text: WallText): Wall | null {
  const wall = {
    year: Number(text.year),
    month: Number(text.month),
    day: Number(text.day),
    hour: Number(text.hour ?? '0'),
    minute: Number(text.minute ?? '0'),
    second: Number(text.second ?? '0'),
    fraction: text.fraction ?? '',
  };
  const date = new Date(msOf(wall));
  const isReal =
    wall.year >= YEAR_MIN &&
    wall.year <= YEAR_MAX &&
    date.getUTCMonth() === wall.month - 1 &&
    date.getUTCDate() === wall.day &&
    wall.hour < 24 &&
    wall.minute < 60 &&
    wall.second < 60;
  return isReal ? wall : null;
}

function msOf({ year, month, day: date, hour, minute, second }: Wall): number {
  return Date.UTC(year, month - 1, date, hour, minute, second);
}

function offsetMs(text: string): number | null {
  if (/^z$/i.test(text)) return 0;
  const digits = text.replace(':', '').slice(1);
  const hours = Number(digits.slice(0, 2));
  const minutes = Number(digits.slice(2) || '0');
  if (hours > 14 || minutes > 59) return null;
  return (text.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * MINUTE_MS;
}

function moment(ms: number, fraction: string): Reading {
  const digits = fraction.replace(/0+$/, '');
  const whole = new Date(ms).toISOString().slice(0, 19);
  return found({ kind: 'moment', at: `${whole}${digits === '' ? '' : `.${digits}`}Z` });
}

function day(wall: Wall): Reading {
  const date = new Date(msOf(wall)).toISOString().slice(0, 10);
  return found({ kind: 'date', date });
}

/** One is made a zone: making it costs more than a thousand uses. Zones come from files, so not endlessly many. */
const FORMATTERS_MAX = 200;
const formatters = new Map<string, Intl.DateTimeFormat | null>();

function formatterOf(zone: string): Intl.DateTimeFormat | null {
  const known = formatters.get(zone);
  if (known !== undefined) return known;
  if (formatters.size >= FORMATTERS_MAX) formatters.clear();
  const made = madeFor(zone);
  formatters.set(zone, made);
  return made;
}

function madeFor(zone: string): Intl.DateTimeFormat | null {
  // An offset is no zone here: `+01:00` has no summer.
  if (!/^[A-Za-z][A-Za-z0-9_+/-]{1,63}$/.test(zone)) return null;
  try {
    return new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch {
    return null;
  }
}

/** What clocks of the zone show at this moment, as if it were UTC. */
function wallMs(formatter: Intl.DateTimeFormat, ms: number): number {
  const parts = new Map(
    formatter.formatToParts(ms).map(({ type, value }) => [type, Number(value)]),
  );
  const part = (name: 'year' | 'month' | 'day' | 'hour' | 'minute' | 'second'): number =>
    parts.get(name) ?? 0;
  return Date.UTC(
    part('year'),
    part('month') - 1,
    part('day'),
    part('hour'),
    part('minute'),
    part('second'),
  );
}
