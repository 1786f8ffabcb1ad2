import type { Migration } from './migration.ts';

export const credentials: Migration = {
  name: '0012-credentials',
  sql: `
    -- Real credentials of providers, sealed; the key is not in here.
    create table holdfast.credentials (
      name text primary key,
      sealed bytea not null,
      fingerprint text not null,
      added_at timestamptz not null
    );
  `,
};
