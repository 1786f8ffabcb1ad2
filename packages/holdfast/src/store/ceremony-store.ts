/** Ceremonies in PostgreSQL: one row each, gone once it was taken. */
import type { CeremonyRecord, CeremonyStore } from '../identity/ceremonies.ts';
import type { Database } from './database.ts';

export class SqlCeremonyStore implements CeremonyStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async add({ expiresAt, facts, ...row }: CeremonyRecord, now: Date): Promise<void> {
    await this.#database.run(async (db) => {
      await db.deleteFrom('holdfast.ceremonies').where('expires_at', '<=', now).execute();
      await db
        .insertInto('holdfast.ceremonies')
        .values({ ...row, facts: JSON.stringify(facts), expires_at: expiresAt })
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
      const { expires_at: expiresAt, ...ceremony } = taken;
      return { ...ceremony, expiresAt };
    });
  }
}
