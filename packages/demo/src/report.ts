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

export interface RefusedAct {
  readonly path: string;
  readonly sql: string;
  /** PostgreSQL's own. */
  readonly words: string;
}

/** What a session did that never saw the gateway. */
export interface AroundReport {
  readonly refused: readonly RefusedAct[];
  /** Acts that the login may do; they were captured. */
  readonly passed: number;
  readonly rowsBefore: number;
  readonly rowsLost: number;
  readonly contentChanged: boolean;
  readonly rowsAfter: number;
  /** Something was changed, and now every column of every row is as before. */
  readonly undone: boolean;
}

export interface DemoReport {
  readonly unguarded: WorldReport;
  readonly guarded: WorldReport & { readonly held: number };
  readonly trail: { readonly verified: boolean; readonly entries: number };
  readonly seconds: number;
  readonly ordinary: readonly OrdinaryReport[];
  readonly acts: readonly ActReport[];
  /** Null: the target has no protection to show. */
  readonly around: AroundReport | null;
}

export interface BothRows {
  readonly before: RowCounts;
  readonly unguarded: RowCounts;
  readonly guarded: RowCounts;
}

/** What was promised and did not happen; empty when all is well. */
export function shortfalls(report: DemoReport): string[] {
  const { guarded, acts, around, ordinary, trail } = report;
  const waited = ordinary.filter((work) => work.guarded.answer.kind !== 'done');
  const passed = acts.filter((act) => act.guarded.answer.kind === 'done');
  return [
    ...(guarded.rowsAfter === guarded.rowsBefore ? [] : ['the guarded database lost rows']),
    ...(guarded.contentUnchanged ? [] : ['the guarded database was changed']),
    ...passed.map((act) => `the guarded database let this pass: ${act.path}`),
    ...waited.map((work) => `ordinary work did not pass: ${work.title}`),
    ...(around === null || around.refused.length > 0 ? [] : ['the wall refused nothing']),
    ...(around === null || around.undone ? [] : ['what went round the gateway was not undone']),
    ...(trail.verified ? [] : ['the trail did not verify']),
  ];
}
