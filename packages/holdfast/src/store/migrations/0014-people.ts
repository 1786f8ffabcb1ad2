import type { Migration } from './migration.ts';

export const people: Migration = {
  name: '0014-people',
  sql: `
    alter table holdfast.people
      add column roles text[] not null default '{approver}'
        check (roles <@ array['owner', 'approver', 'operator', 'auditor'] and cardinality(roles) >= 1),
      -- Who signs in by passkey or through another provider may have no one-time codes.
      alter column totp_sealed drop not null;
    -- Somebody has to keep the house: whoever came first.
    update holdfast.people set roles = '{owner}' where id = (
      select id from holdfast.people where removed_at is null
      order by confirmed_at is null, added_at, id limit 1);

    -- Public keys only. A credential id is the authenticator's, base64url (WebAuthn 2, section 5.1).
    create table holdfast.passkeys (
      credential_id text primary key,
      person_id text not null references holdfast.people (id),
      public_key bytea not null,
      counter bigint not null,
      rp_id text not null,
      label text not null,
      transports text[] not null,
      backed_up boolean not null,
      added_at timestamptz not null,
      last_used_at timestamptz,
      removed_at timestamptz
    );
    create index passkeys_person on holdfast.passkeys (person_id) where removed_at is null;

    -- What a browser or a command line shows us again; the secret itself is nowhere.
    create table holdfast.sessions (
      id text primary key,
      secret_hash bytea not null unique,
      person_id text not null references holdfast.people (id),
      kind text not null check (kind in ('browser', 'command-line')),
      -- SHA-256 of the device's own secret: one without the other opens nothing.
      device_hash bytea,
      method text not null,
      user_agent text not null,
      source text not null,
      opened_at timestamptz not null,
      last_used_at timestamptz not null,
      proved_at timestamptz not null,
      expires_at timestamptz not null,
      closed_at timestamptz
    );
    create index sessions_person on holdfast.sessions (person_id) where closed_at is null;

    create table holdfast.invites (
      id text primary key,
      secret_hash bytea not null unique,
      person_id text not null references holdfast.people (id),
      invited_by text not null,
      made_at timestamptz not null,
      expires_at timestamptz not null,
      used_at timestamptz
    );

    create table holdfast.recovery_codes (
      person_id text not null references holdfast.people (id),
      code_hash bytea not null,
      used_at timestamptz,
      primary key (person_id, code_hash)
    );

    create table holdfast.sso_identities (
      issuer text not null,
      subject text not null,
      person_id text not null references holdfast.people (id),
      linked_at timestamptz not null,
      primary key (issuer, subject)
    );

    -- What we asked a browser to answer: each is answered once, or never.
    create table holdfast.ceremonies (
      id text primary key,
      kind text not null,
      challenge text not null,
      facts jsonb not null,
      expires_at timestamptz not null
    );
    create index ceremonies_due on holdfast.ceremonies (expires_at);
  `,
};
