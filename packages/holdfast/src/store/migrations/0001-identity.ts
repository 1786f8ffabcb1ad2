import type { Migration } from './migration.ts';

export const identity: Migration = {
  name: '0001-identity',
  sql: `
    create table holdfast.agents (
      id text primary key,
      name text not null unique,
      salt bytea not null,
      added_at timestamptz not null
    );

    -- The token itself is nowhere: only what checks it.
    create table holdfast.tokens (
      id text primary key,
      agent_id text not null references holdfast.agents (id),
      token_hash bytea not null unique,
      stored_key bytea not null,
      server_key bytea not null,
      environment text not null,
      targets text[] not null,
      issued_at timestamptz not null,
      expires_at timestamptz not null,
      revoked_at timestamptz
    );
    create index tokens_live on holdfast.tokens (agent_id, expires_at) where revoked_at is null;

    -- Values that every process on this store must share (the key of made-up salts).
    create table holdfast.secrets (
      name text primary key,
      value bytea not null
    );

    create table holdfast.people (
      id text primary key,
      name text not null,
      totp_sealed bytea not null,
      added_at timestamptz not null,
      confirmed_at timestamptz,
      removed_at timestamptz,
      failures integer not null default 0,
      paused_until timestamptz,
      last_step bigint not null default -1
    );
    -- Who lost a phone is removed and added again; signatures of the former row no longer count.
    create unique index people_name on holdfast.people (name) where removed_at is null;
  `,
};
