/** The copy that a rebuild works in, where none stands yet: restored out of a vault, and kept. */

import { HoldfastError } from '../model/errors.ts';
import type { RestoreWish } from '../recovery/restore/choose-point.ts';
import { openRecoveryRoom, RECOVERY_LOCK } from '../recovery-room.ts';
import type { Rooms } from '../rooms.ts';
import { AdvisoryLock } from '../store/advisory-lock.ts';
import type { Context } from './command.ts';
import type { Teller } from './commands/recovery.ts';

export interface CopyOrder {
  readonly target: string;
  /** Null: the first. */
  readonly vault: string | null;
  readonly wish: RestoreWish;
  /** Empty or missing. */
  readonly folder: string;
}

/** Resolves to how far its WAL reaches. HF_REBUILD_STATE while another process has the vaults. */
export async function restoreInto(
  { clock, env, interrupt }: Context,
  rooms: Rooms,
  { folder, target, vault, wish }: CopyOrder,
  say: Teller['say'],
): Promise<{ readonly until: Date }> {
  const lock = new AdvisoryLock(rooms.database, RECOVERY_LOCK);
  const stop = new AbortController();
  void interrupt.happened.then(() => stop.abort(new Error('stopped by Ctrl-C')));
  const vaults = rooms.config.targets.find(({ name }) => name === target)?.recovery?.vaults ?? [];
  try {
    if (!(await lock.tryHold())) throw inUse(target);
    const room = openRecoveryRoom(rooms, env, clock);
    try {
      const keeper = room.keepers.get(target);
      if (keeper === undefined) throw inUse(target);
      const order = { wish, asOf: null, folder, isKept: true };
      const copy = await keeper.restore(vault ?? vaults[0] ?? '', order, say, stop.signal);
      try {
        await copy.keep();
      } catch (error) {
        await copy.discard();
        throw error;
      }
      return { until: copy.window.to };
    } finally {
      await room.close();
    }
  } finally {
    await lock.release();
  }
}

function inUse(target: string): HoldfastError {
  return new HoldfastError('HF_REBUILD_STATE', {
    expected: `a copy of ${target} that stands, or its vaults to be free for restoring one`,
    found: 'neither: a running Holdfast has the vaults',
    hint: 'Restore one with `holdfast restore --into FOLDER`, then say --copy FOLDER and --at.',
  });
}
