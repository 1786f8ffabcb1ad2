/** Browsers that people are pushed to. */
import type { Selectable } from 'kysely';
import type { PushRecord, PushStore } from '../approvals/push-subscriptions.ts';
import type { Database } from './database.ts';
import type { Tables } from './tables.ts';

export class SqlPushStore implements PushStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  add(record: PushRecord, max: number): Promise<PushRecord | null> {
    const { addedAt, endpoint, id, keys, personId } = record;
    return this.#database.transaction(async (trx) => {
      // The person's row orders those who count at the same time.
      await trx
        .selectFrom('holdfast.people')
        .select('id')
        .where('id', '=', personId)
        .forUpdate()
        .executeTakeFirstOrThrow();
      const others = await trx
        .selectFrom('holdfast.push_subscriptions')
        .select('id')
        .where('person_id', '=', personId)
        .where('endpoint', '<>', endpoint)
        .execute();
      if (others.length >= max) return null;
      await trx
        .deleteFrom('holdfast.push_subscriptions')
        .where('endpoint', '=', endpoint)
        .execute();
      const row = { id, person_id: personId, endpoint, ...keys, added_at: addedAt };
      await trx.insertInto('holdfast.push_subscriptions').values(row).execute();
      return record;
    });
  }

  async remove(personId: string, id: string): Promise<boolean> {
    const { numDeletedRows } = await this.#database.run((db) =>
      db
        .deleteFrom('holdfast.push_subscriptions')
        .where('id', '=', id)
        .where('person_id', '=', personId)
        .executeTakeFirstOrThrow(),
    );
    return numDeletedRows > 0n;
  }

  async forget(id: string): Promise<void> {
    await this.#database.run((db) =>
      db.deleteFrom('holdfast.push_subscriptions').where('id', '=', id).execute(),
    );
  }

  async list(personId: string | null): Promise<readonly PushRecord[]> {
    const rows = await this.#database.run((db) => {
      const counting = db
        .selectFrom('holdfast.push_subscriptions as s')
        .innerJoin('holdfast.people as p', 'p.id', 's.person_id')
        .selectAll('s')
        .where('p.removed_at', 'is', null)
        .orderBy('s.added_at')
        .orderBy('s.id');
      return (personId === null ? counting : counting.where('p.id', '=', personId)).execute();
    });
    return rows.map(recordOf);
  }
}

function recordOf(row: Selectable<Tables['holdfast.push_subscriptions']>): PushRecord {
  const { added_at: addedAt, auth, endpoint, id, p256dh, person_id: personId } = row;
  return { id, personId, endpoint, keys: { p256dh, auth }, addedAt };
}
