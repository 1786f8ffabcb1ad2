/** Sessions of people in PostgreSQL. */
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
import { storable } from '../model/text.ts';
import type { Database } from './database.ts';

const KIND = z.enum(SESSION_KINDS);
const METHOD = z.enum(SIGN_IN_METHODS);

const COLUMNS = [
  's.id',
  's.person_id',
  's.kind',
  's.method',
  's.user_agent',
  's.source',
  's.opened_at',
  's.last_used_at',
  's.proved_at',
  's.expires_at',
] as const;

interface SessionRow {
  readonly id: string;
  readonly person_id: string;
  readonly kind: string;
  readonly method: string;
  readonly user_agent: string;
  readonly source: string;
  readonly opened_at: Date;
  readonly last_used_at: Date;
  readonly proved_at: Date;
  readonly expires_at: Date;
}

export class SqlSessionStore implements SessionStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async add(session: NewSession): Promise<void> {
    const { deviceHash, id, personId } = session;
    await this.#database.transaction(async (trx) => {
      await trx
        .insertInto('holdfast.sessions')
        .values({
          id,
          secret_hash: session.secretHash,
          person_id: personId,
          kind: session.kind,
          device_hash: deviceHash,
          page_hash: session.pageHash,
          method: session.method,
          user_agent: storable(session.userAgent),
          source: storable(session.source),
          opened_at: session.openedAt,
          last_used_at: session.lastUsedAt,
          proved_at: session.provedAt,
          expires_at: session.expiresAt,
        })
        .execute();
      if (deviceHash === null) return;
      await trx
        .updateTable('holdfast.push_subscriptions')
        .set({ session_id: id })
        .where('session_id', 'in', (those) =>
          those
            .selectFrom('holdfast.sessions')
            .select('id')
            .where('device_hash', '=', deviceHash)
            .where('person_id', '=', personId)
            .where('closed_at', 'is', null),
        )
        .execute();
    });
  }

  bySecret(secretHash: Buffer): Promise<LiveSession | null> {
    return this.#database.run(async (db) => {
      const row = await db
        .selectFrom('holdfast.sessions as s')
        .innerJoin('holdfast.people as p', 'p.id', 's.person_id')
        .select([...COLUMNS, 's.device_hash', 's.page_hash', 'p.name', 'p.roles', 'p.owner_until'])
        .where('s.secret_hash', '=', secretHash)
        .where('s.closed_at', 'is', null)
        .where('p.removed_at', 'is', null)
        .executeTakeFirst();
      if (row === undefined) return null;
      return {
        session: sessionOf(row),
        deviceHash: row.device_hash,
        pageHash: row.page_hash,
        personName: row.name,
        roles: row.roles.filter(isRole),
        ownerUntil: row.owner_until,
      };
    });
  }

  list(personId: string, now: Date): Promise<readonly SessionRecord[]> {
    return this.#database.run(async (db) => {
      const rows = await db
        .selectFrom('holdfast.sessions as s')
        .select(COLUMNS)
        .where('s.person_id', '=', personId)
        .where('s.closed_at', 'is', null)
        .where('s.expires_at', '>', now)
        .orderBy('s.last_used_at', 'desc')
        .orderBy('s.id')
        .execute();
      return rows.map(sessionOf);
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
    await this.#database.run((db) =>
      db
        .updateTable('holdfast.sessions')
        .set({ proved_at: now, last_used_at: now, method })
        .where('id', '=', id)
        .where('closed_at', 'is', null)
        .execute(),
    );
  }

  close(id: string, personId: string, now: Date): Promise<boolean> {
    return this.#database.run(async (db) => {
      const closed = await db
        .updateTable('holdfast.sessions')
        .set({ closed_at: now })
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
        .set({ closed_at: now })
        .where('id', '!=', id)
        .where('person_id', '=', personId)
        .where('closed_at', 'is', null)
        .executeTakeFirst();
      return Number(closed.numUpdatedRows);
    });
  }
}

function sessionOf(row: SessionRow): SessionRecord {
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
