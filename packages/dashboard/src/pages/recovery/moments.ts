/** Moments of the way back: fields of the browser know neither zones nor, mostly, milliseconds; all of them are UTC. */

export interface Window {
  readonly from: string;
  readonly to: string;
}

/** Of the slider. */
export const STEPS = 1_000;

/** What a field for a moment holds, as ISO 8601 in UTC; null: nothing, or no moment. */
export function asOfIn(typed: string): string | null {
  const at = new Date(`${typed}Z`);
  return typed === '' || Number.isNaN(at.getTime()) ? null : at.toISOString();
}

/** For such a field: milliseconds where there are any, since another one in that second may be too late. */
export function fieldTextOf(iso: string): string {
  const text = new Date(iso).toISOString();
  return text.slice(0, text.endsWith('.000Z') ? 19 : 23);
}

export function secondsOf(iso: string): string {
  return iso.slice(0, 19);
}

export function momentFault(at: Date, window: Window | null): string | null {
  if (window === null) return 'This vault brings nothing back.';
  if (Number.isNaN(at.getTime())) return 'A day and a time, to the second.';
  const ms = at.getTime();
  // The field knows no milliseconds.
  const isInside = ms >= Date.parse(window.from) - 999 && ms <= Date.parse(window.to);
  return isInside ? null : 'It lies outside of what this vault can bring back.';
}

export function shareOf(at: Date, { from, to }: Window): number {
  const whole = Math.max(1, Date.parse(to) - Date.parse(from));
  const share = (at.getTime() - Date.parse(from)) / whole;
  return Number.isNaN(share) ? STEPS : Math.round(Math.min(1, Math.max(0, share)) * STEPS);
}

export function momentIn({ from, to }: Window, step: number): string {
  const fromMs = Date.parse(from);
  const ms = fromMs + ((Date.parse(to) - fromMs) * step) / STEPS;
  // Up to the whole second, which lies inside of the window at its beginning.
  const rounded = Math.min(Math.ceil(ms / 1000) * 1000, Math.floor(Date.parse(to) / 1000) * 1000);
  return secondsOf(new Date(rounded).toISOString());
}
