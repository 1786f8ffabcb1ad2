/** What an undo did, or would do: the words of a preview and of its entry in the trail. */
import { HoldfastError } from '../../model/errors.ts';

/**
 * Who wins where newer work stands: `ours` puts the kept row back over it, `theirs` lets it stand and
 * counts as settled, `skip` leaves it for another time (the item stays in the list).
 */
export const CHOICES = ['ours', 'theirs', 'skip'] as const;
export type Choice = (typeof CHOICES)[number];

/** A decision; the most specific one counts (key, then table, then all). */
export interface Decision {
  /** `public.bookings`; null: all tables. */
  readonly table: string | null;
  /** `id=42`, or `a=1,b=x`; null: all keys. */
  readonly key: string | null;
  readonly choice: Choice;
}

export const CONFLICT_KINDS = [
  'changed',
  'gone',
  'recreated',
  'in-between',
  'unique',
  'parent-missing',
  'dependents',
  'does-not-fit',
  'table-gone',
  'object-exists',
  'server',
] as const;
export type ConflictKind = (typeof CONFLICT_KINDS)[number];

/** A row as text by column; null is NULL. */
export type RowText = Readonly<Record<string, string | null>>;

export interface UndoConflict {
  readonly kind: ConflictKind;
  readonly table: string;
  readonly key: string | null;
  /** One sentence. */
  readonly about: string;
  /** What would be put back; null: the row would be removed. */
  readonly kept: RowText | null;
  /** What stands there now; null: nothing. */
  readonly now: RowText | null;
  readonly choice: Choice | null;
  /** `ours` is not among them where nothing could make it hold. */
  readonly choices: readonly Choice[];
}

export interface TableReport {
  readonly table: string;
  readonly insertedBack: number;
  readonly changedBack: number;
  readonly removedAgain: number;
  /** Stands there already as it was before. */
  readonly already: number;
  /** Left as it is by a decision, or because it is not decided. */
  readonly leftOut: number;
}

export interface ActReport {
  readonly about: string;
  readonly statement: string;
  readonly steps: readonly string[];
}

export interface UndoReport {
  readonly items: readonly string[];
  readonly tables: readonly TableReport[];
  readonly acts: readonly ActReport[];
  /** At most UNDO_CONFLICTS_SHOWN_MAX a table. */
  readonly conflicts: readonly UndoConflict[];
  readonly conflictsTotal: number;
  readonly undecided: number;
  /** What cannot come back, or comes back otherwise, in sentences. */
  readonly notes: readonly string[];
  /** The statements, in order. */
  readonly sql: readonly string[];
  /** Nothing was left out that the selection did not leave out itself. */
  readonly isWhole: boolean;
}

export function decisionFor(
  decisions: readonly Decision[],
  table: string,
  key: string | null,
): Choice | null {
  const fits = (wanted: Decision): boolean =>
    (wanted.table === null || wanted.table === table) &&
    (wanted.key === null || wanted.key === key);
  const weight = (one: Decision): number =>
    (one.key === null ? 0 : 2) + (one.table === null ? 0 : 1);
  const fitting = decisions.filter(fits).sort((one, other) => weight(other) - weight(one));
  return fitting[0]?.choice ?? null;
}

/** What is said when something is not decided. */
export function conflicting(undecided: number, report?: UndoReport): HoldfastError {
  return new HoldfastError('HF_UNDO_CONFLICT', {
    expected: 'every conflict to be decided',
    found: `${undecided} that are not; nothing was changed`,
    hint: 'Look with `holdfast undo preview`, then decide: --conflict theirs, --conflict TABLE=ours, --conflict TABLE:KEY=skip.',
    cause: report,
  });
}
