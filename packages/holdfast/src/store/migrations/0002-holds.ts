import type { Migration } from './migration.ts';

export const holds: Migration = {
  name: '0002-holds',
  sql: `
    create table holdfast.holds (
      id text primary key,
      digest text not null check (digest ~ '^[0-9a-f]{64}$'),
      state text not null
        check (state in ('waiting', 'signed', 'denied', 'consumed', 'expired')),
      people_needed integer not null check (people_needed >= 1),
      rule text not null,
      reason text not null,
      statement text not null,
      effects jsonb not null,
      effects_total integer not null,
      could_not_tell text,
      target text not null,
      environment text not null,
      environment_level text not null,
      resolved_by text not null,
      agent_id text not null,
      agent_name text not null,
      token_id text not null,
      session_id text not null,
      source text not null,
      client text not null,
      opened_at timestamptz not null,
      expires_at timestamptz not null,
      decided_at timestamptz,
      -- A person's name, for a denial.
      decided_by text,
      note text,
      unique (id, digest)
    );
    -- One hold per digest stands at a time, whoever asks; a denied one stands for ever.
    create unique index holds_standing on holdfast.holds (digest)
      where state in ('waiting', 'signed', 'denied');
    create index holds_due on holdfast.holds (expires_at) where state in ('waiting', 'signed');
    create index holds_newest on holdfast.holds (opened_at desc, id desc);

    -- A signature names the digest it was given for; for another digest it cannot even be stored.
    create table holdfast.signatures (
      hold_id text not null,
      digest text not null,
      person_id text not null references holdfast.people (id),
      person_name text not null,
      method text not null check (method = 'totp'),
      signed_at timestamptz not null,
      primary key (hold_id, person_id),
      unique (hold_id, person_name),
      foreign key (hold_id, digest) references holdfast.holds (id, digest)
    );
  `,
};
