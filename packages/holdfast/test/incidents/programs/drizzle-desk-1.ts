/** The desk app, first version: pushed with `--tablesFilter desk_*`, as apps that share a database do. */
import { pgTable, serial, text } from 'drizzle-orm/pg-core';

export const rooms = pgTable('desk_rooms', {
  id: serial('id').primaryKey(),
  name: text('name').notNull(),
});
