/** Times, counts and places in the trail, in words that need no explanation. All days are UTC. */
import type { Source, TargetFigures } from './report-shape.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const MONTHS =
  'January February March April May June July August September October November December'.split(
    ' ',
  );

/** `0.4 s`, `12 s`, `3 min 4 s`, `5 h 3 min`, `3 d 4 h`; always rounded up. */
export function spanWords(ms: number): string {
  const [seconds, minutes] = [Math.ceil(ms / SECOND), Math.ceil(ms / MINUTE)];
  if (ms <= 9.9 * SECOND) return `${Math.ceil(ms / 100) / 10} s`;
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return two(seconds, 60, 'min', 's');
  if (minutes < 2 * 1_440) return two(minutes, 60, 'h', 'min');
  return two(Math.ceil(ms / HOUR), 24, 'd', 'h');
}

function two(total: number, per: number, large: string, small: string): string {
  const rest = total % per;
  return `${Math.floor(total / per)} ${large}${rest === 0 ? '' : ` ${rest} ${small}`}`;
}

/** `12,345` */
export function countWords(count: number): string {
  return String(count).replaceAll(/\B(?=(\d{3})+$)/g, ',');
}

/** `1 hold`, `2 holds`; `many` where an s does not do. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${countWords(count)} ${count === 1 ? one : many}`;
}

export function bytesWords(bytes: number): string {
  const units = ['bytes', 'KB', 'MB', 'GB', 'TB'];
  let [value, at] = [bytes, 0];
  while (value >= 1_000 && at < units.length - 1) [value, at] = [value / 1_000, at + 1];
  return `${at === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[at]}`;
}

/** `1 November 2026` */
export function dayWords(iso: string): string {
  const [year = '', month = '', day = ''] = iso.slice(0, 10).split('-');
  return `${Number(day)} ${MONTHS[Number(month) - 1] ?? month} ${year}`;
}

/** `2026-11-01 14:03:09` */
export function timeWords(iso: string): string {
  return iso.slice(0, 19).replace('T', ' ');
}

/** `1 November 2026`, with the time where it is not midnight. */
export function momentWords(iso: string): string {
  const time = iso.slice(11, 19);
  return time === '00:00:00' ? dayWords(iso) : `${dayWords(iso)}, ${time}`;
}

/** From which entries a figure is. */
export function sourceWords({ entries, first, last }: Source): string {
  if (first === null || last === null) return 'no entry';
  if (first === last) return `entry ${first}`;
  return `${plural(entries, 'entry', 'entries')}, ${first} to ${last}`;
}

type Promised = NonNullable<TargetFigures['promise']>;
const CHANGES_TOLD_MAX = 3;

/** `1 min`; where it changed, when and to what: `1 min, from 12 November 2026, 10:00:00 on 5 min`. */
export function promiseWords(promise: Promised, of: 'rpoMs' | 'rtoMs'): string {
  const { list, unlisted } = promise;
  const steps = list.filter((one, at) => one[of] !== list[at - 1]?.[of]);
  const [first, ...later] = steps;
  const [newest, last] = [spanWords(promise[of]), later.at(-1)];
  if (first === undefined || (last === undefined && unlisted === 0)) return newest;
  if (unlisted === 0 && later.length <= CHANGES_TOLD_MAX) {
    const words = later.map((one) => `from ${momentWords(one.at)} on ${spanWords(one[of])}`);
    return [spanWords(first[of]), ...words].join(', ');
  }
  return `${spanWords(first[of])} at first, changed ${countWords(later.length + unlisted)} times, ${newest} at last`;
}
