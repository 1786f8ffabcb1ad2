/** Sealed credentials of providers. Every change tells the other processes to forget what they opened. */
import { type Kysely, type Selectable, sql } from 'kysely';
import type { CredentialRecord, CredentialStore } from '../identity/credentials.ts';
import type { Database } from './database.ts';
import type { Tables } from './tables.ts';

export const CREDENTIALS_CHANNEL = 'holdfast_credentials';

export class SqlCredentialStore implements CredentialStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async put({ name, sealed, fingerprint, addedAt }: CredentialRecord): Promise<void> {
    const values = { sealed, fingerprint, added_at: addedAt };
    await this.#database.transaction(async (trx) => {
      await trx
        .insertInto('holdfast.credentials')
        .values({ name, ...values })
        .onConflict((conflict) => conflict.column('name').doUpdateSet(values))
        .execute();
      await tell(trx, name);
    });
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
    return await this.#database.transaction(async (trx) => {
      const { numDeletedRows } = await trx
        .deleteFrom('holdfast.credentials')
        .where('name', '=', name)
        .executeTakeFirstOrThrow();
      await tell(trx, name);
      return numDeletedRows > 0n;
    });
  }
}

/** At commit, to every process that listens. */
async function tell(trx: Kysely<Tables>, name: string): Promise<void> {
  await sql`select pg_notify(${CREDENTIALS_CHANNEL}, ${name})`.execute(trx);
}

function recordOf(row: Selectable<Tables['holdfast.credentials']>): CredentialRecord {
  const { name, sealed, fingerprint, added_at: addedAt } = row;
  return { name, sealed, fingerprint, addedAt };
}
