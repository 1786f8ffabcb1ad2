import type { Migration } from './migration.ts';

/** What a person's word binds, and the proof of it at rest. What stood open before is void: nobody signed so much. */
export const bindings: Migration = {
  name: '0015-bindings',
  sql: `
    alter table holdfast.holds
      drop constraint holds_state_check,
      add constraint holds_state_check
        check (state in ('waiting', 'signed', 'denied', 'consumed', 'expired', 'void')),
      add column policy_version text,
      add column effects_hash text check (effects_hash ~ '^[0-9a-f]{64}$'),
      -- CardFacts; what was looked up at the target before people were asked.
      add column facts jsonb,
      add column rows_at_most bigint check (rows_at_most >= 0),
      add column approval_until timestamptz,
      add column task text,
      add column owner_id text,
      add column typed_name text,
      -- {personId, method, challenge, at, mac, assertion}; of a denial.
      add column denial jsonb;

    alter table holdfast.signatures
      drop constraint signatures_method_check,
      add constraint signatures_method_check check (method in ('totp', 'passkey')),
      -- The challenge of the binding that was signed.
      add column binding text check (binding ~ '^[0-9a-f]{64}$'),
      -- {mac, assertion}: the MAC is under a key that is not in this database.
      add column proof jsonb,
      add column comment text not null default '';

    -- Under the same key; a passkey without it was not enrolled by Holdfast, and signs nothing.
    alter table holdfast.passkeys add column mac text;
  `,
};
