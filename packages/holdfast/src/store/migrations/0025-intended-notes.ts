import type { Migration } from './migration.ts';

/** What is about to be done and has to be in the trail afterwards, whatever happens between. */
export const intendedNotes: Migration = {
  name: '0025-intended-notes',
  sql: `
    create table holdfast.intended_notes (
      id text primary key,
      -- {kind, facts, message} as JSON text, for the trail when nobody can say whether it was done.
      event text not null,
      mac text not null,
      intended_at timestamptz not null
    );
    create index intended_notes_at on holdfast.intended_notes (intended_at);
  `,
};
