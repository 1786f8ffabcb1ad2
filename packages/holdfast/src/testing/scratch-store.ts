/** Our own schema on a scratch server, with as many ways to it as a test has gateways. */

import { systemClock } from '../model/clock.ts';
import { type Database, openDatabase } from '../store/database.ts';
import { migrate } from '../store/migrate.ts';
import { MIGRATIONS } from '../store/migrations/index.ts';
import { startScratchPostgres } from './scratch-postgres.ts';

export interface ScratchStore {
  readonly database: Database;
  /** One more pool on the same store, as another process would have. */
  another(): Promise<Database>;
  stop(): Promise<void>;
}

export async function startScratchStore(): Promise<ScratchStore> {
  const server = await startScratchPostgres();
  const opened: Database[] = [];
  const another = async (): Promise<Database> => {
    const database = await openDatabase({ connection: { url: server.url() }, poolSize: 10 });
    opened.push(database);
    return database;
  };
  const database = await another();
  await migrate(database, MIGRATIONS, systemClock);
  return {
    database,
    another,
    stop: async () => {
      await Promise.all(opened.map((one) => one.close()));
      await server.stop();
    },
  };
}
