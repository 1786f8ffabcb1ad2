/** Keys of requests in PostgreSQL: of many that come with one key at once, one begins. */
import { sql } from 'kysely';
import type { Database } from './database.ts';

export interface NewKey {
  readonly keyHash: Buffer;
  readonly requestHash: Buffer;
  readonly now: Date;
  readonly expiresAt: Date;
}

export interface KeptAnswer {
  readonly requestHash: Buffer;
  /** Null: not answered yet. */
  readonly status: number | null;
  /** Null: not answered yet, or shown once. */
  readonly answer: string | null;
}

export interface IdempotencyStore {
  /** Null: it is new, and begun by this call. */
  begin(key: NewKey): Promise<KeptAnswer | null>;
  end(keyHash: Buffer, status: number, answer: string | null): Promise<void>;
  forget(keyHash: Buffer): Promise<void>;
}

/** What ran out is taken away a little at a time. */
const SWEPT_MAX = 100;

export class SqlIdempotencyStore implements IdempotencyStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  begin({ expiresAt, keyHash, now, requestHash }: NewKey): Promise<KeptAnswer | null> {
    return this.#database.transaction(async (trx) => {
      await sql`
        delete from holdfast.idempotency where key_hash in (
          select key_hash from holdfast.idempotency where expires_at <= ${now}
          order by expires_at limit ${SWEPT_MAX} for update skip locked)
          or (key_hash = ${keyHash} and expires_at <= ${now})`.execute(trx);
      const added = await sql`
        insert into holdfast.idempotency (key_hash, request_hash, begun_at, expires_at)
        values (${keyHash}, ${requestHash}, ${now}, ${expiresAt})
        on conflict do nothing returning 1`.execute(trx);
      if (added.rows.length === 1) return null;
      const { rows } = await sql<{
        request_hash: Buffer;
        status: number | null;
        answer: string | null;
      }>`
        select request_hash, status, answer from holdfast.idempotency
        where key_hash = ${keyHash}`.execute(trx);
      const [row] = rows;
      // It was taken away between the two: as if it were being answered; the next try begins anew.
      if (row === undefined) return { requestHash, status: null, answer: null };
      return { requestHash: row.request_hash, status: row.status, answer: row.answer };
    });
  }

  async end(keyHash: Buffer, status: number, answer: string | null): Promise<void> {
    await this.#database.run((db) =>
      sql`update holdfast.idempotency set status = ${status}, answer = ${answer}
          where key_hash = ${keyHash}`.execute(db),
    );
  }

  async forget(keyHash: Buffer): Promise<void> {
    await this.#database.run((db) =>
      sql`delete from holdfast.idempotency where key_hash = ${keyHash} and status is null`.execute(
        db,
      ),
    );
  }
}
