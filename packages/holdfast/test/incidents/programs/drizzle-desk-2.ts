/** The desk app, second version: a column, an index and a table with a foreign key more. */
import { index, integer, pgSchema, serial, text, timestamp } from 'drizzle-orm/pg-core';

export const desk = pgSchema('desk');

export const rooms = desk.table(
  'rooms',
  {
    id: serial('id').primaryKey(),
    name: text('name').notNull(),
    floor: integer('floor').default(0).notNull(),
  },
  (table) => [index('rooms_floor').on(table.floor)],
);

export const bookings = desk.table('bookings', {
  id: serial('id').primaryKey(),
  roomId: integer('room_id')
    .notNull()
    .references(() => rooms.id, { onDelete: 'cascade' }),
  at: timestamp('at', { withTimezone: true }).defaultNow().notNull(),
});
