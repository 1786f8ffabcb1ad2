/**
 * Whose clock says what: moments that people ask for, and commits, are by the server's; points, drills and
 * what is fresh are by Holdfast's. Where the two differ, a point must not count as older than it is.
 */

import type { RecoveryPoint } from './recovery-point.ts';
import { withDatabase } from './target-session.ts';

/** The server is said to be ahead from there on. */
const AHEAD_MS_MIN = 2_000;

/** Everything that has committed at the server by now did so at or before it: to the next millisecond. */
export async function serverTime(of: Parameters<typeof withDatabase>[0]): Promise<Date> {
  return withDatabase(of, async (database) => {
    const [row] = await database.query(
      'select ceil(extract(epoch from clock_timestamp()) * 1000)::text as ms',
    );
    const ms = Number(row?.['ms']);
    if (!Number.isSafeInteger(ms)) throw new Error('the server says no time');
    return new Date(ms);
  });
}

/** From when on it can be brought forward to a moment: it holds nothing that committed later. */
export function wholeFrom({ endedAt, wholeAt }: Pick<RecoveryPoint, 'endedAt' | 'wholeAt'>): Date {
  return new Date(wholeAt ?? endedAt);
}

/** Of the newest point, a sentence; null: nothing is known to be wrong. Between its times lies the wait for its WAL. */
export function clockTrouble(point: RecoveryPoint | undefined): string | null {
  if (point?.wholeAt === undefined) return null;
  const aheadMs = Date.parse(point.wholeAt) - Date.parse(point.endedAt);
  if (aheadMs < AHEAD_MS_MIN) return null;
  const seconds = Math.round(aheadMs / 1_000);
  return `The server's clock was ${seconds} s ahead of Holdfast's at the newest point: moments are the server's, ages and what is fresh are Holdfast's.`;
}
