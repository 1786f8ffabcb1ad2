/** The desk app, first version, in a schema of its own (`schemaFilter`). */
import { pgSchema, serial, text } from 'drizzle-orm/pg-core';

export const desk = pgSchema('desk');

export const rooms = desk.table('rooms', {
  id: serial('id').primaryKey(),
  name: text('name').notNull(),
});
