/** Instants and spans in words. Local time is shown, UTC stands beside it on hover. */

const LOCAL = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
const LOCAL_TODAY = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });

export function localTime(iso: string, nowMs: number): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return 'at an unknown time';
  const isToday = new Date(nowMs).toDateString() === date.toDateString();
  return isToday ? LOCAL_TODAY.format(date) : LOCAL.format(date);
}

/** `2026-11-21 10:05:07 UTC`. */
export function utcTime(iso: string): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return 'unknown';
  return `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** `4 s`, `12 min`, `7 h 59 min`, `3 days`. */
export function spanWords(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48 || (hours <= 72 && minutes % 60 === 0))
    return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} days`;
}

/** A clock for the last ten minutes: `9:07`. */
export function countdownWords(ms: number): string {
  if (ms <= 0) return 'expired';
  if (ms >= 600_000) return spanWords(ms);
  const seconds = Math.floor(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}

export function fromNow(iso: string, nowMs: number): string {
  const difference = new Date(iso).getTime() - nowMs;
  if (Number.isNaN(difference)) return 'at an unknown time';
  if (Math.abs(difference) < 5000) return 'now';
  return difference > 0 ? `in ${spanWords(difference)}` : `${spanWords(-difference)} ago`;
}
