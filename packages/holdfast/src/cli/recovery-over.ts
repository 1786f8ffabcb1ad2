/** As `with-recovery.ts`, over rooms that are open already. */
import { openRecoveryRoom, RECOVERY_LOCK, type RecoveryRoom } from '../recovery-room.ts';
import type { Rooms } from '../rooms.ts';
import { AdvisoryLock } from '../store/advisory-lock.ts';
import type { Context } from './command.ts';

export interface Around {
  readonly rooms: Rooms;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

export interface Elsewhere extends Around {
  /** Whether whoever keeps recovery is gone; then it is this command that would keep it. */
  readonly isGone: () => Promise<boolean>;
}

export interface RecoveryWork<T> {
  readonly here: (room: RecoveryRoom, around: Around) => Promise<T>;
  readonly elsewhere: (around: Elsewhere) => Promise<T>;
}

export async function recoveryOver<T>(
  { clock, env, interrupt }: Context,
  rooms: Rooms,
  work: RecoveryWork<T>,
): Promise<T> {
  const lock = new AdvisoryLock(rooms.database, RECOVERY_LOCK);
  const stop = new AbortController();
  void interrupt.happened.then(() => stop.abort(new Error('stopped by Ctrl-C')));
  const around = { rooms, signal: stop.signal };
  try {
    if (!(await lock.tryHold())) {
      return await work.elsewhere({ ...around, isGone: () => lock.tryHold() });
    }
    const room = openRecoveryRoom(rooms, env, clock);
    try {
      return await work.here(room, around);
    } finally {
      await room.close();
    }
  } finally {
    await lock.release();
  }
}
