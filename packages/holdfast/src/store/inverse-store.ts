/**
 * Items of the undo list whose act was a provider's. They lie in the same table as those of targets, under
 * the same clock and the same purge; what takes them back lies beside, sealed.
 */
import { type Kysely, sql } from 'kysely';
import { z } from 'zod';
import { HoldfastError } from '../model/errors.ts';
import { HAPPENED, type Happened } from '../protection/inverse.ts';
import type { InverseStore, NewInverseItem } from '../protection/sealed-inverses.ts';
import type { UndoItem } from '../protection/undo-item.ts';
import { int8Array, textArray } from './binary-array.ts';
import type { Database } from './database.ts';
import type { Tables } from './tables.ts';
import { TICK_FROM_NOW } from './undo-keep.ts';

const happened = z.enum(HAPPENED);

export class SqlInverseStore implements InverseStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async keep(item: NewInverseItem): Promise<void> {
    const { agentId, agentName, at, client, graceMs, id, parts, provider, target, undoOf } = item;
    await this.#database.transaction(async (trx) => {
      await sql`
        insert into holdfast.undo_items (id, target, install, txid, fingerprint, at, role, agent_id,
          agent_name, application, undo_of, state, kept_until_tick_ms)
        values (${id}, ${target}, ${`provider ${provider}`}, ${id}, '', ${at}, ${provider}, ${agentId},
          ${agentName}, ${client}, ${undoOf}, 'kept',
          ${TICK_FROM_NOW} + ${graceMs}::bigint)`.execute(trx);
      await sql`
        insert into holdfast.undo_parts (item_id, place, op, name, rows)
        select ${id}, place - 1, op, name, rows
        from unnest(${textArray(parts.map(({ op }) => op))}::text[],
          ${textArray(parts.map(({ name }) => name))}::text[],
          ${int8Array(parts.map(({ rows }) => rows))}::bigint[])
          with ordinality as p (op, name, rows, place)`.execute(trx);
      await sql`
        insert into holdfast.undo_inverses (item_id, provider, sealed)
        values (${id}, ${provider}, ${item.sealed})`.execute(trx);
    });
  }

  async settle(id: string, came: Happened): Promise<void> {
    await this.#database.run((db) =>
      sql`update holdfast.undo_inverses set happened = ${came} where item_id = ${id}`.execute(db),
    );
  }

  async discard(id: string): Promise<void> {
    await this.#database.transaction(async (trx) => {
      const { rows } = await sql`
        delete from holdfast.undo_inverses where item_id = ${id} and happened = 'unknown'
        returning item_id`.execute(trx);
      if (rows.length === 0) return;
      await sql`delete from holdfast.undo_parts where item_id = ${id}`.execute(trx);
      await sql`delete from holdfast.undo_items where id = ${id}`.execute(trx);
    });
  }

  async sealed(id: string): Promise<Buffer> {
    const { rows } = await this.#database.run((db) =>
      sql<{ sealed: Buffer | null; begun: boolean }>`
        select v.sealed, i.purge_begun_tick_ms is not null as begun
        from holdfast.undo_inverses v join holdfast.undo_items i on i.id = v.item_id
        where v.item_id = ${id}`.execute(db),
    );
    const [row] = rows;
    if (row === undefined) {
      throw new HoldfastError('HF_UNDO_UNKNOWN', {
        expected: 'the id of an undo item of a provider',
        found: id,
        hint: 'See holdfast undo list.',
      });
    }
    if (row.sealed !== null && !row.begun) return row.sealed;
    throw new HoldfastError('HF_UNDO_STATE', {
      expected: `the data of ${id}`,
      found: row.sealed === null ? 'it was purged' : 'its purge has begun',
      hint: 'Set it again by hand.',
    });
  }
}

/** Of those that are a provider's. */
export async function inversesOf(
  db: Kysely<Tables>,
  ids: readonly string[],
): Promise<ReadonlyMap<string, NonNullable<UndoItem['inverse']>>> {
  const { rows } = await sql<{ item_id: string; provider: string; happened: string }>`
    select item_id, provider, happened from holdfast.undo_inverses
    where item_id = any(${[...ids]}::text[])`.execute(db);
  return new Map(
    rows.map(({ item_id: id, provider, happened: came }) => [
      id,
      { provider, happened: happened.parse(came) },
    ]),
  );
}

/** The list still says what it was. */
export async function purgeInverse(db: Kysely<Tables>, id: string): Promise<void> {
  await sql`update holdfast.undo_inverses set sealed = null where item_id = ${id}`.execute(db);
}
