import type { Migration } from './migration.ts';

/**
 * The vault of undo data, and the ledger of watched time its clock is made of. Each index of the list
 * leads with what is asked for, then the state: a page of any filter is a range of one of them.
 */
export const undo: Migration = {
  name: '0004-undo',
  sql: `
    -- Advanced by the one process that holds the lock; it never goes back.
    create table holdfast.undo_ledger (
      id boolean primary key default true check (id),
      tick_ms bigint not null check (tick_ms >= 0)
    ) with (fillfactor = 10);
    insert into holdfast.undo_ledger (tick_ms) values (0);

    create table holdfast.undo_shapes (
      id bigint primary key generated always as identity,
      install text not null,
      shape_id bigint not null,
      -- A target set back to an older state gives shape ids out again.
      fingerprint text not null,
      shape jsonb not null,
      unique (install, shape_id, fingerprint)
    );

    create table holdfast.undo_items (
      id text primary key,
      target text not null,
      install text not null,
      txid text not null,
      fingerprint text not null,
      at timestamptz not null,
      role text not null,
      agent_id text,
      agent_name text,
      application text not null,
      undo_of text,
      state text not null check (state in ('kept', 'undone', 'purging', 'purged')),
      -- What a cancelled purge goes back to.
      state_before text not null default 'kept' check (state_before in ('kept', 'undone')),
      kept_until_tick_ms bigint not null,
      purge_at_tick_ms bigint,
      -- Set once the purge has begun: from then on there is no way back.
      purge_begun_tick_ms bigint,
      unique (install, txid, fingerprint),
      check ((state = 'purging') = (purge_at_tick_ms is not null))
    );
    create index undo_items_newest on holdfast.undo_items (state, at, id);
    create index undo_items_target on holdfast.undo_items (target, state, at, id);
    create index undo_items_agent on holdfast.undo_items (agent_id, state, at, id);
    create index undo_items_role on holdfast.undo_items (role, state, at, id);
    create index undo_items_due on holdfast.undo_items
      ((coalesce(purge_at_tick_ms, kept_until_tick_ms))) where state <> 'purged';

    create table holdfast.undo_parts (
      item_id text not null references holdfast.undo_items (id),
      place integer not null,
      op text not null check (op in ('D', 'U', 'I', 'T', 'X')),
      name text not null,
      rows bigint not null,
      primary key (item_id, place)
    );

    create table holdfast.undo_entries (
      item_id text not null references holdfast.undo_items (id),
      seq bigint not null,
      op text not null check (op in ('D', 'U', 'I', 'T', 'X')),
      rows bigint not null,
      shape bigint references holdfast.undo_shapes (id),
      act jsonb,
      primary key (item_id, seq)
    );

    create table holdfast.undo_chunks (
      item_id text not null references holdfast.undo_items (id),
      shape_id bigint not null,
      part integer not null,
      rows integer not null,
      is_gzip boolean not null,
      -- Of the bytes as they were before gzip.
      sha256 bytea not null,
      data bytea not null,
      primary key (item_id, shape_id, part)
    );
    -- Compressed already, or too small to be.
    alter table holdfast.undo_chunks alter column data set storage external;

    create table holdfast.undo_trash (
      target text not null,
      name text not null,
      item_id text not null references holdfast.undo_items (id),
      primary key (target, name, item_id)
    );
    create index undo_trash_item on holdfast.undo_trash (item_id);
  `,
};
