/**
 * The trail in PostgreSQL. An append is one statement and one round trip on a connection of its own:
 * it moves the head if the head is still the expected one, and inserts only if it moved. No lock is
 * held while this process thinks; a second process waits for the row as long as one commit takes.
 *
 * The append is plain `pg` and not kysely: the parameters are binary arrays, and the statement is prepared once.
 * It refuses to start on a server that does not keep what it confirmed (`fsync = off`).
 */
import { type RawBuilder, sql } from 'kysely';
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
import type { Database } from './database.ts';

const HASH_BYTES = 32;
const UNIQUE_VIOLATION = '23505';

const APPEND = `
  with moved as (
    update holdfast.trail_head set size = $3, frontier = $4
    where size = $1 and frontier = $2 returning 1
  ), written as (
    insert into holdfast.trail_entry (index, kind, decision_index, instance_id, bytes)
    select $1::bigint + new.place - 1, new.kind, new.decision_index, new.instance_id, new.bytes
    from moved, unnest($5::text[], $6::text[], $7::bigint[], $8::bytea[]) with ordinality
      as new (instance_id, kind, decision_index, bytes, place)
  )
  select 1 from moved`;

export interface PgTrailOptions {
  readonly database: Database;
  /** False only in tests: a trail on `fsync = off` is no trail. */
  readonly requireDurable: boolean;
}

interface CheckpointRow {
  readonly size: bigint;
  readonly frontier: Buffer;
  readonly note: string;
}

export class PgTrailStore implements TrailStore {
  readonly #database: Database;
  #writer: pg.Client | null = null;
  #lostHandler: (cause: unknown) => void = () => {};

  /** Rejects with HF_STORE_UNAVAILABLE or, when the server would not keep entries, HF_CONFIG_INVALID. */
  static async open({ database, requireDurable }: PgTrailOptions): Promise<PgTrailStore> {
    if (requireDurable) await refuseForgetful(database);
    return new PgTrailStore(database);
  }

  private constructor(database: Database) {
    this.#database = database;
  }

