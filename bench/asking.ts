/** A session of one's own at a door, without a pool. */
import pg from 'pg';
import type { Door } from './pgbench.ts';

export async function as<T>(door: Door, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const { host, port, user, password, database } = door;
  const client = new pg.Client({ host, port, user, password, database, ssl: false });
  client.on('error', () => {});
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

export async function asking(door: Door, sql: string, user: string = door.user): Promise<void> {
  await as({ ...door, user }, (client) => client.query(sql));
}
