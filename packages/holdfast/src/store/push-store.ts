/**
 * Browsers that people are pushed to, for as long as the session that asked for it was not closed. One counts
 * only where it, its person and its session are rows of ours.
 */
import type { Selectable, Transaction } from 'kysely';
import type { NewPush, PushAdded, PushRecord, PushStore } from '../approvals/push-subscriptions.ts';
import type { RowMacs } from '../model/row-macs.ts';
import type { Database } from './database.ts';
import {
  isJoinedPersonOurs,
  isSessionOurs,
  lockPersonRow,
  PERSON_COLUMNS,
  pushFacts,
} from './row-facts.ts';
import type { Tables } from './tables.ts';

export class SqlPushStore implements PushStore {
  readonly #database: Database;

  readonly #rows: RowMacs;

  constructor(database: Database, rows: RowMacs) {
    this.#database = database;
    this.#rows = rows;
  }

  add(record: NewPush, max: number, since: Date): Promise<PushAdded> {
    const { addedAt, endpoint, id, keys, personId, sessionId } = record;
    return this.#database.transaction(async (trx) => {
      // The person's row orders those who count at the same time.
      const person = await lockPersonRow(trx, this.#rows, { id: personId });
      const session = await trx
        .selectFrom('holdfast.sessions')
        .selectAll()
        .where('id', '=', sessionId)
        .where('person_id', '=', personId)
        .where('closed_at', 'is', null)
        .executeTakeFirst();
      if (person === null || session === undefined || !isSessionOurs(this.#rows, session)) {
        return { kind: 'closed' };
      }
      const known = await counting(trx, this.#rows, since);
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
      const at = { person_id: personId, session_id: sessionId, added_at: addedAt };
      const row = { ...at, endpoint, p256dh: keys.p256dh, auth: keys.auth };
      const mac = this.#rows.mac('push', id, pushFacts(row));
      await trx
        .insertInto('holdfast.push_subscriptions')
        .values({ ...row, id, mac })
        .execute();
      const { opened_at: signedInAt, user_agent: userAgent } = session;
      return { kind: 'added', record: { ...record, signedInAt, userAgent } };
    });
  }

  async remove(personId: string, id: string): Promise<PushRecord | null> {
    return await this.#database.transaction(async (trx) => {
      const all = await counting(trx, this.#rows, new Date(0));
      const found = all.find((one) => one.id === id && one.person_id === personId);
      if (found === undefined) return null;
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
    const all = await this.#database.run((db) => counting(db, this.#rows, since));
    return all.filter((row) => personId === null || row.person_id === personId).map(recordOf);
  }
}

/** Of people who are here, by a session that nobody closed; it may have run out. Oldest first. */
async function counting(db: Reader, rows: RowMacs, since: Date): Promise<readonly Row[]> {
  const found = await db
    .selectFrom('holdfast.push_subscriptions as s')
    .innerJoin('holdfast.people as p', 'p.id', 's.person_id')
    .selectAll('s')
    .select(PERSON_COLUMNS)
    .where('p.removed_at', 'is', null)
    .orderBy('s.added_at')
    .orderBy('s.id')
    .execute();
  const theirs = found.filter((row) => isPushOurs(rows, row) && isJoinedPersonOurs(rows, row));
  const sessions = await openedSince(db, rows, since, theirs);
  return theirs.flatMap((row) => {
    const session = sessions.get(row.session_id);
    return session === undefined ? [] : [{ ...row, ...session }];
  });
}

type Reader = Pick<Transaction<Tables>, 'selectFrom'>;
type Push = Selectable<Tables['holdfast.push_subscriptions']>;
type SessionWords = Pick<Selectable<Tables['holdfast.sessions']>, 'user_agent' | 'opened_at'>;

/** By their id; those that are ours, and that nobody closed. */
async function openedSince(
  db: Reader,
  rows: RowMacs,
  since: Date,
  pushes: readonly Push[],
): Promise<ReadonlyMap<string, SessionWords>> {
  if (pushes.length === 0) return new Map();
  const found = await db
    .selectFrom('holdfast.sessions')
    .selectAll()
    .where(
      'id',
      'in',
      pushes.map((push) => push.session_id),
    )
    .where('closed_at', 'is', null)
    .where('opened_at', '>', since)
    .execute();
  const ours = found.filter((row) => isSessionOurs(rows, row));
  return new Map(ours.map(({ id, opened_at, user_agent }) => [id, { opened_at, user_agent }]));
}

function isPushOurs(rows: RowMacs, row: Push): boolean {
  return rows.fits('push', row.id, pushFacts(row), row.mac);
}

/** Browsers of theirs go on with the session that is opened now in the same one. */
export async function takeOver(
  trx: Transaction<Tables>,
  rows: RowMacs,
  by: { readonly personId: string; readonly deviceHash: Buffer; readonly sessionId: string },
): Promise<void> {
  const before = await trx
    .selectFrom('holdfast.push_subscriptions')
    .selectAll()
    .where('session_id', 'in', (those) =>
      those
        .selectFrom('holdfast.sessions')
        .select('id')
        .where('device_hash', '=', by.deviceHash)
        .where('person_id', '=', by.personId)
        .where('closed_at', 'is', null),
    )
    .forUpdate()
    .execute();
  for (const row of before) {
    if (!isPushOurs(rows, row)) continue;
    const mac = rows.mac('push', row.id, pushFacts({ ...row, session_id: by.sessionId }));
    await trx
      .updateTable('holdfast.push_subscriptions')
      .set({ session_id: by.sessionId, mac })
      .where('id', '=', row.id)
      .execute();
  }
}

type Row = Push & SessionWords;

function isSame(row: Row, { auth, p256dh }: PushRecord['keys']): boolean {
  return row.auth === auth && row.p256dh === p256dh;
}

function recordOf(row: Row): PushRecord {
  const { added_at: addedAt, auth, endpoint, id, p256dh, person_id: personId } = row;
  const { opened_at: signedInAt, session_id: sessionId, user_agent: userAgent } = row;
  const keys = { p256dh, auth };
  return { id, personId, sessionId, endpoint, keys, addedAt, signedInAt, userAgent };
}
