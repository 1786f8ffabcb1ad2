/** The desk app, second version: a column, an index, a table with a foreign key and an enum more. */
import { index, integer, pgEnum, pgTable, serial, text, timestamp } from 'drizzle-orm/pg-core';

export const kind = pgEnum('desk_kind', ['quiet', 'loud']);

export const rooms = pgTable(
  'desk_rooms',
  {
    id: serial('id').primaryKey(),
    name: text('name').notNull(),
    floor: integer('floor').default(0).notNull(),
  },
  (table) => [index('desk_rooms_floor').on(table.floor)],
);

export const bookings = pgTable('desk_bookings', {
  id: serial('id').primaryKey(),
  roomId: integer('room_id')
    .notNull()
    .references(() => rooms.id, { onDelete: 'cascade' }),
  kind: kind('kind').default('quiet').notNull(),
  at: timestamp('at', { withTimezone: true }).defaultNow().notNull(),
});
