/** Sessions of people in PostgreSQL. */
import type { Selectable } from 'kysely';
import { z } from 'zod';
import { isRole } from '../identity/roles.ts';
import {
  type LiveSession,
  type NewSession,
  SESSION_KINDS,
  type SessionRecord,
  type SessionStore,
  SIGN_IN_METHODS,
  type SignInMethod,
} from '../identity/session-store.ts';
import type { RowMacs } from '../model/row-macs.ts';
import { storable } from '../model/text.ts';
import type { Database } from './database.ts';
import { takeOver } from './push-store.ts';
import { isJoinedPersonOurs, isSessionOurs, PERSON_COLUMNS, sessionFacts } from './row-facts.ts';
import type { SessionsTable } from './tables.ts';

const KIND = z.enum(SESSION_KINDS);
const METHOD = z.enum(SIGN_IN_METHODS);

export class SqlSessionStore implements SessionStore {
  readonly #database: Database;
  readonly #rows: RowMacs;

  constructor(database: Database, rows: RowMacs) {
    this.#database = database;
    this.#rows = rows;
  }

  async add(session: NewSession): Promise<void> {
    const { deviceHash, personId } = session;
    const row = {
      id: session.id,
      secret_hash: session.secretHash,
      person_id: session.personId,
      kind: session.kind,
      device_hash: session.deviceHash,
      page_hash: session.pageHash,
      method: session.method,
      opened_at: session.openedAt,
      proved_at: session.provedAt,
      expires_at: session.expiresAt,
    };
    await this.#database.transaction(async (trx) => {
      await trx
        .insertInto('holdfast.sessions')
        .values({
          ...row,
          user_agent: storable(session.userAgent),
          source: storable(session.source),
          last_used_at: session.lastUsedAt,
          mac: this.#rows.mac('session', row.id, sessionFacts(row)),
        })
        .execute();
      if (deviceHash === null) return;
      // Whoever sits there now is not to read what others are told.
      await trx
        .deleteFrom('holdfast.push_subscriptions')
        .where('person_id', '!=', personId)
        .where('session_id', 'in', (those) =>
          those.selectFrom('holdfast.sessions').select('id').where('device_hash', '=', deviceHash),
        )
        .execute();
      await takeOver(trx, this.#rows, { personId, deviceHash, sessionId: row.id });
    });
  }

  bySecret(secretHash: Buffer): Promise<LiveSession | null> {
    return this.#database.run(async (db) => {
      const row = await db
        .selectFrom('holdfast.sessions as s')
        .innerJoin('holdfast.people as p', 'p.id', 's.person_id')
        .selectAll('s')
        .select(PERSON_COLUMNS)
        .where('s.secret_hash', '=', secretHash)
        .where('s.closed_at', 'is', null)
        .where('p.removed_at', 'is', null)
        .executeTakeFirst();
      if (row === undefined) return null;
      if (!isSessionOurs(this.#rows, row) || !isJoinedPersonOurs(this.#rows, row)) return null;
      return {
        session: sessionOf(row),
        deviceHash: row.device_hash,
        pageHash: row.page_hash,
        personName: row.p_name,
        roles: row.p_roles.filter(isRole),
        ownerUntil: row.p_owner_until,
      };
    });
  }

  list(personId: string, now: Date): Promise<readonly SessionRecord[]> {
    return this.#database.run(async (db) => {
      const rows = await db
        .selectFrom('holdfast.sessions as s')
        .selectAll()
        .where('s.person_id', '=', personId)
        .where('s.closed_at', 'is', null)
        .where('s.expires_at', '>', now)
        .orderBy('s.last_used_at', 'desc')
        .orderBy('s.id')
        .execute();
      return rows.filter((row) => isSessionOurs(this.#rows, row)).map(sessionOf);
    });
  }

  async touch(id: string, now: Date): Promise<void> {
    await this.#database.run((db) =>
      db
        .updateTable('holdfast.sessions')
        .set({ last_used_at: now })
        .where('id', '=', id)
        .where('last_used_at', '<', now)
        .execute(),
    );
  }

  async proved(id: string, method: SignInMethod, now: Date): Promise<void> {
    await this.#database.transaction(async (trx) => {
      const row = await trx
        .selectFrom('holdfast.sessions')
        .selectAll()
        .where('id', '=', id)
        .where('closed_at', 'is', null)
        .forUpdate()
        .executeTakeFirst();
      if (row === undefined || !isSessionOurs(this.#rows, row)) return;
      const change = { proved_at: now, method };
      const mac = this.#rows.mac('session', id, sessionFacts({ ...row, ...change }));
      await trx
        .updateTable('holdfast.sessions')
        .set({ ...change, last_used_at: now, mac })
        .where('id', '=', id)
        .execute();
    });
  }

  close(id: string, personId: string, now: Date): Promise<boolean> {
    return this.#database.run(async (db) => {
      const closed = await db
        .updateTable('holdfast.sessions')
        .set({ closed_at: now, mac: null })
        .where('id', '=', id)
        .where('person_id', '=', personId)
        .where('closed_at', 'is', null)
        .executeTakeFirst();
      return closed.numUpdatedRows === 1n;
    });
  }

  closeOthers(id: string, personId: string, now: Date): Promise<number> {
    return this.#database.run(async (db) => {
      const closed = await db
        .updateTable('holdfast.sessions')
        .set({ closed_at: now, mac: null })
        .where('id', '!=', id)
        .where('person_id', '=', personId)
        .where('closed_at', 'is', null)
        .executeTakeFirst();
      return Number(closed.numUpdatedRows);
    });
  }
}

function sessionOf(row: Selectable<SessionsTable>): SessionRecord {
  return {
    id: row.id,
    personId: row.person_id,
    kind: KIND.parse(row.kind),
    method: METHOD.parse(row.method),
    userAgent: row.user_agent,
    source: row.source,
    openedAt: row.opened_at,
    lastUsedAt: row.last_used_at,
    provedAt: row.proved_at,
    expiresAt: row.expires_at,
  };
}
