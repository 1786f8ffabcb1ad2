/**
 * The vault of undo data in our own PostgreSQL: what a transaction of a target was, the rows before and
 * after, how long it is kept, and its purge. What makes it hold under concurrency is in the schema and
 * in row locks: an item is kept once, and a purge that began cannot be raced by an undo or a cancel.
 *
 * It will not delete anything that is not due by the ledger, nor hand out a chunk whose hash is not the
 * one it was written with.
 */
import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { Clock } from '../model/clock.ts';
import { HoldfastError } from '../model/errors.ts';
import { UNDO_LIST_MAX } from '../model/limits.ts';
import type { UndoEntry, UndoItem } from '../protection/undo-item.ts';
import type {
  DuePurge,
  RowChunk,
  UndoQuery,
  UndoRun,
  UndoStore,
} from '../protection/undo-store.ts';
import type { Database } from './database.ts';
import { inversesOf, purgeInverse } from './inverse-store.ts';
import type { Tables, UndoItemsTable } from './tables.ts';
import { chunksOf, entriesOf, type StoredChunk, unpacked } from './undo-bulk.ts';
import { type KeepBatch, keepBatch, TICK_FROM_NOW } from './undo-keep.ts';
import { ALL_STATES, type EntryRow, type PartRow, undoEntryOf, undoItemOf } from './undo-rows.ts';
import { beginRun, endRun, itemsOfRun, settleRun, unsettledRuns } from './undo-runs.ts';

const TICK = sql`(select tick_ms from holdfast.undo_ledger)`;

export class SqlUndoStore implements UndoStore {
  readonly #database: Database;
  readonly #clock: Clock;

