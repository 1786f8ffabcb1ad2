import type { Migration } from './migration.ts';

/** The way from an agent to its decisions, and to holds of the past. */
export const history: Migration = {
  name: '0019-history',
  sql: `
    -- An entry is canonical JSON, so that a decision begins with its agent: {"actor":{"id":"agent_...".
    -- Of the id these are all characters; of a shorter one what follows is in it as well, always the same.
    create index trail_entry_agent on holdfast.trail_entry
      (substring(bytes from 17 for 22), index desc) where kind = 'decision';

    create index holds_of_target on holdfast.holds (target, opened_at desc) where act_kind is null;
    create index holds_of_agent on holdfast.holds (agent_id, opened_at desc) where act_kind is null;
  `,
};
