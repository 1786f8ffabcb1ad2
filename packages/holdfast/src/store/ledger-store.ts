/** The ledger of watched time in PostgreSQL: one row, moved only on the connection that holds its lock. */
import { sql } from 'kysely';
import { HoldfastError } from '../model/errors.ts';
import { LEDGER_CREDIT_MS_MAX } from '../model/limits.ts';
import type { LedgerHold, LedgerStore } from '../protection/watched-clock.ts';
import { tryAdvisoryLock } from './advisory-lock.ts';
import type { Database } from './database.ts';

export class SqlLedgerStore implements LedgerStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async hold(): Promise<LedgerHold | null> {
    const lock = await tryAdvisoryLock(this.#database, 'undo ledger');
    if (lock === null) return null;
    return {
      credit: async (ms) => {
        if (!lock.isHeld) throw notHeld();
        const { rows } = await lock.client.query<{ tick_ms: string }>(
          `update holdfast.undo_ledger set tick_ms = tick_ms + least($1::bigint, $2::bigint)
           where $1 > 0 returning tick_ms::text`,
          [Math.floor(ms), LEDGER_CREDIT_MS_MAX],
        );
        return BigInt(rows[0]?.tick_ms ?? 0);
      },
      release: () => lock.release(),
    };
  }

  tickMs(): Promise<bigint> {
    return this.#database.run(async (db) => {
      const { rows } = await sql<{ tick_ms: bigint }>`
        select tick_ms from holdfast.undo_ledger`.execute(db);
      return rows[0]?.tick_ms ?? 0n;
    });
  }
}

function notHeld(): HoldfastError {
  return new HoldfastError('HF_STORE_UNAVAILABLE', {
    expected: 'to hold the ledger of watched time',
    found: 'the connection that held it is gone',
    hint: 'It is taken again at the next step; time in between is not counted.',
  });
}
