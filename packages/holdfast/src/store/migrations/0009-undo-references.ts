import type { Migration } from './migration.ts';

/**
 * References between the vault's tables cost more than half of what it does for a small transaction: one
 * look and one lock for each row written. They refused nothing: all rows of an item are written by one
 * statement list in one transaction, by ids that the same transaction made, and no item or shape is ever deleted.
 */
export const undoReferences: Migration = {
  name: '0009-undo-references',
  sql: `
    alter table holdfast.undo_parts drop constraint undo_parts_item_id_fkey;
    alter table holdfast.undo_entries
      drop constraint undo_entries_item_id_fkey, drop constraint undo_entries_shape_fkey;
    alter table holdfast.undo_chunks drop constraint undo_chunks_item_id_fkey;
  `,
};
