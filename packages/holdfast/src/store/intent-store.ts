/** What is about to be done, kept until it is in the trail. With a MAC: nobody else has words put in there. */
import { sql } from 'kysely';
import { z } from 'zod';
import type { IntentStore } from '../identity/intents.ts';
import { EVENT_KINDS, type HoldfastEvent } from '../model/event.ts';
import type { RowMacs } from '../model/row-macs.ts';
import type { Database } from './database.ts';

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

  async add(id: string, event: HoldfastEvent, now: Date): Promise<void> {
    const text = JSON.stringify(event);
    const mac = this.#rows.mac('intent', id, { event: text });
    const row = { id, event: text, mac, intended_at: now };
    await this.#database.run((db) =>
      db.insertInto('holdfast.intended_notes').values(row).execute(),
    );
  }

  async forget(id: string): Promise<void> {
    await this.#database.run((db) =>
      db.deleteFrom('holdfast.intended_notes').where('id', '=', id).execute(),
    );
  }

  settle(before: Date, tell: (event: HoldfastEvent) => Promise<void>): Promise<number> {
    return this.#database.transaction(async (trx) => {
      const rows = await trx
        .selectFrom('holdfast.intended_notes')
        .selectAll()
        .where('intended_at', '<', before)
        .orderBy('intended_at')
        .limit(SETTLED_AT_ONCE)
        .forUpdate()
        .skipLocked()
        .execute();
      let told = 0;
      for (const { event: text, id, mac } of rows) {
        if (this.#rows.fits('intent', id, { event: text }, mac)) {
          await tell(EVENT.parse(JSON.parse(text)));
          told += 1;
        }
        await sql`delete from holdfast.intended_notes where id = ${id}`.execute(trx);
      }
      return told;
    });
  }
}
