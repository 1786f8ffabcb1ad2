import type { Migration } from './migration.ts';

export const walls: Migration = {
  name: '0007-walls',
  sql: `
    -- Targets that people have protected and not unprotected: a wall that is gone, and is still in here,
    -- was taken down by somebody.
    create table holdfast.walls (
      target text primary key,
      raised_at timestamptz not null
    );
  `,
};
