import type { Migration } from './migration.ts';

export const agents: Migration = {
  name: '0016-agents',
  sql: `
    alter table holdfast.agents
      add column purpose text not null default '',
      -- Removed people keep their row, so an owner who left is still found, and said to have left.
      add column owner_id text references holdfast.people (id),
      -- Empty: whichever its tokens name.
      add column environments text[] not null default '{}',
      add column targets text[] not null default '{}',
      -- Null: each kind.
      add column effect_kinds text[],
      -- Null: always. What cannot be read opens never.
      add column working_hours text,
      add column expires_at timestamptz,
      -- Set when it is added, and never changed: a circle cannot come about.
      add column parent_id text references holdfast.agents (id),
      add column paused_at timestamptz,
      add column paused_by text,
      add column paused_note text,
      add constraint agents_parent check (parent_id <> id),
      add constraint agents_paused check ((paused_at is null) = (paused_by is null));
    create index agents_below on holdfast.agents (parent_id) where parent_id is not null;

    -- When and from where it was last used; written in turns, not with each use.
    alter table holdfast.tokens
      add column last_used_at timestamptz,
      add column last_source text,
      add column last_protocol text;
  `,
};
