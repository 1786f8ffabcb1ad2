/**
 * Opens the rooms, and the room of recovery where nobody else keeps it; closes both whatever happens. One
 * process of an installation keeps recovery: while another does, `elsewhere` is run instead of `here`.
 */
import type { Context } from './command.ts';
import { type RecoveryWork, recoveryOver } from './recovery-over.ts';
import { withRooms } from './with-rooms.ts';

export function withRecovery<T>(context: Context, work: RecoveryWork<T>): Promise<T> {
  return withRooms(context, (rooms) => recoveryOver(context, rooms, work));
}