  async head(): Promise<TrailHead> {
    const rows = await this.#rows<{ size: bigint; frontier: Buffer }>(
      sql`select size, frontier from holdfast.trail_head`,
    );
    const row = rows[0];
    if (row === undefined) throw headless();
    return { size: row.size, frontier: hashesOf(row.frontier) };
  }

  #rows<Row>(query: RawBuilder<Row>): Promise<readonly Row[]> {
    return this.#database.run(async (db) => (await query.execute(db)).rows);
  }

  async append(
    expected: TrailHead,
    next: TrailHead,
    entries: readonly NewEntry[],
  ): Promise<AppendResult> {
    const writer = this.#writer ?? this.#database.dedicatedClient();
    const timer = setTimeout(() => this.#drop(writer), TRAIL_APPEND_MS_MAX);
    try {
      if (this.#writer !== writer) await this.#connect(writer);
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

  onLost(handler: (cause: unknown) => void): void {
    this.#lostHandler = handler;
  }

  async lastDecisionOf(instanceId: string): Promise<Buffer | null> {
    const rows = await this.#rows<{ bytes: Buffer }>(
      sql`select bytes from holdfast.trail_entry
          where instance_id = ${instanceId} and kind = 'decision' order by index desc limit 1`,
    );
    return rows[0]?.bytes ?? null;
  }

  async #connect(writer: pg.Client): Promise<void> {
    const lost = (cause: unknown): void => {
      if (this.#writer !== writer) return;
      this.#drop(writer);
      this.#lostHandler(cause);
    };
    writer.on('error', lost);
    writer.on('end', () => lost(new Error('the connection to the store ended')));
    await writer.connect();
    await writer.query(
      `set synchronous_commit = on; set statement_timeout = ${TRAIL_APPEND_MS_MAX}`,
    );
    this.#writer = writer;
  }

  #drop(writer: pg.Client): void {
    if (this.#writer === writer) this.#writer = null;
    // `end` alone would wait for the answer that does not come.
    writer.connection.stream.destroy();
    writer.end().catch(() => {});
  }

  read(from: bigint, limit: number): Promise<readonly StoredEntry[]> {
    return this.#rows<StoredEntry>(
      sql`select index, bytes from holdfast.trail_entry
          where index >= ${from} order by index limit ${limit}`,
    );
  }

  async outcomesOf(decisionIndexes: readonly bigint[]): Promise<readonly bigint[]> {
    const rows = await this.#rows<{ decision_index: bigint }>(
      sql`select decision_index from holdfast.trail_entry
          where decision_index = any(${decisionIndexes.map(String)}::bigint[])`,
    );
    return rows.map((row) => row.decision_index);
  }

  async orphans(instanceIds: readonly string[]): Promise<readonly bigint[]> {
    // From the oldest of these instances on, so that a long trail is not walked at every start.
    const ids = [...instanceIds];
    const rows = await this.#rows<{ index: bigint }>(
      sql`select d.index from holdfast.trail_entry d
          where d.kind = 'decision' and d.instance_id = any(${ids}::text[])
            and d.index >= (select min(trail_size) from holdfast.instance
                            where id = any(${ids}::text[]))
            and not exists (select from holdfast.trail_entry o where o.decision_index = d.index)
          order by d.index`,
    );
    return rows.map(({ index }) => index);
  }

  async saveCheckpoint({ size, frontier, note }: StoredCheckpoint): Promise<void> {
    await this.#rows(
      sql`insert into holdfast.trail_checkpoint (size, frontier, note)
          values (${size}, ${Buffer.concat(frontier)}, ${note}) on conflict (size) do nothing`,
    );
  }

  async newestCheckpoints(limit: number): Promise<readonly StoredCheckpoint[]> {
    const rows = await this.#rows<CheckpointRow>(
      sql`select size, frontier, note from holdfast.trail_checkpoint
          order by size desc limit ${limit}`,
    );
    return rows.map(checkpointOf).reverse();
  }

  async checkpointsFrom(from: bigint, limit: number): Promise<readonly StoredCheckpoint[]> {
    const rows = await this.#rows<CheckpointRow>(
      sql`select size, frontier, note from holdfast.trail_checkpoint
          where size >= ${from} order by size limit ${limit}`,
    );
    return rows.map(checkpointOf);
  }

  async checkpointBefore(at: bigint): Promise<StoredCheckpoint | null> {
    const rows = await this.#rows<CheckpointRow>(
      sql`select size, frontier, note from holdfast.trail_checkpoint
          where size <= ${at} order by size desc limit 1`,
    );
    return rows[0] === undefined ? null : checkpointOf(rows[0]);
  }

  /** Ends the connection that appends; the database belongs to who opened it. */
  async close(): Promise<void> {
    if (this.#writer !== null) this.#drop(this.#writer);
  }
}

async function refuseForgetful(database: Database): Promise<void> {
  const { rows } = await database.run((db) =>
    sql<{ fsync: string }>`select current_setting('fsync') as fsync`.execute(db),
  );
  if (rows[0]?.fsync === 'on') return;
  throw new HoldfastError('HF_CONFIG_INVALID', {
    expected: 'a database with fsync = on to keep the trail in',
    found: `fsync = ${rows[0]?.fsync}`,
    hint: 'Turn fsync on, or use another database: without it a confirmed entry can vanish.',
  });
}

/** Their places follow from the head. */
function columnsOf(entries: readonly NewEntry[]): Buffer[] {
  const decisions = entries.map(({ decisionIndex }) =>
    decisionIndex === null ? null : int8(decisionIndex),
  );
  return [
    binaryArray(OID.text, encoded(entries.map(({ instanceId }) => instanceId))),
    binaryArray(OID.text, encoded(entries.map(({ kind }) => kind))),
    binaryArray(OID.int8, decisions),
    binaryArray(
      OID.bytea,
      entries.map(({ bytes }) => bytes),
    ),
  ];
}

/** Each distinct text once: there are few. */
function encoded(texts: readonly string[]): Buffer[] {
  const known = new Map<string, Buffer>();
  return texts.map((text) => {
    let bytes = known.get(text);
    if (bytes === undefined) {
      bytes = Buffer.from(text, 'utf8');
      known.set(text, bytes);
    }
    return bytes;
  });
}

function checkpointOf({ size, frontier, note }: CheckpointRow): StoredCheckpoint {
  return { size, frontier: hashesOf(frontier), note };
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

function headless(): HoldfastError {
  return new HoldfastError('HF_TRAIL_BROKEN', {
    expected: 'one row in holdfast.trail_head',
    found: 'none',
    hint: 'Somebody removed it: keep the database as it is and find out who wrote to it.',
  });
}
