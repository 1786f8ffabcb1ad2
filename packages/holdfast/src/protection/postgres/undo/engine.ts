/**
 * Undoing, in one transaction on the target. The order:
 *
 *   name the session (its own capture becomes an item that knows what it undid)
 *     -> segments, newest first: an act by its record; rows by their net effect
 *     -> anything undecided: all of it is rolled back, and the list of conflicts is the answer
 *
 * READ COMMITTED with table locks, not SERIALIZABLE: SHARE ROW EXCLUSIVE keeps writers of the touched
 * tables out (readers go on) from the comparison until commit, so that what was compared is what is written
 * over; and each check sees what has just been committed in tables that are not locked, which a
 * snapshot taken at the start would not. A lock that is not had in time is somebody at work.
 *
 * A preview reads one snapshot and locks nothing: what it says is true of that moment.
 *
 * It will not: overwrite newer work that nobody decided on, commit a part that was not asked for, touch
 * sequences, or run the user's triggers where it may silence them (`session_replication_role`); where it
 * may not, it says which ones fire. Capture triggers are ENABLE ALWAYS and fire in both cases.
 */
import pg from 'pg';
import { HoldfastError } from '../../../model/errors.ts';
import type { TargetDatabase } from '../../target-database.ts';
import { type RowsSegment, segmentsOf, tableName } from '../../undo/segments.ts';
import { decisionFor, type UndoReport } from '../../undo/undo-report.ts';
import type { UndoStore } from '../../undo-store.ts';
import { undoAct } from './acts.ts';
import { type LesserSession, lesserSessions } from './lesser-session.ts';
import { undoRows } from './rows.ts';
import { addConflict, type Gathered, nothing, type UndoOrder } from './work.ts';

/** Of our temp tables: 3,000 rows are looked at, enough to tell a few from many and one value from all. */
const STATISTICS_TARGET = 10;

/** Never throws for conflicts: they are in the report, and with any undecided nothing was changed. */
export function runUndo(
  database: TargetDatabase,
  store: UndoStore,
  order: UndoOrder,
): Promise<UndoReport> {
  // A look is one snapshot; an undo must see what is committed while it waits for its locks.
  const isolation = order.mode === 'preview' ? 'repeatable read' : 'read committed';
  return database.transaction(isolation, async (admin) => {
    const gathered = nothing();
    await admin.query(`select set_config('application_name', $1, true)`, [nameOf(order)]);
    const { acts, rows: session } = await lesserSessions(admin);
    await session.query(
      `set local row_security = off;
       set local default_statistics_target = ${STATISTICS_TARGET};
       savepoint hf_undo`,
    );
    const segments = segmentsOf(order.chosen, { tables: order.tables });
    try {
      for (const [at, segment] of segments.entries()) {
        if (segment.kind === 'act') {
          // What was done before it was done to another structure: it cannot be judged from here.
          if (!(await undoOneAct(acts, segment, order, gathered))) break;
        } else if (order.mode === 'preview' && gathered.acts.length > 0) {
          countRows(segment, gathered);
        } else {
          const isPart = segments.length > 1 || order.chosen.length > 1;
          await undoRows({ session, store, order, gathered, segment, at, isPart });
        }
      }
    } catch (error) {
      throw explained(error);
    }
    const report = reportOf(order, gathered);
    // Back to where nothing was done; the locks go with it.
    if (order.mode === 'preview' || gathered.undecided > 0) {
      await session.query('rollback to savepoint hf_undo');
    } else await order.beforeCommit?.(report);
    return report;
  });
}

/** Rows from before an act: a preview does not take it back, so there is nothing to compare them with. */
function countRows({ shapes }: RowsSegment, gathered: Gathered): void {
  for (const { shape, byOp } of shapes) {
    gathered.tables.push({
      table: tableName(shape),
      insertedBack: byOp('D') + byOp('T'),
      changedBack: byOp('U'),
      removedAgain: byOp('I'),
      already: 0,
      leftOut: 0,
    });
  }
  gathered.notes.add(
    'Rows from before an act on structure are counted as they were captured; whether newer work stands in their way is found when it is applied.',
  );
}

/** False: it is in the way and nobody has decided. */
async function undoOneAct(
  session: LesserSession,
  segment: Parameters<typeof undoAct>[1],
  order: UndoOrder,
  gathered: Gathered,
): Promise<boolean> {
  const outcome = await undoAct(session, segment, {
    isLook: order.mode === 'preview',
    isFirst: gathered.acts.length === 0,
    decide: (table) => decisionFor(order.decisions, table, null),
    say: (sql) => gathered.sql.push(sql),
  });
  if (outcome.kind === 'done') {
    gathered.acts.push(outcome.report);
    for (const note of outcome.notes) gathered.notes.add(note);
    return true;
  }
  for (const conflict of outcome.conflicts) {
    const choice = decisionFor(order.decisions, conflict.table, null);
    addConflict(gathered, { ...conflict, choice: choice === 'skip' ? choice : null });
  }
  return gathered.undecided === 0;
}

/** Read by the drain; with UNDO_ITEMS_MAX items exactly the 63 bytes that a session's name may have. */
function nameOf({ chosen, run }: UndoOrder): string {
  const more = chosen.length > 1 ? ` +${chosen.length - 1}` : '';
  return `holdfast undo ${chosen[0]?.item.id ?? ''}${more}${run === undefined ? '' : ` ${run}`}`;
}

function reportOf(order: UndoOrder, gathered: Gathered): UndoReport {
  const isNarrowed = order.tables !== null || order.key.length > 0;
  return {
    items: order.chosen.map(({ item }) => item.id),
    tables: gathered.tables,
    acts: gathered.acts,
    conflicts: gathered.conflicts,
    conflictsTotal: gathered.conflictsTotal,
    undecided: gathered.undecided,
    notes: [...gathered.notes],
    sql: gathered.sql,
    isWhole: !isNarrowed && gathered.undecided === 0 && gathered.skipped === 0,
  };
}

/** What a person can act on; the rest stays the server's own error. */
function explained(error: unknown): unknown {
  if (!(error instanceof pg.DatabaseError)) return error;
  if (error.code === '55P03') {
    return new HoldfastError('HF_UNDO_STATE', {
      expected: 'to lock the tables to be undone',
      found: `somebody at work in them: ${error.message}`,
      hint: 'Nothing was changed. Try again when that transaction has ended.',
      cause: error,
    });
  }
  if (error.code === '42501') {
    return new HoldfastError('HF_UNDO_STATE', {
      expected: 'the admin of this target to be allowed to put rows back',
      found: error.message,
      hint: 'Nothing was changed. Use a superuser, or the owner of the tables with BYPASSRLS.',
      cause: error,
    });
  }
  return error;
}
