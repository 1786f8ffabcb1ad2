/** From what is kept of changes at a provider to what an undo does with each value. Pure. */
import { type Inverse, type SlotChange, type StateValue, slotKey } from '../inverse.ts';
import type { UndoItem } from '../undo-item.ts';
import { type Choice, type Decision, decisionFor, type UndoReport } from './undo-report.ts';

export interface OpenedItem {
  readonly item: UndoItem;
  readonly inverse: Inverse;
}

/** Of several changes of one value: before the oldest, after the newest. */
interface NetChange extends SlotChange {
  /** Between two of the items somebody else set it. */
  readonly isBroken: boolean;
}

export interface SlotPlan extends SlotChange {
  readonly now: string | null;
  /** `left`: newer work stands there, and that was decided. */
  readonly does: 'set' | 'already' | 'left' | 'undecided';
  readonly conflict: 'changed' | 'gone' | 'recreated' | 'in-between' | null;
  readonly choice: Choice | null;
}

/** Newest first, as they are undone. */
export function netOf(items: readonly OpenedItem[]): readonly NetChange[] {
  const net = new Map<string, NetChange>();
  for (const { inverse } of items) {
    for (const change of inverse.changes) {
      const newer = net.get(slotKey(change));
      const isBroken = newer !== undefined && (newer.isBroken || newer.before !== change.after);
      const after = newer === undefined ? change.after : newer.after;
      net.set(slotKey(change), { ...change, after, isBroken });
    }
  }
  return [...net.values()];
}

export function comparedWith(
  net: readonly NetChange[],
  now: readonly StateValue[],
  decisions: readonly Decision[],
): readonly SlotPlan[] {
  const values = new Map(now.map((one) => [slotKey(one), one.value]));
  return net.map(({ isBroken, ...change }): SlotPlan => {
    const value = values.get(slotKey(change)) ?? null;
    const found = { ...change, now: value };
    if (value === change.before) return { ...found, does: 'already', conflict: null, choice: null };
    if (value === change.after && !isBroken) {
      return { ...found, does: 'set', conflict: null, choice: null };
    }
    const choice = decisionFor(decisions, change.title, null);
    const does = choice === null ? 'undecided' : choice === 'ours' ? 'set' : 'left';
    return { ...found, does, conflict: conflictOf(found, isBroken), choice };
  });
}

function conflictOf(
  { after, now }: { readonly after: string | null; readonly now: string | null },
  isBroken: boolean,
): SlotPlan['conflict'] {
  if (now === null) return 'gone';
  if (after === null) return 'recreated';
  return isBroken && now === after ? 'in-between' : 'changed';
}

/** In the words of every undo, and without a value: that may be a secret. */
export function reportOf(
  items: readonly UndoItem[],
  plan: readonly SlotPlan[],
  notes: readonly string[],
): UndoReport {
  const set = plan.filter(({ does }) => does === 'set');
  const already = plan.filter(({ does }) => does === 'already');
  const conflicts = plan.filter(({ conflict }) => conflict !== null);
  return {
    items: items.map(({ id }) => id),
    tables: [],
    acts: set.map((one) => ({ about: one.title, statement: stepOf(one), steps: [stepOf(one)] })),
    conflicts: conflicts.map(({ choice, conflict, title }) => ({
      kind: conflict ?? 'changed',
      table: title,
      key: null,
      about: ABOUT[conflict ?? 'changed'],
      kept: null,
      now: null,
      choice,
      choices: ['ours', 'theirs', 'skip'],
    })),
    conflictsTotal: conflicts.length,
    undecided: plan.filter(({ does }) => does === 'undecided').length,
    notes: [...already.map(({ title }) => `${title} stands there as it was before.`), ...notes],
    sql: set.map(stepOf),
    isWhole: plan.every(({ choice, does }) => does !== 'undecided' && choice !== 'skip'),
  };
}

const ABOUT: Readonly<Record<NonNullable<SlotPlan['conflict']>, string>> = {
  changed: 'somebody set another value since',
  gone: 'somebody removed it since',
  recreated: 'somebody set it again since',
  'in-between': 'somebody set it between the changes that are undone',
};

function stepOf({ before, title }: SlotPlan): string {
  return before === null ? `remove ${title}` : `set ${title} to the value it had before`;
}
