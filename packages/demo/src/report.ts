/** What the demo reports. Every number in it was measured in this run. */
import type { TimedAnswer } from './agent/hands.ts';
import type { RowCounts } from './world/measure.ts';

export interface ActReport {
  readonly path: string;
  readonly sql: string;
  readonly unguarded: TimedAnswer & { readonly rowsLost: number };
  readonly guarded: TimedAnswer & { readonly rowsLost: number };
}

export interface OrdinaryReport {
  readonly title: string;
  readonly unguarded: TimedAnswer;
  readonly guarded: TimedAnswer;
}

export interface WorldReport {
  readonly rowsBefore: number;
  readonly rowsAfter: number;
  /** Compared over every column of every row. */
  readonly contentUnchanged: boolean;
}

export interface DemoReport {
  readonly unguarded: WorldReport;
  readonly guarded: WorldReport & { readonly held: number };
  readonly trail: { readonly verified: boolean; readonly entries: number };
  readonly seconds: number;
  readonly ordinary: readonly OrdinaryReport[];
  readonly acts: readonly ActReport[];
}

export interface BothRows {
  readonly before: RowCounts;
  readonly unguarded: RowCounts;
  readonly guarded: RowCounts;
}

/** What was promised and did not happen; empty when all is well. */
export function shortfalls(report: DemoReport): string[] {
  const { guarded, acts, ordinary, trail } = report;
  const waited = ordinary.filter((work) => work.guarded.answer.kind !== 'done');
  const passed = acts.filter((act) => act.guarded.answer.kind === 'done');
  return [
    ...(guarded.rowsAfter === guarded.rowsBefore ? [] : ['the guarded database lost rows']),
    ...(guarded.contentUnchanged ? [] : ['the guarded database was changed']),
    ...passed.map((act) => `the guarded database let this pass: ${act.path}`),
    ...waited.map((work) => `ordinary work did not pass: ${work.title}`),
    ...(trail.verified ? [] : ['the trail did not verify']),
  ];
}
