import type { Migration } from './migration.ts';

/**
 * Gap rebuilds: what was proposed, once and never changed; and a journal that is only ever added to, of what
 * people chose in it and of the batches that went into a copy or into the live target.
 */
export const rebuilds: Migration = {
  name: '0027-rebuilds',
  sql: `
    create table holdfast.rebuilds (
      id text primary key,
      target text not null,
      proposed_at timestamptz not null,
      proposed_by text not null,
      -- Canonical JSON, gzip; the SHA-256 is of the JSON.
      proposal bytea not null,
      proposal_sha256 text not null,
      -- Table, files, counts, the copy, the moment: canonical JSON, which the MAC covers as it is.
      facts text not null,
      mac text not null
    );
    create index rebuilds_newest on holdfast.rebuilds (proposed_at desc, id desc);

    create table holdfast.rebuild_entries (
      rebuild_id text not null references holdfast.rebuilds (id),
      -- 1 for the first; no gaps.
      number integer not null check (number > 0),
      -- Canonical JSON.
      said text not null,
      -- Over this entry and the MAC of the one before it.
      mac text not null,
      primary key (rebuild_id, number)
    );
  `,
};
