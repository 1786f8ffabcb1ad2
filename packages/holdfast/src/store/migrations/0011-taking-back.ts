/** What people are shown of a hold: how far its target was protected, and how it would be taken back. */
import type { Migration } from './migration.ts';

export const takingBack: Migration = {
  name: '0011-taking-back',
  sql: `
    -- {level, reversal, reason}; null for what was opened before, and for proposals of people.
    alter table holdfast.holds add column taking_back jsonb;
  `,
};
