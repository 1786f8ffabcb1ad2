/** What is ordered of an undo, what its parts hand to each other, and what is gathered on the way. */
import type { TargetSession } from '../../target-database.ts';
import type { ChosenItem, RowsSegment } from '../../undo/segments.ts';
import type {
  ActReport,
  Decision,
  TableReport,
  UndoConflict,
  UndoReport,
} from '../../undo/undo-report.ts';
import type { UndoProgress } from '../../undo/undos.ts';
import type { UndoStore } from '../../undo-store.ts';
import type { CurrentTable } from './current-table.ts';
import type { Keyless } from './keyless.ts';
import type { Net } from './net.ts';
import type { Way } from './unique.ts';

export interface UndoOrder {
  readonly chosen: readonly ChosenItem[];
  /** `public.bookings`; null: all. Acts are part of it only when nothing is narrowed. */
  readonly tables: readonly string[] | null;
  /** `id` = `42`; every one must be a column of the key. */
  readonly key: readonly { readonly name: string; readonly value: string }[];
  readonly decisions: readonly Decision[];
  /** `preview` looks and compares, without locks and without writing: it is true of its moment. */
  readonly mode: 'apply' | 'preview';
  /** `run_...`: stands in the name of the session, and so in the item this undo becomes. */
  readonly run?: string;
  /** Everything is written and nothing is committed yet. */
  readonly beforeCommit?: (report: UndoReport) => Promise<void>;
  readonly onProgress?: (progress: UndoProgress) => void;
}

/** What is gathered on the way; one per try of the transaction. */
export interface Gathered {
  readonly tables: TableReport[];
  readonly acts: ActReport[];
  readonly conflicts: UndoConflict[];
  readonly notes: Set<string>;
  readonly sql: string[];
  conflictsTotal: number;
  undecided: number;
  skipped: number;
}

export function addConflict(gathered: Gathered, conflict: UndoConflict): void {
  gathered.conflicts.push(conflict);
  gathered.conflictsTotal += 1;
  if (conflict.choice === null) gathered.undecided += 1;
  if (conflict.choice === 'skip') gathered.skipped += 1;
}

export function nothing(): Gathered {
  return {
    tables: [],
    acts: [],
    conflicts: [],
    notes: new Set(),
    sql: [],
    conflictsTotal: 0,
    undecided: 0,
    skipped: 0,
  };
}

export interface RowsWork {
  readonly session: TargetSession;
  readonly store: UndoStore;
  readonly order: UndoOrder;
  readonly gathered: Gathered;
  readonly segment: RowsSegment;
  /** Of the segment; makes the names of temp tables distinct. */
  readonly at: number;
  /** Chunks may hold rows of other segments, or several transactions are chosen. */
  readonly isPart: boolean;
}

/** A table with its plan. */
export type Planned =
  | {
      readonly kind: 'keyed';
      readonly table: CurrentTable;
      readonly net: Net;
      readonly way: Way | null;
    }
  | { readonly kind: 'keyless'; readonly table: CurrentTable; readonly bag: Keyless };

export type Tell = (phase: UndoProgress['phase'], rows: number) => void;

/** Of a table as a whole. */
export function tableConflict(
  kind: UndoConflict['kind'],
  table: string,
  about: string,
  choice: UndoConflict['choice'],
): UndoConflict {
  return {
    kind,
    table,
    key: null,
    about,
    kept: null,
    now: null,
    choice,
    choices: ['theirs', 'skip'],
  };
}
