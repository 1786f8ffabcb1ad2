import type { Migration } from './migration.ts';

export const signIn: Migration = {
  name: '0018-sign-in',
  sql: `
    alter table holdfast.passkeys
      add column if not exists mac text,
      -- The counter went back: of two that say they are this one, one is a copy.
      add column suspended_at timestamptz;

    alter table holdfast.people
      -- By break-glass; over by itself.
      add column owner_until timestamptz;

    -- The first owner has no name yet when the link is made.
    alter table holdfast.invites alter column person_id drop not null;
    create index invites_person on holdfast.invites (person_id) where used_at is null;

    create index sso_identities_person on holdfast.sso_identities (person_id);

    -- A command line that asks to be let in. Both secrets are nowhere.
    create table holdfast.device_requests (
      id text primary key,
      secret_hash bytea not null unique,
      user_code_hash bytea not null unique,
      machine text not null,
      source text not null,
      user_agent text not null,
      asked_at timestamptz not null,
      expires_at timestamptz not null,
      decided_at timestamptz,
      -- Null beside decided_at: turned away.
      person_id text references holdfast.people (id)
    );
    create index device_requests_due on holdfast.device_requests (expires_at);
  `,
};
