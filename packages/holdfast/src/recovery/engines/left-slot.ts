/**
 * The slot that another engine of the same target and vault has left at the server. Nobody reads it any
 * more, and the server would keep WAL for it until its disk is full.
 */
import { messageOf } from '../../model/errors.ts';
import type { TargetDatabase } from '../../protection/target-database.ts';

/** Of decoded changes, beside the one of the WAL: both may be there, so their names differ. */
export function changesSlot(slot: string): string {
  return `${slot.slice(0, 58)}_log`;
}

/** A sentence when it is there and could not be dropped; null: it is gone. One that is read is left alone. */
export async function dropLeftSlot(database: TargetDatabase, slot: string): Promise<string | null> {
  try {
    const rows = await database.query(
      'select 1 from pg_replication_slots where slot_name = $1 and not active',
      [slot],
    );
    if (rows.length > 0) await database.query('select pg_drop_replication_slot($1)', [slot]);
    return null;
  } catch (error) {
    return `The slot ${slot} is left at the server, which keeps WAL for it and does not let us drop it: ${messageOf(error)}`;
  }
}
