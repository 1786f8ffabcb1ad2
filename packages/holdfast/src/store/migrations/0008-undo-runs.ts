import type { Migration } from './migration.ts';

/** Which items an undo was to take back, so that undoing it restores them, and a crash is found out. */
export const undoRuns: Migration = {
  name: '0008-undo-runs',
  sql: `
    create table holdfast.undo_runs (
      id text primary key,
      target text not null,
      items text[] not null check (cardinality(items) > 0),
      -- Written before the target's commit; whether that came about, the vault's item of the run says.
      is_whole boolean not null default false,
      is_settled boolean not null default false
    );
    create index undo_runs_unsettled on holdfast.undo_runs using gin (items)
      where is_whole and not is_settled;
    create index undo_items_undo_of on holdfast.undo_items (undo_of) where undo_of is not null;
  `,
};
