/** How long a preview may keep the live server and the copy at work: each statement, and all of it. */
import type { Clock } from '../../../model/clock.ts';
import { PREVIEW_MS_MAX, PREVIEW_STATEMENT_MS_MAX } from '../../../model/limits.ts';
import type { TargetSession } from '../../../protection/target-database.ts';
import { state } from '../write-refusals.ts';

export interface PreviewTime {
  readonly statementMsMax: number;
  readonly msMax: number;
}

export const PREVIEW_TIME: PreviewTime = {
  statementMsMax: PREVIEW_STATEMENT_MS_MAX,
  msMax: PREVIEW_MS_MAX,
};

/** In a transaction: no statement goes on for longer, and none begins when all of the time is over. */
export function inBounds(
  clock: Clock,
  { msMax, statementMsMax }: PreviewTime,
): (session: TargetSession) => Promise<TargetSession> {
  const untilMs = clock.monotonicMs() + msMax;
  const inTime = (): void => {
    if (clock.monotonicMs() <= untilMs) return;
    throw state(
      `a preview of at most ${msMax / 1000} s`,
      'one that takes longer',
      'Nothing was changed. Name fewer tables, or rows by their keys.',
    );
  };
  return async (session) => {
    await session.query(`set local statement_timeout = ${statementMsMax}`);
    return {
      query: async (sql, values) => {
        inTime();
        return session.query(sql, values);
      },
      copyOut: (sql) => {
        inTime();
        return session.copyOut(sql);
      },
      copyIn: async (sql, chunks) => {
        inTime();
        return session.copyIn(sql, chunks);
      },
    };
  };
}
