/** A purge that people have signed (approvals/proposed-act.ts, `purge`): before its time, and never at once. */
import { z } from 'zod';
import { PURGE_CANCEL_MS } from '../../model/limits.ts';
import type { Target } from '../../model/target.ts';
import type { UndoItem } from '../undo-item.ts';
import type { UndoStore } from '../undo-store.ts';

const PURGE_FACTS = z.object({ items: z.array(z.string()) });

/** What a signed `purge` does: the items are due after a time in which that can be cancelled. */
export function purgeRunner(
  store: UndoStore,
): (act: { readonly facts: unknown }) => Promise<string> {
  return async ({ facts }) => {
    const { items } = PURGE_FACTS.parse(facts);
    const changed = await store.requestPurge(items, PURGE_CANCEL_MS);
    return `${changed} of ${items.length} item(s) will be purged after ${PURGE_CANCEL_MS / 60_000} minutes of watched time.`;
  };
}

/** What people sign: the ids, and in words what goes for good. */
export function purgeAct(items: readonly UndoItem[], target: Target) {
  const rows = items.reduce(
    (sum, { parts }) => sum + parts.reduce((of, part) => of + part.rows, 0),
    0,
  );
  const names = [...new Set(items.flatMap(({ parts }) => parts.map(({ name }) => name)))];
  return {
    kind: 'purge',
    target,
    facts: { items: items.map(({ id }) => id).sort() },
    words:
      `Purge ${items.length} undo item(s) of ${target.name} with ${rows} kept row(s) before their time: ` +
      `${names.join(', ')}. After ${PURGE_CANCEL_MS / 60_000} minutes they cannot be taken back any more.`,
    reason: 'Undo data that goes before its time leaves nothing to take a mistake back with.',
  } as const;
}
