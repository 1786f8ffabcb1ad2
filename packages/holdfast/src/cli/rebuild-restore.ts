/** The copy that a rebuild works in, where none stands yet: restored out of a vault, and kept. */

import { HoldfastError } from '../model/errors.ts';
import type { RestoreWish } from '../recovery/restore/choose-point.ts';
import type { Rooms } from '../rooms.ts';
import type { Context } from './command.ts';
import type { Teller } from './commands/recovery.ts';
import { recoveryOver } from './recovery-over.ts';

export interface CopyOrder {
  readonly target: string;
  /** Null: the first. */
  readonly vault: string | null;
  readonly wish: RestoreWish;
  /** The vault as it was then; null: as it is. */
  readonly asOf: Date | null;
  /** Empty or missing. */
  readonly folder: string;
}

/** Resolves to how far its WAL reaches. HF_REBUILD_STATE while another process has the vaults. */
export function restoreInto(
  context: Context,
  rooms: Rooms,
  { asOf, folder, target, vault, wish }: CopyOrder,
  say: Teller['say'],
): Promise<{ readonly until: Date }> {
  const vaults = rooms.config.targets.find(({ name }) => name === target)?.recovery?.vaults ?? [];
  return recoveryOver(context, rooms, {
    here: async ({ keepers }, { signal }) => {
      const keeper = keepers.get(target);
      if (keeper === undefined) throw inUse(target);
      const order = { wish, asOf, folder, isKept: true };
      const copy = await keeper.restore(vault ?? vaults[0] ?? '', order, say, signal);
      try {
        await copy.keep();
      } catch (error) {
        await copy.discard();
        throw error;
      }
      return { until: copy.window.to };
    },
    elsewhere: async () => {
      throw inUse(target);
    },
  });
}

function inUse(target: string): HoldfastError {
  return new HoldfastError('HF_REBUILD_STATE', {
    expected: `a copy of ${target} that stands, or its vaults to be free for restoring one`,
    found: 'neither: a running Holdfast has the vaults',
    hint: 'Restore one with `holdfast restore --into FOLDER` (and --as-of, if it is to be), then say --copy FOLDER and --at.',
  });
}
