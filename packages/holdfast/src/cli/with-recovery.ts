/**
 * Opens the rooms, and the room of recovery where nobody else keeps it; closes both whatever happens. One
 * process of an installation keeps recovery: while another does, `elsewhere` is run instead of `here`.
 */
import { openRecoveryRoom, RECOVERY_LOCK, type RecoveryRoom } from '../recovery-room.ts';
import type { Rooms } from '../rooms.ts';
import { AdvisoryLock } from '../store/advisory-lock.ts';
import type { Context } from './command.ts';
import { withRooms } from './with-rooms.ts';

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

export function withRecovery<T>(context: Context, work: RecoveryWork<T>): Promise<T> {
  const { clock, env, interrupt } = context;
  return withRooms(context, async (rooms) => {
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
  });
}
