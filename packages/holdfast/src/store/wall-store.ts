/** Which targets are protected, in PostgreSQL. What changes is told to every gateway on commit. */
import { type Kysely, sql } from 'kysely';
import type { WallStore } from '../protection/wall-store.ts';
import type { Database } from './database.ts';
import type { Tables } from './tables.ts';

/** The payload is the target's name. */
export const WALLS_CHANNEL = 'holdfast_walls';

export class SqlWallStore implements WallStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async isKnown(target: string): Promise<boolean> {
    return await this.#database.run(async (db) => {
      const wall = await db
        .selectFrom('holdfast.walls')
        .select('target')
        .where('target', '=', target)
        .executeTakeFirst();
      return wall !== undefined;
    });
  }

  async raised(target: string, now: Date): Promise<void> {
    await this.#database.transaction(async (trx) => {
      await trx
        .insertInto('holdfast.walls')
        .values({ target, raised_at: now })
        .onConflict((conflict) => conflict.column('target').doNothing())
        .execute();
      await tell(trx, target);
    });
  }

  async takenBack(target: string): Promise<void> {
    await this.#database.transaction(async (trx) => {
      await trx.deleteFrom('holdfast.walls').where('target', '=', target).execute();
      await trx.deleteFrom('holdfast.agent_roles').where('target', '=', target).execute();
      await tell(trx, target);
    });
  }
}

/** Delivered when the transaction commits, and not at all when it does not. */
function tell(trx: Kysely<Tables>, target: string): Promise<unknown> {
  return sql`select pg_notify(${WALLS_CHANNEL}, ${target})`.execute(trx);
}
