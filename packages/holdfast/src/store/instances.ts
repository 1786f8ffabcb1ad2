/**
 * Signs of life of Holdfast processes: each holds a session-level advisory lock on a connection of its
 * own, so that the server itself lets go of it when the process dies. Two int4 keys: ours, and the
 * number of the instance's row, so that no two instances can share a lock by a hash collision.
 *
 * When the connection is lost the lock is taken again as soon as possible; meanwhile others may have
 * called this instance gone and written `unknown` for what it had open. That is true enough, and the
 * unique index on outcomes keeps it the only one.
 */
import { sql } from 'kysely';
import type pg from 'pg';
import { TRAIL_RETRY_MS_MAX } from '../model/limits.ts';
import type { GoneInstance, InstanceBook } from '../trail/instance-book.ts';
import type { Database } from './database.ts';

/** First key of our advisory locks: "HFin". */
const LOCK_CLASS = 0x4846696e;

const IS_ALIVE = sql`exists (
  select from pg_locks l
  where l.locktype = 'advisory' and l.granted and l.objsubid = 2
    and l.classid = ${sql.lit(LOCK_CLASS)} and l.objid = i.lock_key::oid
    and l.database = (select oid from pg_database where datname = current_database()))`;

export class PgInstanceBook implements InstanceBook {
  readonly #database: Database;
  #client: pg.Client | null = null;
  #announced: { readonly id: string; readonly trailSize: bigint } | null = null;
  #retry: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(database: Database) {
    this.#database = database;
  }

  async announce(instanceId: string, trailSize: bigint): Promise<void> {
    this.#announced = { id: instanceId, trailSize };
    await this.#hold(instanceId, trailSize);
  }

  async #hold(id: string, trailSize: bigint): Promise<void> {
    const client = this.#database.dedicatedClient();
    client.on('error', () => this.#lost(client));
    client.on('end', () => this.#lost(client));
    try {
      await client.connect();
      if (this.#closed) return await client.end();
      await this.#lock(client, id, trailSize);
      this.#client = client;
    } catch (cause) {
      client.end().catch(() => {});
      throw cause;
    }
  }

  async #lock(client: pg.Client, id: string, trailSize: bigint): Promise<void> {
    // A host that lost its power sends no goodbye: the server must find out within half a minute.
    await client.query(
      'set tcp_keepalives_idle = 10; set tcp_keepalives_interval = 5; set tcp_keepalives_count = 3',
    );
    // In one transaction: nobody sees the row before the lock is held.
    await client.query('begin');
    const { rows } = await client.query<{ lock_key: number }>(
      `insert into holdfast.instance as i (id, trail_size) values ($1, $2)
       on conflict (id) do update set gone_at = null, settled_at = null returning lock_key`,
      [id, trailSize.toString()],
    );
    await client.query('select pg_advisory_lock($1, $2)', [LOCK_CLASS, rows[0]?.lock_key]);
    await client.query('commit');
  }

  #lost(client: pg.Client): void {
    if (this.#client === client) this.#client = null;
    if (this.#closed || this.#retry || this.#announced === null) return;
    const { id, trailSize } = this.#announced;
    this.#retry = setTimeout(() => {
      this.#retry = null;
      this.#hold(id, trailSize).catch(() => {
        // The lost client said so too; a first `connect` that failed has nobody else to say it.
        this.#lost(client);
      });
    }, TRAIL_RETRY_MS_MAX).unref();
  }

  async gone(): Promise<readonly GoneInstance[]> {
    // Not ourselves: we know that we live, even while our lock is on its way back.
    const own = this.#announced?.id ?? '';
    const { rows } = await this.#database.run(async (db) => {
      await sql`update holdfast.instance i set gone_at = now()
                where gone_at is null and settled_at is null and not ${IS_ALIVE}`.execute(db);
      return sql<{ id: string; gone_ms: bigint }>`
        select id, floor(extract(epoch from now() - gone_at) * 1000)::bigint as gone_ms
        from holdfast.instance i
        where gone_at is not null and settled_at is null and id <> ${own} and not ${IS_ALIVE}
        order by id`.execute(db);
    });
    return rows.map((row) => ({ id: row.id, goneMs: Number(row.gone_ms) }));
  }

  async settled(instanceId: string): Promise<void> {
    await this.#database.run((db) =>
      sql`update holdfast.instance set settled_at = now() where id = ${instanceId}`.execute(db),
    );
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#retry) clearTimeout(this.#retry);
    await this.#client?.end();
  }
}
