/** Sealed credentials of providers. */
import type { Selectable } from 'kysely';
import type { CredentialRecord, CredentialStore } from '../identity/credentials.ts';
import type { Database } from './database.ts';
import type { Tables } from './tables.ts';

export class SqlCredentialStore implements CredentialStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async put({ name, sealed, fingerprint, addedAt }: CredentialRecord): Promise<void> {
    const values = { sealed, fingerprint, added_at: addedAt };
    await this.#database.run((db) =>
      db
        .insertInto('holdfast.credentials')
        .values({ name, ...values })
        .onConflict((conflict) => conflict.column('name').doUpdateSet(values))
        .execute(),
    );
  }

  async find(name: string): Promise<CredentialRecord | null> {
    const row = await this.#database.run((db) =>
      db.selectFrom('holdfast.credentials').selectAll().where('name', '=', name).executeTakeFirst(),
    );
    return row === undefined ? null : recordOf(row);
  }

  async list(): Promise<readonly CredentialRecord[]> {
    const rows = await this.#database.run((db) =>
      db.selectFrom('holdfast.credentials').selectAll().orderBy('name').execute(),
    );
    return rows.map(recordOf);
  }

  async remove(name: string): Promise<boolean> {
    const { numDeletedRows } = await this.#database.run((db) =>
      db.deleteFrom('holdfast.credentials').where('name', '=', name).executeTakeFirstOrThrow(),
    );
    return numDeletedRows > 0n;
  }
}

function recordOf(row: Selectable<Tables['holdfast.credentials']>): CredentialRecord {
  const { name, sealed, fingerprint, added_at: addedAt } = row;
  return { name, sealed, fingerprint, addedAt };
}
