/** An instant in local words, UTC on hover; and a clock that runs down. One timer for the whole page. */
import { type ReactNode, useSyncExternalStore } from 'react';
import { countdownWords, fromNow, localTime, utcTime } from '../lib/times.ts';

const listeners = new Set<() => void>();
let nowMs = Date.now();
let timer: number | null = null;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= window.setInterval(() => {
    nowMs = Date.now();
    for (const one of listeners) one();
  }, 1000);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0 && timer !== null) {
      window.clearInterval(timer);
      timer = null;
    }
  };
}

export function useNow(): number {
  const look = (): number => nowMs;
  return useSyncExternalStore(subscribe, look, look);
}

export function Time({
  at,
  relative = false,
}: {
  readonly at: string;
  readonly relative?: boolean;
}): ReactNode {
  const now = useNow();
  const local = localTime(at, now);
  return (
    <time
      dateTime={at}
      title={relative ? `${local} · ${utcTime(at)}` : utcTime(at)}
      className="whitespace-nowrap tabular-nums"
    >
      {relative ? fromNow(at, now) : local}
    </time>
  );
}

export function Countdown({
  to,
  label = 'expires in',
}: {
  readonly to: string;
  readonly label?: string;
}): ReactNode {
  const left = new Date(to).getTime() - useNow();
  const isSoon = left < 600_000;
  return (
    <span
      className={`whitespace-nowrap tabular-nums ${isSoon ? 'font-semibold text-danger' : 'text-muted'}`}
      title={utcTime(to)}
    >
      {left > 0 ? `${label} ` : ''}
      {countdownWords(left)}
    </span>
  );
}
