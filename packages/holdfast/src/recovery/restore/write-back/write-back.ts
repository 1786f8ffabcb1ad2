/**
 * Rows of a restored copy back into the live database: of whole tables, or of some keys of one. In this
 * order, in ONE transaction of the live target:
 *
 *   the session named -> tables found, the same enough on both sides, captured -> whole ones summed up in the
 *     copy (`find-tables.ts`) -> locked, with tables that refer to rows that may go (`lock-tables.ts`) -> rows of
 *     the copy beside the live ones (`bring-rows.ts`), and counted: missing, changed, extra -> what the server would
 *     refuse (`obstacles.ts`), delete or change beyond it (`reach.ts`) -> written, and counted (`write-rows.ts`)
 *
 * Capture is in the same transaction, so what was written is an undo item by itself, and can be taken back
 * like anything else. A table that is not captured is refused.
 *
 * Rows that are there with other values are conflicts: shown, and left alone unless chosen. Rows that came
 * since stay unless chosen. The user's triggers fire, and foreign keys are checked by the server: a row that
 * a trigger swallows or changes takes everything back. Sequences are not touched.
 *
 * A preview reads one snapshot, writes temp tables only, locks nothing, and is true of its moment.
 */
import type { Clock } from '../../../model/clock.ts';
import { hasCode } from '../../../model/errors.ts';
import { newId } from '../../../model/ids.ts';
import { lesserSessions } from '../../../protection/postgres/undo/lesser-session.ts';
import { parentsFirst, readForeignKeys } from '../../../protection/postgres/undo/references.ts';
import type { TargetDatabase, TargetSession } from '../../../protection/target-database.ts';
import type { ReportWords, WriteBackWords } from '../copy-shape.ts';
import { refused } from '../write-refusals.ts';
import { bringRows } from './bring-rows.ts';
import { findTables, rootsOf, type Sessions } from './find-tables.ts';
import { lockTables } from './lock-tables.ts';
import { type CommitMark, commitMark, mustBeCommitted } from './lost-commit.ts';
import { obstaclesTo } from './obstacles.ts';
import { inBounds, PREVIEW_TIME, type PreviewTime } from './preview-time.ts';
import { beyondOrder, reached } from './reach.ts';
import { notesOn, reportOf } from './report.ts';
import { writeRows } from './write-rows.ts';
import type { WrittenTable } from './written-table.ts';

export interface WriteBackOrder extends WriteBackWords {
  readonly mode: 'preview' | 'apply';
}

export interface WriteBackParts {
  readonly restored: TargetDatabase;
  /** By Holdfast's own credential. */
  readonly live: TargetDatabase;
  readonly clock: Clock;
  /** Of a preview; left out: `PREVIEW_TIME`. */
  readonly look?: PreviewTime;
  /** Before anything is committed, with everything done; throwing takes all of it back. */
  readonly beforeCommit?: (report: ReportWords) => void;
}

/**
 * Rejects with HF_RESTORE_STATE, and nothing was changed then; with HF_RESTORE_UNKNOWN when the connection ended
 * during COMMIT and the server would not say what came of it.
 */
export async function writeBack(
  order: WriteBackOrder,
  parts: WriteBackParts,
): Promise<ReportWords> {
  const { clock, live, restored } = parts;
  const isLook = order.mode === 'preview';
  const id = newId('restore', clock);
  const application = `holdfast restore ${id}`;
  const isolation = isLook ? 'repeatable read' : 'read committed';
  const ended: Ended = { committing: null, report: null };
  const bounded = isLook
    ? inBounds(clock, parts.look ?? PREVIEW_TIME)
    : async (session: TargetSession) => session;
  const work = restored.transaction('repeatable read', async (ofCopy) => {
    const copy = await bounded(ofCopy);
    await copy.query('set local row_security = off');
    ended.report = await live
      .transaction(isolation, async (ofLive) => {
        const admin = await bounded(ofLive);
        await admin.query(`select set_config('application_name', $1, true)`, [application]);
        const { rows: session } = await lesserSessions(admin);
        const report = await written({ admin, copy, session }, order, id);
        if (isLook) throw new Looked(report);
        parts.beforeCommit?.(report);
        ended.committing = { report, mark: await commitMark(admin) };
        return report;
      })
      .catch(async (error: unknown) => {
        if (error instanceof Looked) return error.report;
        const { committing } = ended;
        if (!hasCode(error, 'HF_UPSTREAM_LOST') || committing === null) throw refused(error);
        const { mark, report } = committing;
        await mustBeCommitted(live, mark, application, clock, error);
        return { ...report, notes: [...report.notes, LOOKED_UP] };
      });
    return ended.report;
  });
  return work.catch((error: unknown) => {
    // A copy that goes away after it was read changes nothing of what was done.
    if (ended.report !== null) return ended.report;
    throw error;
  });
}

const LOOKED_UP =
  'The connection ended while it was committed; that it was done, the server said afterwards.';

interface Ended {
  committing: { readonly report: ReportWords; readonly mark: CommitMark } | null;
  report: ReportWords | null;
}

/** A preview ends without a commit, so that nothing of it stays. */
class Looked extends Error {
  readonly report: ReportWords;
  constructor(report: ReportWords) {
    super('looked');
    this.report = report;
  }
}

async function written(
  sessions: Sessions,
  order: WriteBackOrder,
  id: string,
): Promise<ReportWords> {
  const { session } = sessions;
  await session.query('set local row_security = off');
  const isLook = order.mode === 'preview';
  const found = await findTables(sessions, order.tables);
  const keys = await readForeignKeys(session, rootsOf(found));
  const foreign = isLook ? keys : await lockTables(session, found, keys, order);
  const tables: WrittenTable[] = [];
  for (const [at, one] of found.entries()) tables.push(await bringRows(sessions, one, at));
  const ordered = parentsFirst(tables, foreign);
  const notes = await notesOn(session, tables);
  const reports: ReportWords['tables'] = [];
  for (const one of tables) reports.push(await reportOf(session, one, order));
  const report = { tables: reports, notes };
  if (isLook) {
    return { ...report, id: null, wouldFail: await obstaclesTo(session, ordered, foreign, order) };
  }
  const beyond = await reached(session, tables, foreign, order);
  if (beyond.length > 0) throw beyondOrder(beyond);
  await writeRows(session, ordered, order);
  return { ...report, id, wouldFail: [] };
}
