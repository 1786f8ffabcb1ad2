import type { Migration } from './migration.ts';

/** Requests that carried a key, so that the same one sent twice is done once. */
export const idempotency: Migration = {
  name: '0020-idempotency',
  sql: `
    create table holdfast.idempotency (
      -- SHA-256 of who asked and their key.
      key_hash bytea primary key,
      -- SHA-256 of what they asked.
      request_hash bytea not null,
      begun_at timestamptz not null,
      expires_at timestamptz not null,
      -- Null until it is answered.
      status integer,
      -- Null also when the answer is shown once and kept nowhere.
      answer text
    );
    create index idempotency_due on holdfast.idempotency (expires_at);
  `,
};
