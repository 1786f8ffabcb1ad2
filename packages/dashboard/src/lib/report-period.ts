/** The days of a report, both of them in it, as what the gateway is asked. Days are UTC, as in the trail. */

export interface Days {
  /** `2026-11-01`, as a field for dates has it. */
  readonly first: string;
  readonly last: string;
}

const DAY_MS = 86_400_000;
const MONTH_DAYS = 30;

/** The thirty days up to today. */
export function daysUpTo(now: Date): Days {
  return { first: dayOf(now.getTime() - (MONTH_DAYS - 1) * DAY_MS), last: dayOf(now.getTime()) };
}

/** Null: it is all right. */
export function faultOf({ first, last }: Days): string | null {
  if (Number.isNaN(msOf(first)) || Number.isNaN(msOf(last))) return 'Choose both days.';
  return msOf(first) > msOf(last) ? 'The last day is before the first one.' : null;
}

/** Of days that `faultOf` finds nothing wrong with. */
export function reportAsk({ first, last }: Days, format: 'html' | 'json', target: string) {
  const query = new URLSearchParams({
    from: `${first}T00:00:00.000Z`,
    to: `${dayOf(msOf(last) + DAY_MS)}T00:00:00.000Z`,
    format,
    ...(target === '' ? {} : { target }),
  });
  return { query: query.toString(), file: `holdfast-report-${first}-${last}.${format}` };
}

function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

function msOf(day: string): number {
  return Date.parse(`${day}T00:00:00.000Z`);
}
