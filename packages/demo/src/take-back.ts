/**
 * The person's part: one command takes back everything that was done since the agent began, through the
 * gateway and round it, in one transaction. What came of it is counted, over every column of every row.
 */
import type { UndoReport } from './report.ts';
import type { Screen } from './screen/screen.ts';
import { stopwatch } from './stopwatch.ts';
import type { Measure, Picture } from './world/measure.ts';
import type { DemoProtection } from './world/protection.ts';

export async function takeBack(
  protection: DemoProtection,
  measure: Measure,
  before: Picture,
  since: string,
  screen: Screen,
): Promise<UndoReport> {
  const items = await protection.list(since);
  const by = new Map<string, { items: number; rows: number }>();
  for (const { who, rows } of items) {
    const sum = by.get(who) ?? { items: 0, rows: 0 };
    by.set(who, { items: sum.items + 1, rows: sum.rows + rows });
  }
  const actors = [...by].map(([who, sum]) => ({ who, ...sum }));
  screen.undoList(since, actors);
  const lost = await measure.picture();
  screen.personTypes(`holdfast undo apply --since ${since} --as ${protection.person}`);
  const took = stopwatch();
  await protection.undo(since);
  const seconds = Math.round(took() * 10) / 10;
  const after = await measure.picture();
  const report: UndoReport = {
    undone: after.checksum === before.checksum && lost.checksum !== before.checksum,
    items: items.length,
    actors,
    rowsBefore: before.total,
    rowsLost: before.total - lost.total,
    rowsAfter: after.total,
    checksumBefore: before.checksum,
    checksumLost: lost.checksum,
    checksumAfter: after.checksum,
    seconds,
  };
  screen.undone(report);
  return report;
}
