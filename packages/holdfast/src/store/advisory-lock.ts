/**
 * A named lock that one process holds at a time, as a session-level advisory lock on a connection of its
 * own: the server lets go of it when the process or its connection dies. What must only be done by the
 * holder is a statement on that same connection.
 */
import { createHash } from 'node:crypto';
import type pg from 'pg';
import type { Database } from './database.ts';

/** A store that does not answer for this long has lost us, or we it. */
const STATEMENT_MS_MAX = 10_000;

export interface HeldLock {
  readonly isHeld: boolean;
  readonly client: pg.Client;
  release(): Promise<void>;
}

/** Null: somebody else holds it. Rejects when the store is away. */
export async function tryAdvisoryLock(database: Database, name: string): Promise<HeldLock | null> {
  const client = database.dedicatedClient();
  let isHeld = false;
  const lost = (): void => {
    isHeld = false;
  };
  client.on('error', lost);
  client.on('end', lost);
  try {
    // A host that lost its power sends no goodbye: the server must find out within half a minute.
    await database.run(async () => {
      await client.connect();
      await client.query(
        'set tcp_keepalives_idle = 10; set tcp_keepalives_interval = 5; ' +
          `set tcp_keepalives_count = 3; set statement_timeout = ${STATEMENT_MS_MAX}; ` +
          'set synchronous_commit = on',
      );
      const { rows } = await client.query<{ got: boolean }>(
        'select pg_try_advisory_lock($1::bigint) as got',
        [keyOf(name)],
      );
      isHeld = rows[0]?.got === true;
    });
  } catch (error) {
    client.end().catch(() => {});
    throw error;
  }
  if (!isHeld) {
    await client.end().catch(() => {});
    return null;
  }
  return {
    get isHeld() {
      return isHeld;
    },
    client,
    release: async () => {
      isHeld = false;
      await client.end().catch(() => {});
    },
  };
}

/** 64 bits of a hash: two names that share one would keep each other out for ever. */
function keyOf(name: string): string {
  return createHash('sha256').update(`holdfast|${name}`).digest().readBigInt64BE(0).toString();
}
