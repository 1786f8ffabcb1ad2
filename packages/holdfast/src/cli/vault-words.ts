/** How much is kept for undo, and how much room there is for more. */
import { fromNow, oneLine, spanOf } from './print.ts';

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

/** `3.1 MB`; 1 kB is 1,000 bytes. */
export function bytesWords(bytes: number): string {
  let value = bytes;
  let at = 0;
  while (value >= 1000 && at < UNITS.length - 1) {
    value /= 1000;
    at += 1;
  }
  return `${at === 0 ? value : value.toFixed(1)} ${UNITS[at]}`;
}

/** As the API tells it, or as our own store does. */
interface Vault {
  readonly bytes: number;
  readonly freeBytes: number | null;
  readonly freeBytesMin: number;
  readonly kept: readonly {
    readonly target: string;
    readonly items: number;
    readonly oldestAt: string | Date;
    readonly nextPurgeMs: number;
  }[];
}

export function vaultLines({ bytes, freeBytes, freeBytesMin, kept }: Vault, now: Date): string[] {
  const room =
    freeBytes === null
      ? 'its disk is that of your database'
      : `${bytesWords(freeBytes)} free, at least ${bytesWords(freeBytesMin)} wanted`;
  return [
    ...kept.map((one) => keptWords(one, now)),
    `The vault takes ${bytesWords(bytes)}; ${room}.`,
  ];
}

function keptWords(
  { items, nextPurgeMs, oldestAt, target }: Vault['kept'][number],
  now: Date,
): string {
  const minutes = Math.ceil(nextPurgeMs / 60_000) * 60_000;
  const next = nextPurgeMs === 0 ? 'purge is due' : `next purge in ${spanOf(minutes)}`;
  return `${oneLine(target)}: ${items} kept, the oldest from ${fromNow(new Date(oldestAt), now)}; ${next}.`;
}