  constructor(database: Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  keep(batch: KeepBatch): Promise<{ readonly kept: number; readonly known: number }> {
    return this.#database.transaction((trx) => keepBatch(trx, batch, this.#clock));
  }

  list(query: UndoQuery): Promise<readonly UndoItem[]> {
    return this.#database.run(async (db) => {
      const { rows } = await listQuery(query).execute(db);
      return withParts(db, rows);
    });
  }

  find(id: string): Promise<UndoItem | null> {
    return this.#database.run(async (db) => {
      const { rows } = await sql<UndoItemsTable>`
        select * from holdfast.undo_items where id = ${id}`.execute(db);
      return (await withParts(db, rows))[0] ?? null;
    });
  }

  entries(id: string): Promise<readonly UndoEntry[]> {
    return this.#database.run(async (db) => {
      await refuseGone(db, id);
      const { rows } = await sql<EntryRow>`
        select e.seq, e.op, e.rows, s.shape, e.act
        from holdfast.undo_entries e left join holdfast.undo_shapes s on s.id = e.shape
        where e.item_id = ${id} order by e.seq`.execute(db);
      return rows.map(undoEntryOf);
    });
  }

  async *chunks(id: string, shapeId: bigint): AsyncIterable<RowChunk> {
    const item = await this.#database.run((db) => refuseGone(db, id));
    for (let part = 0; ; part += 1) {
      const row = await this.#chunk(id, shapeId, part);
      if (row === undefined) break;
      const data = await unpacked(row, id, shapeId);
      yield { txid: item.txid, shapeId, part, data, rows: row.rows };
    }
    // A purge in the midst of it would look like the end.
    await this.#database.run((db) => refuseGone(db, id));
  }

  entriesOf(ids: readonly string[]): Promise<ReadonlyMap<string, readonly UndoEntry[]>> {
    return this.#database.run((db) => entriesOf(db, ids));
  }

  chunksOf(ids: readonly string[], shapeId: bigint): AsyncIterable<RowChunk> {
    return chunksOf(this.#database, ids, shapeId);
  }

  beginRun(run: UndoRun): Promise<void> {
    return this.#database.run((db) => beginRun(db, run));
  }

  endRun(id: string, isWhole: boolean): Promise<void> {
    return this.#database.run((db) => endRun(db, id, isWhole));
  }

  itemsOfRun(id: string): Promise<readonly string[]> {
    return this.#database.run((db) => itemsOfRun(db, id));
  }

  unsettledRuns(ids: readonly string[]): Promise<readonly UndoRun[]> {
    return this.#database.run((db) => unsettledRuns(db, ids));
  }

  settleRun(id: string): Promise<void> {
    return this.#database.run((db) => settleRun(db, id));
  }

  async setState(
    ids: readonly string[],
    from: readonly ('kept' | 'undone')[],
    to: 'kept' | 'undone',
  ): Promise<number> {
    return this.#change(sql`
      update holdfast.undo_items set state = ${to}
      where id = any(${[...ids]}::text[]) and state = any(${[...from]}::text[])
        and state in ('kept', 'undone') returning id`);
  }

  async extend(ids: readonly string[], byMs: number): Promise<number> {
    if (!Number.isSafeInteger(byMs) || byMs <= 0) {
      throw new HoldfastError('HF_USAGE', {
        expected: 'a time by which it is kept longer',
        found: `${byMs} ms`,
        hint: 'Undo data is never kept shorter; holdfast undo purge asks a quorum instead.',
      });
    }
    return this.#change(sql`
      update holdfast.undo_items
      set kept_until_tick_ms = greatest(kept_until_tick_ms, ${TICK_FROM_NOW}) + ${byMs}::bigint
      where id = any(${[...ids]}::text[]) and state in ('kept', 'undone') returning id`);
  }

  requestPurge(ids: readonly string[], afterMs: number): Promise<number> {
    return this.#change(sql`
      update holdfast.undo_items set state = 'purging', state_before = state,
        purge_at_tick_ms = least(kept_until_tick_ms, ${TICK_FROM_NOW} + ${Math.max(0, afterMs)}::bigint)
      where id = any(${[...ids]}::text[]) and state in ('kept', 'undone') returning id`);
  }

  cancelPurge(ids: readonly string[]): Promise<number> {
    return this.#change(sql`
      update holdfast.undo_items set state = state_before, purge_at_tick_ms = null
      where id = any(${[...ids]}::text[]) and state = 'purging' and purge_begun_tick_ms is null
      returning id`);
  }

  beginPurge(limit: number): Promise<readonly DuePurge[]> {
    return this.#database.transaction(async (trx) => {
      const { rows } = await sql<{ id: string; target: string }>`
        update holdfast.undo_items i
        set state = 'purging',
          state_before = case when i.state = 'purging' then i.state_before else i.state end,
          purge_at_tick_ms = coalesce(i.purge_at_tick_ms, i.kept_until_tick_ms),
          purge_begun_tick_ms = coalesce(i.purge_begun_tick_ms, ${TICK})
        from (
          select id from holdfast.undo_items
          where state <> 'purged' and coalesce(purge_at_tick_ms, kept_until_tick_ms) <= ${TICK}
          -- What was begun and waits for a target that is away does not stand before the others.
          order by purge_begun_tick_ms is not null, coalesce(purge_at_tick_ms, kept_until_tick_ms), id
          limit ${limit} for update skip locked
        ) due
        where i.id = due.id returning i.id, i.target`.execute(trx);
      const trash = await sql<{ item_id: string; name: string }>`
        select t.item_id, t.name from holdfast.undo_trash t
        where t.item_id = any(${rows.map(({ id }) => id)}::text[]) and not exists (
          select from holdfast.undo_trash o join holdfast.undo_items i on i.id = o.item_id
          where o.target = t.target and o.name = t.name and o.item_id <> t.item_id
            and i.purge_begun_tick_ms is null)
        order by t.name`.execute(trx);
      return rows.map(({ id, target }) => ({
        id,
        target,
        trash: trash.rows.filter(({ item_id }) => item_id === id).map(({ name }) => name),
      }));
    });
  }

  async finishPurge(id: string): Promise<void> {
    await this.#database.transaction(async (trx) => {
      // Without `begun` nothing is deleted, whoever calls.
      const { rows } = await sql`
        update holdfast.undo_items set state = 'purged', purge_at_tick_ms = null
        where id = ${id} and state = 'purging' and purge_begun_tick_ms is not null
        returning id`.execute(trx);
      if (rows.length === 0) return refuseUnbegun(trx, id);
      // A transaction of millions of rows is many chunks.
      await sql`set local statement_timeout = 0`.execute(trx);
      await sql`delete from holdfast.undo_chunks where item_id = ${id}`.execute(trx);
      await sql`delete from holdfast.undo_entries where item_id = ${id}`.execute(trx);
      await sql`delete from holdfast.undo_trash where item_id = ${id}`.execute(trx);
      await purgeInverse(trx, id);
    });
  }

  async #change(query: RawBuilder<unknown>): Promise<number> {
    const { rows } = await this.#database.run((db) => query.execute(db));
    return rows.length;
  }

  #chunk(id: string, shapeId: bigint, part: number): Promise<StoredChunk | undefined> {
    return this.#database.run(async (db) => {
      const { rows } = await sql<StoredChunk>`
        select part, rows, is_gzip, sha256, data from holdfast.undo_chunks
        where item_id = ${id} and shape_id = ${shapeId.toString()}::bigint
          and part = ${part}`.execute(db);
      return rows[0];
    });
  }
}

/**
 * One page. Each state is a range of its own in an index, so that a rare one is not looked for among
 * 100,000 others; of each at most a page is read, then the newest of all.
 */
export function listQuery(query: UndoQuery): RawBuilder<UndoItemsTable> {
  const limit = Math.max(1, Math.min(query.limit, UNDO_LIST_MAX));
  const states = [...(query.states ?? ALL_STATES)];
  const where = [sql`i.state = s.state`];
  if (query.target !== undefined) where.push(sql`i.target = ${query.target}`);
  if (query.agentName !== undefined) where.push(sql`i.agent_name = ${query.agentName}`);
  if (query.role !== undefined) where.push(sql`i.role = ${query.role}`);
  if (query.since !== undefined) where.push(sql`i.at >= ${query.since}`);
  if (query.until !== undefined) where.push(sql`i.at < ${query.until}`);
  if (query.after !== undefined) {
    where.push(sql`(i.at, i.id) < (
      (select at from holdfast.undo_items where id = ${query.after}), ${query.after})`);
  }
  return sql<UndoItemsTable>`
    select page.* from unnest(${states}::text[]) as s (state) cross join lateral (
      select i.* from holdfast.undo_items i where ${sql.join(where, sql` and `)}
      order by i.at desc, i.id desc limit ${limit}
    ) page
    order by page.at desc, page.id desc limit ${limit}`;
}

async function withParts(
  db: Kysely<Tables>,
  rows: readonly UndoItemsTable[],
): Promise<readonly UndoItem[]> {
  if (rows.length === 0) return [];
  // `offset 0`: id by id, also while the numbers of a table that has just grown are not known yet.
  const parts = await sql<PartRow>`
    select part.* from unnest(${rows.map(({ id }) => id)}::text[]) as page (id)
    cross join lateral (
      select item_id, op, name, rows from holdfast.undo_parts
      where item_id = page.id order by place offset 0
    ) part`.execute(db);
  const of = new Map<string, PartRow[]>(rows.map(({ id }) => [id, []]));
  for (const part of parts.rows) of.get(part.item_id)?.push(part);
  const inverses = await inversesOf(db, [...of.keys()]);
  return rows.map((row) => undoItemOf(row, of.get(row.id) ?? [], inverses.get(row.id) ?? null));
}

async function refuseGone(db: Kysely<Tables>, id: string): Promise<{ readonly txid: string }> {
  const { rows } = await sql<{ txid: string; state: string; begun: boolean }>`
    select txid, state, purge_begun_tick_ms is not null as begun
    from holdfast.undo_items where id = ${id}`.execute(db);
  const row = rows[0];
  if (row === undefined) throw unknownItem(id);
  if (!row.begun) return row;
  throw new HoldfastError('HF_UNDO_STATE', {
    expected: `the data of ${id}`,
    found: row.state === 'purged' ? 'it was purged' : 'its purge has begun',
    hint: 'A recovery point from before it may still hold the rows.',
  });
}

async function refuseUnbegun(db: Kysely<Tables>, id: string): Promise<void> {
  const { rows } = await sql<{ state: string }>`
    select state from holdfast.undo_items where id = ${id}`.execute(db);
  const row = rows[0];
  if (row === undefined) throw unknownItem(id);
  if (row.state === 'purged') return;
  throw new HoldfastError('HF_UNDO_STATE', {
    expected: `${id} to be due, and its purge begun`,
    found: `it is ${row.state}`,
    hint: 'Undo data is kept for its grace; holdfast undo purge asks a quorum for less.',
  });
}

function unknownItem(id: string): HoldfastError {
  return new HoldfastError('HF_UNDO_UNKNOWN', {
    expected: 'the id of an undo item',
    found: id,
    hint: 'See holdfast undo list.',
  });
}
