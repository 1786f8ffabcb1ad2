/** What the demo reports. Every number in it was measured in this run. */
import type { TimedAnswer } from './agent/hands.ts';
import type { RowCounts } from './world/measure.ts';
import type { VolumeLook } from './world/railway.ts';

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

interface BeforeAndAfter {
  readonly before: VolumeLook;
  readonly after: VolumeLook;
}

/** The incident's own request, in both worlds. */
export interface RailwayReport {
  /** As it was sent, without the token. */
  readonly request: string;
  readonly hosts: readonly string[];
  readonly unguarded: BeforeAndAfter;
  readonly guarded: BeforeAndAfter;
  /** The token that lay about. */
  readonly refused: { readonly code: string };
  /** Of the hold: what people were shown before they signed. */
  readonly card: {
    readonly hold: string;
    readonly target: string;
    readonly environment: string;
    readonly foundBy: string;
    /** Why each effect matters: what dies with it. */
    readonly effects: readonly string[];
  };
  readonly approvedBy: readonly string[];
  /** `hours`: until it would have run. */
  readonly deferral: { readonly id: string; readonly hours: number };
  readonly cancelled: boolean;
  /** Mutations that ran in the guarded world. */
  readonly changes: readonly string[];
  /** From the first byte of the first request to the answer that it is held. */
  readonly secondsToHold: number;
}

/** How production could be brought back, as Holdfast itself tells it. */
export interface RecoveryReport {
  readonly colour: string;
  /** Why it is no better. */
  readonly because: readonly string[];
  readonly doesNotProtectFrom: readonly string[];
  readonly points: number;
  /** Null: none was made. `checks`: what it looked at, and found. */
  readonly drill: { readonly verdict: string; readonly checks: readonly string[] } | null;
  readonly wouldLoseMs: number | null;
  readonly wouldTakeMs: number | null;
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
  readonly railway: RailwayReport;
  readonly recovery: RecoveryReport;
  /** As in `railway`. The incident took nine. */
  readonly secondsToHold: number;
}

export interface BothRows {
  readonly before: RowCounts;
  readonly unguarded: RowCounts;
  readonly guarded: RowCounts;
}

/** What was promised and did not happen; empty when all is well. */
export function shortfalls(report: DemoReport): string[] {
  const { guarded, acts, around, ordinary, railway, recovery, trail, undo } = report;
  const waited = ordinary.filter((work) => work.guarded.answer.kind !== 'done');
  const failed = acts.filter((act) => act.guarded.answer.kind === 'failed');
  const captured = guarded.captured + around.captured.length;
  return [
    ...(guarded.rowsAfter === guarded.rowsBefore ? [] : ['the guarded database lost rows']),
    ...(guarded.contentUnchanged ? [] : ['the guarded database was changed']),
    ...volumeShortfalls(railway),
    ...failed.map((act) => `this was neither held nor kept for undo: ${act.path}`),
    ...waited.map((work) => `ordinary work did not pass: ${work.title}`),
    ...(around.refused.length > 0 ? [] : ['the wall refused nothing']),
    ...(undo.items === captured
      ? []
      : [`${captured} acts passed, but the undo list had ${undo.items}`]),
    ...(undo.undone ? [] : ['what passed was not undone']),
    ...(recovery.drill?.verdict === 'passed' ? [] : ['no recovery point was shown to come back']),
    ...(trail.verified ? [] : ['the trail did not verify']),
  ];
}

function volumeShortfalls(railway: RailwayReport): string[] {
  const { guarded, card } = railway;
  const isKept =
    guarded.after.rows === guarded.before.rows && guarded.after.backups === guarded.before.backups;
  return [
    ...(isKept ? [] : ['the guarded volume lost data or backups']),
    ...(railway.changes.length === 0 ? [] : [`Railway carried out ${railway.changes.join(', ')}`]),
    ...(railway.refused.code === 'HF_CREDENTIAL_FOREIGN' ? [] : ['the found token was accepted']),
    ...(card.environment === 'production' ? [] : ['the card did not name production']),
    ...(railway.cancelled ? [] : ['the deferral was not cancelled']),
  ];
}
