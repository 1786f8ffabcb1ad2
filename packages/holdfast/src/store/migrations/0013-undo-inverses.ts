/** Undo items whose act was a provider's: what takes them back is the state before, sealed. */
import type { Migration } from './migration.ts';

export const undoInverses: Migration = {
  name: '0013-undo-inverses',
  sql: `
    create table holdfast.undo_inverses (
      -- No reference, as everywhere in the vault (0009): one transaction writes both.
      item_id text primary key,
      provider text not null,
      -- Written before the act is sent; until somebody says what came of it, nobody knows.
      happened text not null default 'unknown' check (happened in ('done', 'failed', 'unknown')),
      -- The key is not in here. Null: it was purged.
      sealed bytea
    );
  `,
};
