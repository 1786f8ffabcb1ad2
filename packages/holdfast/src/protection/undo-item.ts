/** What the one undo list holds, as the vault store gives it (docs/decisions/0006). */

import type { Happened } from './inverse.ts';

export type UndoState =
  /** Can be taken back. */
  | 'kept'
  /** Taken back, wholly. */
  | 'undone'
  /** A quorum wants it gone; can still be cancelled until `purgeAtTickMs`. */
  | 'purging'
  /** Its data is gone. */
  | 'purged';

/** D delete, U update, I insert, T truncate, X an act on structure. */
export type JournalOp = 'D' | 'U' | 'I' | 'T' | 'X';

/** One committed transaction of a target, or one act at a provider (`inverse`). */
export interface UndoItem {
  /** `undo_...`. */
  readonly id: string;
  readonly target: string;
  /** Id of the installation in the target, and the transaction there (xid8, as text). */
  readonly install: string;
  readonly txid: string;
  /** When its first captured statement ran, by the target's clock. */
  readonly at: Date;
  /** Login role; and the agent it belongs to, when it is an agent's. */
  readonly role: string;
  readonly agentId: string | null;
  readonly agentName: string | null;
  /** The client's own word (`application_name`). */
  readonly application: string;
  readonly state: UndoState;
  readonly parts: readonly UndoPart[];
  /** For an act at a provider: whose, and whether it came about; left out for a transaction. */
  readonly inverse?: { readonly provider: string; readonly happened: Happened };
  /** The item whose undo this transaction was; null for all others. */
  readonly undoOf: string | null;
  /** The ledger's tick, in ms, at which it may be purged. */
  readonly keptUntilTickMs: bigint;
  /** When a purge that was asked for begins; null unless `purging`. */
  readonly purgeAtTickMs: bigint | null;
}

/** What of one table (or one act) is in an item, summed up for lists. */
export interface UndoPart {
  readonly op: JournalOp;
  /** `public.bookings`, or for an act what it says of itself (`DROP TABLE public.bookings`). */
  readonly name: string;
  readonly rows: number;
}

/** One journal row, with what belongs to it. */
export interface UndoEntry {
  readonly seq: bigint;
  readonly op: JournalOp;
  readonly rows: number;
  readonly shape: TableShape | null;
  readonly act: ActRecord | null;
}

export interface TableShape {
  readonly shapeId: bigint;
  readonly tableOid: number;
  readonly schema: string;
  readonly table: string;
  readonly columns: readonly ShapeColumn[];
  /** attnums of the primary key, or of a unique index over NOT NULL columns; empty: none. */
  readonly key: readonly number[];
  /** True: rows are kept as one text column `whole`. */
  readonly isWhole: boolean;
}

export interface ShapeColumn {
  readonly attnum: number;
  readonly name: string;
  /** format_type of the column, and of what it is kept as. */
  readonly type: string;
  readonly kept: string;
  /** '' or 's' (stored), 'v' (virtual). */
  readonly generated: string;
  /** '' or 'a' (always), 'd' (by default). */
  readonly identity: string;
  readonly notNull: boolean;
}

export interface ActStep {
  readonly about: string;
  readonly sql: string;
}

export interface ActObject {
  readonly type: string;
  /** As PostgreSQL identifies it (pg_identify_object): quoted where it must be. */
  readonly name: string;
}

/** How an act on structure is taken back; `detail` of a journal row `X`. */
export interface ActRecord {
  readonly verb: string;
  readonly statement: string;
  readonly objects: readonly ActObject[];
  readonly undo: readonly ActStep[];
  readonly redo: readonly ActStep[];
  readonly absent: readonly ActObject[];
  readonly trash: readonly string[];
  /** What the undo of this act puts into the trash: what a CREATE made. */
  readonly trashOfUndo?: readonly string[] | undefined;
  /** Of a change of roles: what it set, to see what somebody set otherwise since. */
  readonly left?:
    | readonly { readonly about: string; readonly key: string; readonly state: string }[]
    | undefined;
  readonly notRestored: readonly string[];
}
