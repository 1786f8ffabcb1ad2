/**
 * Capture tables of shapes that a table no longer has are dropped once they are empty; the capture knows
 * which (`holdfast.drop_former_shapes`). One that a transaction still writes to is left for the next
 * time: the drain waits for nobody's lock.
 */
import pg from 'pg';
import type { TargetDatabase } from '../target-database.ts';
import { ident, SCHEMA } from './layout.ts';

const LOCK_MS_MAX = 50;
const LOCK_NOT_AVAILABLE = '55P03';
const S = ident(SCHEMA);

/** Whether it came through; false: not this time. */
export async function dropFormerShapes(target: TargetDatabase): Promise<boolean> {
  try {
    return await target.transaction('read committed', async (session) => {
      const found = await session.query(
        `select to_regprocedure('${SCHEMA}.drop_former_shapes()') is not null as known`,
      );
      if (found[0]?.['known'] !== true) return false;
      await session.query(`set local lock_timeout = ${LOCK_MS_MAX}`);
      await session.query(`select ${S}.drop_former_shapes()`);
      return true;
    });
  } catch (error) {
    if (error instanceof pg.DatabaseError && error.code === LOCK_NOT_AVAILABLE) return false;
    throw error;
  }
}
