import type { Migration } from './migration.ts';

/** The trail: head, entries, checkpoints, and the instances that write them. */
export const trail: Migration = {
  name: '0003-trail',
  sql: `
    create table holdfast.trail_head (
      id boolean primary key default true check (id),
      size bigint not null check (size >= 0),
      frontier bytea not null
    ) with (fillfactor = 10);

    insert into holdfast.trail_head (size, frontier) values (0, '');

    create table holdfast.trail_entry (
      index bigint primary key,
      kind text not null,
      decision_index bigint,
      instance_id text not null,
      bytes bytea not null
    );

    -- The store's own word on "exactly one outcome per decision".
    create unique index trail_entry_outcome on holdfast.trail_entry (decision_index)
    where decision_index is not null;

    create table holdfast.trail_checkpoint (
      size bigint primary key,
      frontier bytea not null,
      note text not null
    );

    create table holdfast.instance (
      id text primary key,
      lock_key integer generated always as identity unique,
      trail_size bigint not null,
      gone_at timestamptz,
      settled_at timestamptz
    );
  `,
};
