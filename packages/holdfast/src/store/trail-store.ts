/**
 * The trail in PostgreSQL. An append is one statement and one round trip on a connection of its own:
 * it moves the head if the head is still the expected one, and inserts only if it moved. No lock is
 * held while this process thinks; a second process waits for the row as long as one commit takes.
 *
 * Plain `pg` and not kysely: the parameters are binary arrays, and the statement is prepared once.
 * It refuses to start on a server that does not keep what it confirmed (`fsync = off`).
 */
import pg from 'pg';
import { HoldfastError } from '../model/errors.ts';
import { TRAIL_APPEND_MS_MAX } from '../model/limits.ts';
import type {
  AppendResult,
  NewEntry,
  StoredCheckpoint,
  StoredEntry,
  TrailHead,
  TrailStore,
} from '../trail/trail-store.ts';
import { binaryArray, int8, OID } from './binary-array.ts';

const HASH_BYTES = 32;
const READ_CONNECTIONS_MAX = 2;
const UNIQUE_VIOLATION = '23505';

const APPEND = `
  with moved as (
    update holdfast.trail_head set size = $3, frontier = $4
    where size = $1 and frontier = $2 returning 1
  ), written as (
    insert into holdfast.trail_entry (index, kind, decision_index, instance_id, bytes)
    select new.index, new.kind, new.decision_index, new.instance_id, new.bytes
    from moved, unnest($5::bigint[], $6::text[], $7::bigint[], $8::text[], $9::bytea[])
      as new (index, kind, decision_index, instance_id, bytes)
  )
  select 1 from moved`;

export interface PgTrailOptions {
  readonly connection: pg.ClientConfig;
  /** False only in tests: a trail on `fsync = off` is no trail. */
  readonly requireDurable: boolean;
}

interface CheckpointRow {
  readonly size: string;
  readonly frontier: Buffer;
  readonly note: string;
}

export class PgTrailStore implements TrailStore {
  readonly #connection: pg.ClientConfig;
  readonly #pool: pg.Pool;
  #writer: pg.Client | null = null;

  /** Rejects with HF_STORE_UNAVAILABLE or, when the server would not keep entries, HF_CONFIG_INVALID. */
  static async open(options: PgTrailOptions): Promise<PgTrailStore> {
    const store = new PgTrailStore(options.connection);
    try {
      if (options.requireDurable) await store.#requireDurable();
    } catch (cause) {
      await store.close();
      throw cause;
    }
    return store;
  }

  private constructor(connection: pg.ClientConfig) {
    this.#connection = { ...connection, connectionTimeoutMillis: TRAIL_APPEND_MS_MAX };
    this.#pool = new pg.Pool({ ...this.#connection, max: READ_CONNECTIONS_MAX });
    // A lost idle connection is replaced at the next query, which tells whoever asks.
    this.#pool.on('error', () => {});
  }

