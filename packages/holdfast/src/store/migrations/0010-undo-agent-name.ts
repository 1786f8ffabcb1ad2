import type { Migration } from './migration.ts';

/**
 * People ask for an agent by its name, also when it has been removed since and another has its name; so
 * that is what the index leads with. Nobody asked by id, and an index that nobody reads costs the drain.
 */
export const undoAgentName: Migration = {
  name: '0010-undo-agent-name',
  sql: `
    drop index holdfast.undo_items_agent;
    create index undo_items_agent_name on holdfast.undo_items (agent_name, state, at, id);
  `,
};
