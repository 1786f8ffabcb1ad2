/**
 * Restored copies for one command: those of the gateway that runs on this machine, or, where none does, copies
 * of its own, which are gone when the command is.
 */
import { AskedRestores } from '../recovery/restore/asks.ts';
import type { Restores } from '../recovery/restore/restores.ts';
import { recoveryCounter } from '../recovery-folder.ts';
import { openCopies } from '../restore-room.ts';
import type { Rooms } from '../rooms.ts';
import type { Context } from './command.ts';
import { recoveryOver } from './recovery-over.ts';

export interface RestoresAround {
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** What was begun goes on when this command is gone. */
  readonly isByGateway: boolean;
}

export function withRestores<T>(
  context: Context,
  rooms: Rooms,
  work: (restores: Restores, around: RestoresAround) => Promise<T>,
): Promise<T> {
  const { clock, env } = context;
  return recoveryOver<T>(context, rooms, {
    elsewhere: ({ isGone, signal }) => {
      const counter = recoveryCounter(rooms.config, env);
      return work(new AskedRestores({ counter, clock, signal, isGone }), {
        signal,
        isByGateway: true,
      });
    },
    here: async (room, { signal }) => {
      // One command does one thing at a time.
      const copies = openCopies({ rooms, env, clock }, room, (job) => void job());
      try {
        return await work(copies, { signal, isByGateway: false });
      } finally {
        await copies.close();
      }
    },
  });
}
