/**
 * What is about to be done, kept until it is in the trail. With a MAC: nobody else has words put in there. Each
 * row is settled by itself: one that cannot be waits behind the others.
 */
import type { Kysely } from 'kysely';
import { z } from 'zod';
import type { IntentStore, Settling } from '../identity/intents.ts';
import { EVENT_KINDS, type HoldfastEvent } from '../model/event.ts';
import type { RowMacs } from '../model/row-macs.ts';
import type { Database } from './database.ts';
import type { Tables } from './tables.ts';

/** At one turn; the next one takes the rest. */
const SETTLED_AT_ONCE = 100;

const EVENT = z.object({
  kind: z.enum(EVENT_KINDS),
  facts: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
  message: z.string(),
});

export class SqlIntentStore implements IntentStore {
  readonly #database: Database;
  readonly #rows: RowMacs;

  constructor(database: Database, rows: RowMacs) {
    this.#database = database;
    this.#rows = rows;
  }

  add(id: string, event: HoldfastEvent, now: Date): Promise<void> {
    return this.#database.run((db) => addIntent(db, this.#rows, id, event, now));
  }

  async forget(id: string): Promise<void> {
    await this.#database.run((db) =>
      db.deleteFrom('holdfast.intended_notes').where('id', '=', id).execute(),
    );
  }

  async settle({ before, now, tell, trouble }: Settling): Promise<number> {
    let told = 0;
    for (let turn = 0; turn < SETTLED_AT_ONCE; turn += 1) {
      const end = await this.#settleNext(before, now, tell);
      if (end === 'none') break;
      if (end === 'told') told += 1;
      else if (end !== 'foreign') trouble(end.error);
    }
    return told;
  }

  /** The oldest that no other process is at, in a transaction of its own. */
  #settleNext(before: Date, now: Date, tell: Settling['tell']): Promise<Settled> {
    return this.#database.transaction(async (trx): Promise<Settled> => {
      const row = await trx
        .selectFrom('holdfast.intended_notes')
        .selectAll()
        .where('intended_at', '<', before)
        .orderBy('intended_at')
        .orderBy('id')
        .limit(1)
        .forUpdate()
        .skipLocked()
        .executeTakeFirst();
      if (row === undefined) return 'none';
      const { event: text, id, mac } = row;
      const isOurs = this.#rows.fits('intent', id, { event: text }, mac);
      try {
        if (isOurs) await tell(EVENT.parse(JSON.parse(text)));
      } catch (error) {
        // It is kept, and its next turn comes after that of every other.
        const own = trx.updateTable('holdfast.intended_notes').where('id', '=', id);
        await own.set({ intended_at: now }).execute();
        return { error };
      }
      await trx.deleteFrom('holdfast.intended_notes').where('id', '=', id).execute();
      return isOurs ? 'told' : 'foreign';
    });
  }
}

type Settled = 'none' | 'told' | 'foreign' | { readonly error: unknown };

/** For where the change is in the caller's own transaction: both are kept, or neither. */
export async function addIntent(
  db: Kysely<Tables>,
  rows: RowMacs,
  id: string,
  event: HoldfastEvent,
  now: Date,
): Promise<void> {
  const text = JSON.stringify(event);
  const mac = rows.mac('intent', id, { event: text });
  const row = { id, event: text, mac, intended_at: now };
  await db.insertInto('holdfast.intended_notes').values(row).execute();
}
