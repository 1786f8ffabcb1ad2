/** A witness of what is there now, whose place in the WAL is sure; for points that are followed by WAL. */
import type { Clock } from '../../model/clock.ts';
import type { AdminConnection } from '../../protection/postgres/admin.ts';
import { takeWitness, type Witness } from '../drills/witness.ts';
import { openSession } from '../target-session.ts';

/** A server recovers to a position only when a record follows it: on a quiet database none would. */
export const RECORD_SQL = "select pg_logical_emit_message(true, 'holdfast', 'witness')";

/** Null: nobody could look at it quietly. Its drill is a little weaker, not wrong. */
export async function witnessNow(of: {
  readonly target: string;
  readonly connection: AdminConnection;
  readonly clock: Clock;
}): Promise<Witness | null> {
  const witness = await takeWitness({
    target: of.target,
    now: () => of.clock.now(),
    connect: (mode) => openSession(of.connection, mode),
  });
  return witness.method === 'close' ? null : witness;
}
