/**
 * The data source for TypeORM's command line (`-d`): `schema:drop`, `schema:sync`, `migration:run`.
 * TYPEORM_VERSION=2 is the app a release later: a column, an index and an entity more.
 */
import { DataSource, EntitySchema } from 'typeorm';
import { AddTickets1760000000000, RenameTickets1760000000001 } from './typeorm-migrations.mjs';

const second = process.env.TYPEORM_VERSION === '2';

const Ticket = new EntitySchema({
  name: 'Ticket',
  tableName: 'help_tickets',
  columns: {
    id: { type: Number, primary: true, generated: true },
    title: { type: String, length: 200 },
    opened: { type: 'timestamptz', createDate: true },
    ...(second ? { urgency: { type: Number, default: 0 } } : {}),
  },
  ...(second ? { indices: [{ name: 'help_tickets_urgency', columns: ['urgency'] }] } : {}),
});

const Answer = new EntitySchema({
  name: 'Answer',
  tableName: 'help_answers',
  columns: {
    id: { type: 'uuid', primary: true, generated: 'uuid' },
    words: { type: 'text' },
    mood: { type: 'enum', enum: ['calm', 'loud'], default: 'calm' },
  },
  relations: {
    ticket: { type: 'many-to-one', target: 'Ticket', onDelete: 'CASCADE' },
  },
});

export const source = new DataSource({
  type: 'postgres',
  url: process.env.DATABASE_URL,
  entities: second ? [Ticket, Answer] : [Ticket],
  migrations: [AddTickets1760000000000, RenameTickets1760000000001],
  migrationsTableName: 'typeorm_migrations',
  extra: { max: 2 },
});
