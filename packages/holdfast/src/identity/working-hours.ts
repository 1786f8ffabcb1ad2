/**
 * When an agent works: `Mon-Fri 08:00-19:00 Europe/Lisbon`. Days, from and to by the wall clock of one
 * IANA time zone, whatever the zone does with its clock: an hour that is struck twice in autumn counts
 * twice, one that is left out in spring does not come.
 *
 * Hours past midnight belong to the day they begin on: `Fri 22:00-06:00` ends on Saturday at six. What
 * cannot be read opens never.
 */
import { HoldfastError } from '../model/errors.ts';

export interface WorkingHours {
  /** 1 is Monday, 7 is Sunday; ascending, without doubles. */
  readonly days: readonly number[];
  /** Minutes after midnight, 0 to 1439. */
  readonly fromMinute: number;
  /** 1 to 1440; not the same as `fromMinute`; below it: on the next day. */
  readonly toMinute: number;
  /** As IANA names it. */
  readonly timeZone: string;
}

/** For a text in our store that nobody can read: it opens never. */
export const NEVER: WorkingHours = { days: [], fromMinute: 0, toMinute: 1440, timeZone: 'UTC' };

const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const;
const DAY_MINUTES = 24 * 60;
const SHAPE = /^(\S+)\s+(\d{2}):(\d{2})-(\d{2}):(\d{2})\s+([A-Za-z][A-Za-z0-9_+/-]{0,63})$/;

/** Null: it is not of that form. */
export function readWorkingHours(text: string): WorkingHours | null {
  const [, dayWords = '', ...rest] = SHAPE.exec(text.trim()) ?? [];
  const days = readDays(dayWords);
  const [fromHour, fromMinute, toHour, toMinute] = rest.map(Number);
  const timeZone = rest[4] ?? '';
  const from = minuteOf(fromHour, fromMinute);
  const to = minuteOf(toHour, toMinute);
  if (days === null || from === null || to === null) return null;
  if (from === DAY_MINUTES || to === from || (from > to && to === 0)) return null;
  if (formatFor(timeZone) === null) return null;
  return { days, fromMinute: from, toMinute: to, timeZone };
}

/** HF_USAGE when it cannot be read. */
export function workingHoursOf(text: string): WorkingHours {
  const hours = readWorkingHours(text);
  if (hours !== null) return hours;
  throw new HoldfastError('HF_USAGE', {
    expected:
      "working hours as 'Mon-Fri 08:00-19:00 Europe/Lisbon': days, from-to, an IANA time zone",
    found: `"${text.slice(0, 80)}"`,
    hint: "Days are Mon to Sun, as Mon-Fri or Mon,Wed; 24:00 is the end of a day; 'always' lifts them.",
  });
}

export function workingHoursText(hours: WorkingHours): string {
  const { days, fromMinute, toMinute, timeZone } = hours;
  if (days.length === 0) return 'never';
  return `${daysText(days)} ${timeText(fromMinute)}-${timeText(toMinute)} ${timeZone}`;
}

/** From `fromMinute` on, and no longer at `toMinute`. */
export function isOpenAt(
  { days, fromMinute, toMinute, timeZone }: WorkingHours,
  at: Date,
): boolean {
  if (days.length === 0) return false;
  const local = localTime(timeZone, at);
  if (local === null) return false;
  const { day, minute } = local;
  if (fromMinute < toMinute) {
    return days.includes(day) && minute >= fromMinute && minute < toMinute;
  }
  const before = day === 1 ? 7 : day - 1;
  if (minute >= fromMinute) return days.includes(day);
  return minute < toMinute && days.includes(before);
}

function minuteOf(hour: number | undefined, minute: number | undefined): number | null {
  if (hour === undefined || minute === undefined || minute > 59) return null;
  const all = hour * 60 + minute;
  return all <= DAY_MINUTES ? all : null;
}

/** `Mon-Fri`, `Mon,Wed`, `Sat-Mon`; null: something else. */
function readDays(text: string): number[] | null {
  const days = new Set<number>();
  for (const part of text.split(',')) {
    const [first = '', last = first, ...more] = part.split('-');
    const from = dayOf(first);
    const to = dayOf(last);
    if (from === null || to === null || more.length > 0) return null;
    for (let day = from; ; day = (day % 7) + 1) {
      days.add(day);
      if (day === to) break;
    }
  }
  return [...days].sort((a, b) => a - b);
}

function dayOf(word: string): number | null {
  const at = DAYS.findIndex((day) => day.toLowerCase() === word.toLowerCase());
  return at < 0 ? null : at + 1;
}

function daysText(days: readonly number[]): string {
  const runs: number[][] = [];
  for (const day of days) {
    const run = runs.at(-1);
    if (run !== undefined && run.at(-1) === day - 1) run.push(day);
    else runs.push([day]);
  }
  const word = (day: number | undefined): string => DAYS[(day ?? 1) - 1] ?? '';
  return runs
    .map((run) => (run.length === 1 ? word(run[0]) : `${word(run[0])}-${word(run.at(-1))}`))
    .join(',');
}

function timeText(minute: number): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${two(Math.floor(minute / 60))}:${two(minute % 60)}`;
}

/** To make one costs a thousand times what using it does, and there are few zones. */
const FORMATS = new Map<string, Intl.DateTimeFormat>();

/** Null: no such zone. */
function formatFor(timeZone: string): Intl.DateTimeFormat | null {
  const known = FORMATS.get(timeZone);
  if (known !== undefined) return known;
  try {
    const format = new Intl.DateTimeFormat('en-GB', {
      timeZone,
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    });
    FORMATS.set(timeZone, format);
    return format;
  } catch {
    return null;
  }
}

function localTime(
  timeZone: string,
  at: Date,
): { readonly day: number; readonly minute: number } | null {
  const parts = formatFor(timeZone)?.formatToParts(at) ?? [];
  const part = (type: string): string => parts.find((one) => one.type === type)?.value ?? '';
  const day = dayOf(part('weekday'));
  const minute = Number(part('hour')) * 60 + Number(part('minute'));
  return day === null || !Number.isInteger(minute) ? null : { day, minute };
}
