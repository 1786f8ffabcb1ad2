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

export class AdvisoryLock {
  readonly #database: Database;
  readonly #key: string;
  #client: pg.Client | null = null;
  #isHeld = false;

  constructor(database: Database, name: string) {
    this.#database = database;
    // 64 bits of a hash: two names that shared one would keep each other out for ever.
    const hash = createHash('sha256').update(`holdfast|${name}`).digest();
    this.#key = hash.readBigInt64BE(0).toString();
  }

  /** Whether it is ours now. Asked again at no cost while it is; rejects when the store is away. */
  async tryHold(): Promise<boolean> {
    if (this.#isHeld) return true;
    return this.#database.run(async () => {
      const client = this.#client ?? (await this.#connect());
      try {
        const { rows } = await client.query<{ got: boolean }>(
          'select pg_try_advisory_lock($1::bigint) as got',
          [this.#key],
        );
        this.#isHeld = rows[0]?.got === true && this.#client === client;
        return this.#isHeld;
      } catch (error) {
        this.#drop(client);
        throw error;
      }
    });
  }

  /** A statement that counts only while the lock is ours; null when it is not. */
  async query(
    text: string,
    values: readonly unknown[],
  ): Promise<readonly pg.QueryResultRow[] | null> {
    const client = this.#client;
    if (client === null || !this.#isHeld) return null;
    return this.#database.run(async () => {
      try {
        return (await client.query(text, [...values])).rows;
      } catch (error) {
        this.#drop(client);
        throw error;
      }
    });
  }

  async release(): Promise<void> {
    const client = this.#client;
    if (client === null) return;
    this.#client = null;
    this.#isHeld = false;
    await client.end().catch(() => {});
  }

  async #connect(): Promise<pg.Client> {
    const client = this.#database.dedicatedClient();
    client.on('error', () => this.#drop(client));
    client.on('end', () => this.#drop(client));
    this.#client = client;
    try {
      await client.connect();
      // A host that lost its power sends no goodbye: the server must find out within half a minute.
      await client.query(
        'set tcp_keepalives_idle = 10; set tcp_keepalives_interval = 5; ' +
          `set tcp_keepalives_count = 3; set statement_timeout = ${STATEMENT_MS_MAX}; ` +
          'set synchronous_commit = on',
      );
      return client;
    } catch (error) {
      this.#drop(client);
      throw error;
    }
  }

  #drop(client: pg.Client): void {
    if (this.#client !== client) return;
    this.#client = null;
    this.#isHeld = false;
    // `end` alone would wait for an answer that may not come.
    client.connection.stream.destroy();
    client.end().catch(() => {});
  }
}
