/** Hours in which a channel says nothing, by the clock on its people's wall. */

export interface QuietHours {
  /** Minutes after midnight. The same twice: all day. `from` after `to`: through the night. */
  readonly fromMinute: number;
  readonly toMinute: number;
  /** IANA: `Europe/Berlin`. */
  readonly zone: string;
}

const DAY_MINUTES = 24 * 60;
const MINUTE_MS = 60_000;

/** When they end, if `at` lies in them; else null. Right to the minute where clocks are changed, too. */
export function quietUntil(hours: QuietHours, at: Date): Date | null {
  const minute = minuteOf(at, hours.zone);
  if (!isIn(hours, minute)) return null;
  let end = startOfMinute(at).getTime() + ahead(minute, hours.toMinute) * MINUTE_MS;
  // In the night in which clocks are changed it is an hour off, one way or the other.
  const off = ahead(minuteOf(new Date(end), hours.zone), hours.toMinute);
  if (off !== DAY_MINUTES) {
    end += (off > DAY_MINUTES / 2 ? off - DAY_MINUTES : off) * MINUTE_MS;
  }
  return new Date(end);
}

function isIn({ fromMinute, toMinute }: QuietHours, minute: number): boolean {
  if (fromMinute < toMinute) return minute >= fromMinute && minute < toMinute;
  return minute >= fromMinute || minute < toMinute;
}

/** From 1 to a whole day. */
function ahead(minute: number, to: number): number {
  return ((to - minute + DAY_MINUTES - 1) % DAY_MINUTES) + 1;
}

function startOfMinute(at: Date): Date {
  return new Date(Math.floor(at.getTime() / MINUTE_MS) * MINUTE_MS);
}

const formats = new Map<string, Intl.DateTimeFormat>();

function minuteOf(at: Date, zone: string): number {
  let format = formats.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-GB', {
      timeZone: zone,
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    });
    formats.set(zone, format);
  }
  const [hour = '0', minute = '0'] = format.format(at).split(':');
  return Number(hour) * 60 + Number(minute);
}
