/** The ledger of watched time in PostgreSQL: one row, moved only on the connection that holds its lock. */
import { sql } from 'kysely';
import { HoldfastError } from '../model/errors.ts';
import { LEDGER_CREDIT_MS_MAX } from '../model/limits.ts';
import type { LedgerStore } from '../protection/watched-clock.ts';
import { AdvisoryLock } from './advisory-lock.ts';
import type { Database } from './database.ts';

export class SqlLedgerStore implements LedgerStore {
  readonly #database: Database;
  readonly #lock: AdvisoryLock;

  constructor(database: Database) {
    this.#database = database;
    this.#lock = new AdvisoryLock(database, 'undo ledger');
  }

  tryHold(): Promise<boolean> {
    return this.#lock.tryHold();
  }

  async credit(ms: number): Promise<void> {
    const moved = await this.#lock.query(
      `update holdfast.undo_ledger set tick_ms = tick_ms + least($1::bigint, $2::bigint)
       where $1::bigint > 0 returning 1`,
      [Math.floor(ms), LEDGER_CREDIT_MS_MAX],
    );
    if (moved !== null) return;
    throw new HoldfastError('HF_STORE_UNAVAILABLE', {
      expected: 'to hold the ledger of watched time',
      found: 'the connection that held it is gone',
      hint: 'It is taken again at the next step; the time in between is not counted.',
    });
  }

  release(): Promise<void> {
    return this.#lock.release();
  }

  tickMs(): Promise<bigint> {
    return this.#database.run(async (db) => {
      const { rows } = await sql<{ tick_ms: bigint }>`
        select tick_ms from holdfast.undo_ledger`.execute(db);
      return rows[0]?.tick_ms ?? 0n;
    });
  }
}
