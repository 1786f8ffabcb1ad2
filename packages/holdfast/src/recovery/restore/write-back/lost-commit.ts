/**
 * Whether a write-back was done when the connection ended before the server had answered its COMMIT. It is asked
 * of the server itself, on another connection, by what was noted just before: the transaction's number, and of
 * which server it is one. In this order:
 *
 *   the same server, on the same history -> the row that capture kept under this write's name (until it is
 *     drained) -> what became of that number
 *
 * A server that crashed may give one number twice, so that a number alone says nothing then. What cannot be told
 * is said to be unknown, and never taken for "nothing was written".
 */
import { z } from 'zod';
import type { Clock } from '../../../model/clock.ts';
import { HoldfastError } from '../../../model/errors.ts';
import { COMMIT_LOOK_MS_MAX } from '../../../model/limits.ts';
import { pause } from '../../../programs/pause.ts';
import type { TargetDatabase, TargetSession } from '../../../protection/target-database.ts';
import { state } from '../write-refusals.ts';

const MARK = z.object({
  /** Null: nothing was written in it, so there is nothing that could be lost. */
  xid: z.string().nullable(),
  system: z.string(),
  timeline: z.coerce.number(),
  /** A crash moves it, and it alone tells of one. */
  counted: z.string().nullable(),
});
export type CommitMark = Readonly<z.output<typeof MARK>>;

const SERVER_SQL = `(select system_identifier::text from pg_control_system()) as system,
  (select timeline_id from pg_control_checkpoint()) as timeline,
  (select stats_reset::text from pg_stat_bgwriter) as counted`;
const LOOK_EACH_MS = 250;

/** At the end of the transaction, before its COMMIT. */
export async function commitMark(session: TargetSession): Promise<CommitMark> {
  const [row] = await session.query(
    `select pg_current_xact_id_if_assigned()::text as xid, ${SERVER_SQL}`,
  );
  return MARK.parse(row);
}

/**
 * `application`: the name of the session that wrote. Waits for a server that is away, in bounded time. Rejects with
 * HF_RESTORE_STATE when nothing was committed, HF_RESTORE_UNKNOWN when nobody says.
 */
export async function mustBeCommitted(
  live: TargetDatabase,
  mark: CommitMark,
  application: string,
  clock: Clock,
  cause: unknown,
): Promise<void> {
  if (mark.xid === null) return;
  const untilMs = clock.monotonicMs() + COMMIT_LOOK_MS_MAX;
  for (;;) {
    const end = await endNow(live, mark, application).catch(() => 'away' as const);
    if (end === 'done') return;
    if (end === 'not-done') throw notCommitted(cause);
    if (end === 'unknown' || clock.monotonicMs() >= untilMs) throw unknownEnd(application, cause);
    await pause(LOOK_EACH_MS);
  }
}

const FOUND = MARK.omit({ xid: true }).extend({
  isKept: z.boolean(),
  next: z.string(),
});

async function endNow(
  live: TargetDatabase,
  mark: CommitMark,
  application: string,
): Promise<'done' | 'not-done' | 'unknown' | 'running'> {
  const [row] = await live.query(
    `select ${SERVER_SQL}, pg_snapshot_xmax(pg_current_snapshot())::text as next,
       exists (select from holdfast.journal where application = $1) as "isKept"`,
    [application],
  );
  const found = FOUND.parse(row);
  if (found.isKept) return 'done';
  if (found.system !== mark.system || found.timeline !== mark.timeline) return 'unknown';
  // A number that this server has not reached (again) is of a transaction that left nothing behind.
  if (BigInt(found.next) <= BigInt(mark.xid ?? '0')) return 'not-done';
  const [{ status = null } = {}] = await live.query(
    'select pg_xact_status($1::text::xid8) as status',
    [mark.xid],
  );
  switch (status) {
    case 'in progress':
      return 'running';
    case 'aborted':
      return 'not-done';
    case 'committed':
      return found.counted === mark.counted ? 'done' : 'unknown';
    default:
      return 'unknown';
  }
}

function notCommitted(cause: unknown): HoldfastError {
  return state(
    'an answer to COMMIT',
    'that the connection ended; the server says that nothing was committed',
    'Nothing was changed. Try again when the target answers.',
    cause,
  );
}

/** Words for whoever asked: what to look at before it is done again. */
export function unknownEnd(application: string, cause: unknown): HoldfastError {
  return new HoldfastError('HF_RESTORE_UNKNOWN', {
    expected: 'the target to say whether the rows were written back',
    found: 'that the connection ended while they were committed, and no word since',
    hint: `It was done if \`holdfast undo list\` shows an item of “${application}”. Look there before it is tried again.`,
    cause,
  });
}
