/** Ceremonies in PostgreSQL: one row each, gone once it was taken. One that we did not write is none. */
import type { CeremonyRecord, CeremonyStore } from '../identity/ceremonies.ts';
import type { RowMacs } from '../model/row-macs.ts';
import type { Database } from './database.ts';
import { ceremonyFacts } from './row-facts.ts';

export class SqlCeremonyStore implements CeremonyStore {
  readonly #database: Database;
  readonly #rows: RowMacs;

  constructor(database: Database, rows: RowMacs) {
    this.#database = database;
    this.#rows = rows;
  }

  async add({ expiresAt, facts, ...record }: CeremonyRecord, now: Date): Promise<void> {
    const row = { ...record, facts: JSON.stringify(facts), expires_at: expiresAt };
    const mac = this.#rows.mac('ceremony', row.id, ceremonyFacts(row));
    await this.#database.run(async (db) => {
      await db.deleteFrom('holdfast.ceremonies').where('expires_at', '<=', now).execute();
      await db
        .insertInto('holdfast.ceremonies')
        .values({ ...row, mac })
        .execute();
    });
  }

  take(id: string): Promise<CeremonyRecord | null> {
    return this.#database.run(async (db) => {
      const taken = await db
        .deleteFrom('holdfast.ceremonies')
        .where('id', '=', id)
        .returningAll()
        .executeTakeFirst();
      if (taken === undefined) return null;
      if (!this.#rows.fits('ceremony', id, ceremonyFacts(taken), taken.mac)) return null;
      const { expires_at: expiresAt, facts, kind, nonce } = taken;
      return { id, kind, nonce, facts: JSON.parse(facts), expiresAt };
    });
  }
}
