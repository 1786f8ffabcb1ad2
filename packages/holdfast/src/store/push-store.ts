/** Browsers that people are pushed to, for as long as the session that asked for it was not closed. */
import type { Selectable, Transaction } from 'kysely';
import type { NewPush, PushAdded, PushRecord, PushStore } from '../approvals/push-subscriptions.ts';
import type { Database } from './database.ts';
import type { Tables } from './tables.ts';

export class SqlPushStore implements PushStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  add(record: NewPush, max: number, since: Date): Promise<PushAdded> {
    const { addedAt, endpoint, id, keys, personId, sessionId } = record;
    return this.#database.transaction(async (trx) => {
      // The person's row orders those who count at the same time.
      await trx
        .selectFrom('holdfast.people')
        .select('id')
        .where('id', '=', personId)
        .forUpdate()
        .executeTakeFirstOrThrow();
      const session = await trx
        .selectFrom('holdfast.sessions')
        .select(['user_agent', 'opened_at'])
        .where('id', '=', sessionId)
        .where('person_id', '=', personId)
        .where('closed_at', 'is', null)
        .executeTakeFirst();
      if (session === undefined) return { kind: 'closed' };
      const known = await counting(trx, since).execute();
      const same = known.find((one) => one.endpoint === endpoint);
      if (same !== undefined && same.person_id !== personId && !isSame(same, keys)) {
        return { kind: 'taken' };
      }
      const others = known.filter((one) => one.person_id === personId && one !== same);
      if (others.length >= max) return { kind: 'full' };
      await trx
        .deleteFrom('holdfast.push_subscriptions')
        .where((row) =>
          row.or([
            row('endpoint', '=', endpoint),
            // What no longer counts does not pile up.
            row.and([
              row('person_id', '=', personId),
              row('id', 'not in', ['', ...others.map((one) => one.id)]),
            ]),
          ]),
        )
        .execute();
      const row = { id, person_id: personId, endpoint, ...keys, added_at: addedAt };
      await trx
        .insertInto('holdfast.push_subscriptions')
        .values({ ...row, session_id: sessionId })
        .execute();
      const { opened_at: signedInAt, user_agent: userAgent } = session;
      return { kind: 'added', record: { ...record, signedInAt, userAgent } };
    });
  }

  async remove(personId: string, id: string): Promise<PushRecord | null> {
    return await this.#database.transaction(async (trx) => {
      const found = await counting(trx, new Date(0)).where('s.id', '=', id).executeTakeFirst();
      if (found === undefined || found.person_id !== personId) return null;
      await trx.deleteFrom('holdfast.push_subscriptions').where('id', '=', id).execute();
      return recordOf(found);
    });
  }

  async forget(id: string): Promise<void> {
    await this.#database.run((db) =>
      db.deleteFrom('holdfast.push_subscriptions').where('id', '=', id).execute(),
    );
  }

  async list(personId: string | null, since: Date): Promise<readonly PushRecord[]> {
    const rows = await this.#database.run((db) => {
      const all = counting(db, since);
      return (personId === null ? all : all.where('p.id', '=', personId)).execute();
    });
    return rows.map(recordOf);
  }
}

/** Of people who are here, by a session that nobody closed; it may have run out. Oldest first. */
function counting(db: Pick<Transaction<Tables>, 'selectFrom'>, since: Date) {
  return db
    .selectFrom('holdfast.push_subscriptions as s')
    .innerJoin('holdfast.people as p', 'p.id', 's.person_id')
    .innerJoin('holdfast.sessions as e', 'e.id', 's.session_id')
    .selectAll('s')
    .select(['e.user_agent', 'e.opened_at'])
    .where('p.removed_at', 'is', null)
    .where('e.closed_at', 'is', null)
    .where('e.opened_at', '>', since)
    .orderBy('s.added_at')
    .orderBy('s.id');
}

type Row = Selectable<Tables['holdfast.push_subscriptions']> & {
  readonly user_agent: string;
  readonly opened_at: Date;
};

function isSame(row: Row, { auth, p256dh }: PushRecord['keys']): boolean {
  return row.auth === auth && row.p256dh === p256dh;
}

function recordOf(row: Row): PushRecord {
  const { added_at: addedAt, auth, endpoint, id, p256dh, person_id: personId } = row;
  const { opened_at: signedInAt, session_id: sessionId, user_agent: userAgent } = row;
  const keys = { p256dh, auth };
  return { id, personId, sessionId, endpoint, keys, addedAt, signedInAt, userAgent };
}
