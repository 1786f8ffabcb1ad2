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

export interface CapturedAct {
  readonly path: string;
  readonly sql: string;
  /** As the client was told. */
  readonly rows: number;
}

/** What a session did that never saw the gateway. */
export interface AroundReport {
  readonly refused: readonly RefusedAct[];
  /** What the login may do; the old rows were kept. */
  readonly captured: readonly CapturedAct[];
}

/** What one `holdfast undo apply` took back. */
export interface UndoReport {
  /** Something was changed, and now every column of every row is as before. */
  readonly undone: boolean;
  /** Committed transactions that were taken back. */
  readonly items: number;
  readonly actors: readonly {
    readonly who: string;
    readonly items: number;
    readonly rows: number;
  }[];
  readonly rowsBefore: number;
  readonly rowsLost: number;
  readonly rowsAfter: number;
  /** Over every column of every row of every table. */
  readonly checksumBefore: string;
  readonly checksumLost: string;
  readonly checksumAfter: string;
  readonly seconds: number;
}

export interface DemoReport {
  readonly unguarded: WorldReport;
  /** `held`: acts that wait for a person. `captured`: acts that passed with the old rows kept. */
  readonly guarded: WorldReport & {
    readonly level: string;
    readonly held: number;
    readonly captured: number;
  };
  readonly trail: { readonly verified: boolean; readonly entries: number };
  readonly seconds: number;
  readonly ordinary: readonly OrdinaryReport[];
  readonly acts: readonly ActReport[];
  readonly around: AroundReport;
  readonly undo: UndoReport;
}

export interface BothRows {
  readonly before: RowCounts;
  readonly unguarded: RowCounts;
  readonly guarded: RowCounts;
}

/** What was promised and did not happen; empty when all is well. */
export function shortfalls(report: DemoReport): string[] {
  const { guarded, acts, around, ordinary, trail, undo } = report;
  const waited = ordinary.filter((work) => work.guarded.answer.kind !== 'done');
  const failed = acts.filter((act) => act.guarded.answer.kind === 'failed');
  const captured = guarded.captured + around.captured.length;
  return [
    ...(guarded.rowsAfter === guarded.rowsBefore ? [] : ['the guarded database lost rows']),
    ...(guarded.contentUnchanged ? [] : ['the guarded database was changed']),
    ...failed.map((act) => `this was neither held nor kept for undo: ${act.path}`),
    ...waited.map((work) => `ordinary work did not pass: ${work.title}`),
    ...(around.refused.length > 0 ? [] : ['the wall refused nothing']),
    ...(undo.items === captured
      ? []
      : [`${captured} acts passed, but the undo list had ${undo.items}`]),
    ...(undo.undone ? [] : ['what passed was not undone']),
    ...(trail.verified ? [] : ['the trail did not verify']),
  ];
}
