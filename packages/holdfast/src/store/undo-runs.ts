/** Rows of `undo_runs`: what an undo was to take back, written before it is done on the target. */
import { type Kysely, sql } from 'kysely';
import type { UndoRun } from '../protection/undo-store.ts';
import type { Tables } from './tables.ts';

type Db = Kysely<Tables>;

export async function beginRun(db: Db, { id, target, items }: UndoRun): Promise<void> {
  await sql`insert into holdfast.undo_runs (id, target, items)
    values (${id}, ${target}, ${[...items]}::text[])`.execute(db);
}

export async function endRun(db: Db, id: string, isWhole: boolean): Promise<void> {
  await sql`update holdfast.undo_runs set is_whole = ${isWhole} where id = ${id}`.execute(db);
}

export async function itemsOfRun(db: Db, id: string): Promise<readonly string[]> {
  const { rows } = await sql<{ items: readonly string[] }>`
    select items from holdfast.undo_runs where id = ${id}`.execute(db);
  return rows[0]?.items ?? [];
}

/** The vault's item of a run carries the run's id at the end of its session's name. */
export async function unsettledRuns(db: Db, ids: readonly string[]): Promise<readonly UndoRun[]> {
  const { rows } = await sql<UndoRun>`
    select r.id, r.target, r.items from holdfast.undo_runs r
    where r.is_whole and not r.is_settled and r.items && ${[...ids]}::text[] and exists (
      select from holdfast.undo_items i
      where i.undo_of = any(r.items) and i.target = r.target and i.state = 'kept'
        and right(i.application, length(r.id)) = r.id)`.execute(db);
  return rows;
}

export async function settleRun(db: Db, id: string): Promise<void> {
  await sql`update holdfast.undo_runs set is_settled = true where id = ${id}`.execute(db);
}
