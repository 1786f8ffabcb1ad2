/**
 * Reads an ActRecord out of what a target's journal (or our own store) holds. A record that cannot be
 * read whole is never dropped and never stops the drain: it becomes one that says so, and undoes nothing.
 */
import { z } from 'zod';
import { TRASH_PREFIX } from './postgres/layout.ts';
import type { ActRecord } from './undo-item.ts';

const step = z.object({ about: z.string(), sql: z.string() });
const object = z.object({ type: z.string(), name: z.string() });

// Loose: what a newer `holdfast.run` adds is kept, not cut off.
const record = z.looseObject({
  verb: z.string(),
  statement: z.string(),
  objects: z.array(object),
  undo: z.array(step),
  redo: z.array(step),
  absent: z.array(object),
  trash: z.array(z.string()),
  trashOfUndo: z.array(z.string()).optional(),
  left: z.array(z.object({ about: z.string(), key: z.string(), state: z.string() })).optional(),
  notRestored: z.array(z.string()),
});

export function parseActRecord(value: unknown): ActRecord {
  const parsed = record.safeParse(value);
  if (parsed.success) return parsed.data;
  return {
    verb: 'UNREADABLE ACT',
    statement: JSON.stringify(value) ?? '',
    objects: [],
    undo: [],
    redo: [],
    absent: [],
    trash: [],
    notRestored: [
      `The target's record of this act cannot be read: ${z.prettifyError(parsed.error)}`,
    ],
  };
}

/** Whether a name can be a trash schema at all. A record that names another schema is not believed. */
export function isTrashName(name: string): boolean {
  return name.startsWith(TRASH_PREFIX) && /^\d+(_\d+)?$/.test(name.slice(TRASH_PREFIX.length));
}
