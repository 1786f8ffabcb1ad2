/** Sessions with a target, for reading; in replication mode when asked. Whoever asks closes it. */
import pg from 'pg';
import {
  type AdminConnection,
  clientConfigOf,
  openTargetDatabase,
} from '../protection/postgres/admin.ts';
import type { TargetDatabase } from '../protection/target-database.ts';

const CONNECT_MS_MAX = 10_000;

export type SessionMode = 'sql' | 'replication';

/** Rejects with what the server or the network said. */
export async function openSession(
  connection: AdminConnection,
  mode: SessionMode,
): Promise<pg.Client> {
  const config = { ...clientConfigOf(connection), connectionTimeoutMillis: CONNECT_MS_MAX };
  // The driver's types do not know it.
  const mine = mode === 'sql' ? {} : { replication: 'database' };
  const client = new pg.Client(Object.assign(config, mine));
  // Said to whoever waits for an answer.
  client.on('error', () => {});
  await client.connect();
  return client;
}

/** For some questions, one after the other; closed afterwards. */
export async function withDatabase<T>(
  { connection, target }: { readonly target: string; readonly connection: AdminConnection },
  work: (database: TargetDatabase) => Promise<T>,
): Promise<T> {
  const database = openTargetDatabase({ target, connection, poolSize: 1 });
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}
