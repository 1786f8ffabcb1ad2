/** One session with a target, for reading; in replication mode when asked. Whoever asks closes it. */
import pg from 'pg';
import { type AdminConnection, clientConfigOf } from '../protection/postgres/admin.ts';

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
