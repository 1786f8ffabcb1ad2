/** What was written of each table and what was not, into the report. */
import { decisionFor } from '../../undo/undo-report.ts';
import { readConflicts } from './conflict-rows.ts';
import { bagConflicts } from './keyless.ts';
import type { Planned, RowsWork } from './work.ts';
import { GOES, type Written } from './write.ts';

export async function reportRows(
  { session, gathered, order }: RowsWork,
  planned: readonly Planned[],
  written: ReadonlyMap<Planned, Written>,
): Promise<void> {
  for (const one of planned) {
    const { inserted, updated, deleted } = written.get(one) ?? NOTHING;
    const base = {
      table: one.table.shown,
      insertedBack: inserted,
      changedBack: updated,
      removedAgain: deleted,
    };
    if (one.kind === 'keyless') {
      const choice = decisionFor(order.decisions, one.table.shown, null);
      const { total, shown } = await bagConflicts(session, one.bag, choice);
      gathered.conflicts.push(...shown);
      gathered.conflictsTotal += total;
      if (choice === null) gathered.undecided += total;
      if (choice === 'skip') gathered.skipped += total;
      gathered.tables.push({ ...base, already: 0, leftOut: written.has(one) ? 0 : total });
      continue;
    }
    const [counts] = await session.query(
      `select count(*) filter (where p.act = 'n')::int as already,
              count(*) filter (where p.act <> 'n' and not ${GOES})::int as left_out,
              count(*) filter (where p.choice = 'skip')::int as skipped,
              count(p.conflict)::int as conflicts from ${one.net.plan} p`,
    );
    gathered.skipped += Number(counts?.['skipped'] ?? 0);
    if (Number(counts?.['conflicts'] ?? 0) > 0) {
      const list = await readConflicts(session, one.net, one.way?.table ?? null);
      gathered.conflicts.push(...list.shown);
      gathered.conflictsTotal += list.total;
      gathered.undecided += list.undecided;
    }
    gathered.tables.push({
      ...base,
      already: Number(counts?.['already'] ?? 0),
      leftOut: Number(counts?.['left_out'] ?? 0),
    });
  }
}

const NOTHING: Written = { inserted: 0, updated: 0, deleted: 0 };