  async #requireDurable(): Promise<void> {
    const { rows } = await this.#pool
      .query<{ fsync: string }>(`select current_setting('fsync') as fsync`)
      .catch((cause) => {
        throw unreachable(cause);
      });
    if (rows[0]?.fsync === 'on') return;
    throw new HoldfastError('HF_CONFIG_INVALID', {
      expected: 'a database with fsync = on to keep the trail in',
      found: `fsync = ${rows[0]?.fsync}`,
      hint: 'Turn fsync on, or use another database: without it a confirmed entry can vanish.',
    });
  }

  async head(): Promise<TrailHead> {
    const { rows } = await this.#pool.query<{ size: string; frontier: Buffer }>(
      'select size, frontier from holdfast.trail_head',
    );
    const row = rows[0];
    if (row === undefined) throw unreachable(new Error('the head row is missing'));
    return { size: BigInt(row.size), frontier: hashesOf(row.frontier) };
  }

  async append(
    expected: TrailHead,
    next: TrailHead,
    entries: readonly NewEntry[],
  ): Promise<AppendResult> {
    const writer = await this.#connectedWriter();
    const timer = setTimeout(() => this.#drop(writer), TRAIL_APPEND_MS_MAX);
    try {
      const { rowCount } = await writer.query({
        name: 'holdfast-trail-append',
        text: APPEND,
        values: [
          expected.size.toString(),
          Buffer.concat(expected.frontier),
          next.size.toString(),
          Buffer.concat(next.frontier),
          ...columnsOf(entries),
        ],
      });
      return rowCount === 1 ? 'appended' : 'head-moved';
    } catch (cause) {
      if (isUniqueViolation(cause, 'trail_entry_outcome')) return 'outcome-exists';
      this.#drop(writer);
      throw cause;
    } finally {
      clearTimeout(timer);
    }
  }

  async #connectedWriter(): Promise<pg.Client> {
    if (this.#writer !== null) return this.#writer;
    const writer = new pg.Client({
      ...this.#connection,
      keepAlive: true,
      statement_timeout: TRAIL_APPEND_MS_MAX,
    });
    writer.on('error', () => this.#drop(writer));
    await writer.connect();
    try {
      await writer.query('set synchronous_commit = on');
    } catch (cause) {
      this.#drop(writer);
      throw cause;
    }
    this.#writer = writer;
    return writer;
  }

  #drop(writer: pg.Client): void {
    if (this.#writer === writer) this.#writer = null;
    // `end` alone would wait for the answer that does not come.
    writer.connection.stream.destroy();
    writer.end().catch(() => {});
  }

  async read(from: bigint, limit: number): Promise<readonly StoredEntry[]> {
    const { rows } = await this.#pool.query<{ index: string; bytes: Buffer }>(
      'select index, bytes from holdfast.trail_entry where index >= $1 order by index limit $2',
      [from.toString(), limit],
    );
    return rows.map(({ index, bytes }) => ({ index: BigInt(index), bytes }));
  }

  async outcomesOf(decisionIndexes: readonly bigint[]): Promise<readonly bigint[]> {
    const { rows } = await this.#pool.query<{ decision_index: string }>(
      'select decision_index from holdfast.trail_entry where decision_index = any($1::bigint[])',
      [decisionIndexes.map(String)],
    );
    return rows.map((row) => BigInt(row.decision_index));
  }

  async orphans(instanceIds: readonly string[]): Promise<readonly bigint[]> {
    // From the oldest of these instances on, so that a long trail is not walked at every start.
    const { rows } = await this.#pool.query<{ index: string }>(
      `select d.index from holdfast.trail_entry d
       where d.kind = 'decision' and d.instance_id = any($1)
         and d.index >= (select min(trail_size) from holdfast.instance where id = any($1))
         and not exists (select from holdfast.trail_entry o where o.decision_index = d.index)
       order by d.index`,
      [[...instanceIds]],
    );
    return rows.map(({ index }) => BigInt(index));
  }

  async saveCheckpoint({ size, frontier, note }: StoredCheckpoint): Promise<void> {
    await this.#pool.query(
      `insert into holdfast.trail_checkpoint (size, frontier, note) values ($1, $2, $3)
       on conflict (size) do nothing`,
      [size.toString(), Buffer.concat(frontier), note],
    );
  }

  async lastCheckpoint(): Promise<StoredCheckpoint | null> {
    return (await this.checkpoints(0n, 1))[0] ?? null;
  }

  async checkpoints(from: bigint, limit: number): Promise<readonly StoredCheckpoint[]> {
    const { rows } = await this.#pool.query<CheckpointRow>(
      `select size, frontier, note from holdfast.trail_checkpoint
       where size >= $1 order by size desc limit $2`,
      [from.toString(), limit],
    );
    return rows.map(checkpointOf).reverse();
  }

  async checkpointBefore(at: bigint): Promise<StoredCheckpoint | null> {
    const { rows } = await this.#pool.query<CheckpointRow>(
      `select size, frontier, note from holdfast.trail_checkpoint
       where size <= $1 order by size desc limit 1`,
      [at.toString()],
    );
    return rows[0] === undefined ? null : checkpointOf(rows[0]);
  }

  async close(): Promise<void> {
    if (this.#writer !== null) this.#drop(this.#writer);
    await this.#pool.end();
  }
}

function columnsOf(entries: readonly NewEntry[]): Buffer[] {
  const text = (pick: (entry: NewEntry) => string): Buffer =>
    binaryArray(
      OID.text,
      entries.map((entry) => Buffer.from(pick(entry), 'utf8')),
    );
  return [
    binaryArray(
      OID.int8,
      entries.map(({ index }) => int8(index)),
    ),
    text(({ kind }) => kind),
    binaryArray(
      OID.int8,
      entries.map(({ decisionIndex }) => (decisionIndex === null ? null : int8(decisionIndex))),
    ),
    text(({ instanceId }) => instanceId),
    binaryArray(
      OID.bytea,
      entries.map(({ bytes }) => bytes),
    ),
  ];
}

function checkpointOf({ size, frontier, note }: CheckpointRow): StoredCheckpoint {
  return { size: BigInt(size), frontier: hashesOf(frontier), note };
}

function hashesOf(bytes: Buffer): Buffer[] {
  const hashes: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += HASH_BYTES) {
    hashes.push(bytes.subarray(at, at + HASH_BYTES));
  }
  return hashes;
}

function isUniqueViolation(cause: unknown, constraint: string): boolean {
  return (
    cause instanceof pg.DatabaseError &&
    cause.code === UNIQUE_VIOLATION &&
    cause.constraint === constraint
  );
}

function unreachable(cause: unknown): HoldfastError {
  return new HoldfastError('HF_STORE_UNAVAILABLE', {
    expected: 'an answer from the database that keeps the trail',
    found: cause instanceof Error ? cause.message : String(cause),
    hint: 'Check that it runs and that the connection settings are right.',
    cause,
  });
}
