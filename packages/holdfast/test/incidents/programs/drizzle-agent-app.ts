/**
 * The whole schema of a second app, which shares the database with the shop. `drizzle-kit push` makes
 * the database equal to it: what the file does not name is dropped.
 */
import { integer, pgTable, text } from 'drizzle-orm/pg-core';

export const agentSettings = pgTable('agent_settings', {
  key: text('key').primaryKey(),
  value: text('value'),
  count: integer('count'),
});
