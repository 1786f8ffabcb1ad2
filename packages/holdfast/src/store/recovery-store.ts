/** Recovery codes in PostgreSQL: hashes only, of those that were not used. */
import { sql, type Transaction } from 'kysely';
import type { PersonRef } from '../identity/passkeys.ts';
import type { RecoveryStore } from '../identity/recovery-codes.ts';
import type { RowMacs } from '../model/row-macs.ts';
import type { Database } from './database.ts';
import { keyedHash, lockPersonRow } from './row-facts.ts';
import type { Tables } from './tables.ts';

/** Whose hash is asked for when nobody is called so. */
const NOBODY = 'person_0000000000000000';

export class SqlRecoveryStore implements RecoveryStore {
  readonly #database: Database;
  readonly #rows: RowMacs;

  constructor(database: Database, rows: RowMacs) {
    this.#database = database;
    this.#rows = rows;
  }

  async renew(personId: string, hashes: readonly Buffer[]): Promise<void> {
    await this.#database.transaction((trx) => renewCodes(trx, this.#rows, personId, hashes));
  }

  left(personId: string): Promise<number> {
    return this.#database.run((db) => countLeft(db, personId));
  }

  use(
    name: string,
    hashOf: (personId: string) => Buffer,
  ): Promise<{ readonly person: PersonRef; readonly left: number } | null> {
    return this.#database.transaction(async (trx) => {
      const person = await lockPersonRow(trx, this.#rows, { name });
      const id = person?.id ?? NOBODY;
      const used = await trx
        .deleteFrom('holdfast.recovery_codes')
        .where('person_id', '=', id)
        .where('code_hash', '=', keyedHash(this.#rows, id, hashOf(id)))
        .executeTakeFirst();
      const left = await countLeft(trx, id);
      if (person === null || used.numDeletedRows !== 1n) return null;
      return { person: { id: person.id, name: person.name }, left };
    });
  }
}

export async function renewCodes(
  trx: Transaction<Tables>,
  rows: RowMacs,
  personId: string,
  hashes: readonly Buffer[],
): Promise<void> {
  await trx.deleteFrom('holdfast.recovery_codes').where('person_id', '=', personId).execute();
  await trx
    .insertInto('holdfast.recovery_codes')
    .values(
      hashes.map((hash) => ({
        person_id: personId,
        code_hash: keyedHash(rows, personId, hash),
      })),
    )
    .execute();
}

async function countLeft(
  db: Pick<Transaction<Tables>, 'selectFrom'>,
  personId: string,
): Promise<number> {
  const { count } = await db
    .selectFrom('holdfast.recovery_codes')
    .select(sql<bigint>`count(*)`.as('count'))
    .where('person_id', '=', personId)
    .executeTakeFirstOrThrow();
  return Number(count);
}
