/**
 * The copy of a rebuild is removed when nobody needs it any more. In this order: no promotion of it waits for
 * signatures -> no other rebuild has the same copy -> nobody works in it, and it is as we left it -> it is written
 * down that nothing of it is in a copy -> the folder goes -> the trail says so.
 *
 * It will not: remove what people are just signing the promotion of or another rebuild has, say that something went
 * which is not on this machine, or let a rebuild be promoted afterwards by what was tried in a copy that is
 * gone. The rebuild itself and its sources stay.
 */
import type { Clock } from '../../model/clock.ts';
import { HoldfastError } from '../../model/errors.ts';
import { isSamePlace, type RemovedCopy, removeCopy } from '../restore/remove-copy.ts';
import type { Rebuilds } from './rebuilds.ts';

export interface ForgetParts {
  readonly rebuilds: Rebuilds;
  /** Ids of open proposals to promote the rebuild, on its target. */
  readonly promotionsOf: (id: string, target: string) => Promise<readonly string[]>;
  readonly clock: Clock;
}

export interface Forgotten extends RemovedCopy {
  readonly folder: string;
  /** Other rebuilds that have the same copy, which stays for them. */
  readonly sharedWith: readonly string[];
}

export async function forgetCopy(
  { clock, promotionsOf, rebuilds }: ForgetParts,
  id: string,
  by: string,
): Promise<Forgotten> {
  const { facts, target } = await rebuilds.find(id);
  const [waiting] = await promotionsOf(id, target);
  if (waiting !== undefined) throw isSigned(id, waiting);
  const folder = facts.copy;
  const sharedWith = await rebuilds.sharing(id, (copy) => isSamePlace(copy, folder));
  if (sharedWith.length > 0) {
    await rebuilds.forget(id, by, sharedWith);
    return { folder, sharedWith, wasThere: true, bytes: 0, left: [] };
  }
  let isNew = false;
  const removed = await removeCopy(folder, clock, {
    mayBeMissing: await rebuilds.isForgotten(id),
    before: async () => {
      isNew = await rebuilds.forget(id, by, []);
    },
  });
  const { bytes, wasThere } = removed;
  if (isNew || wasThere) await rebuilds.forgotten(id, by, wasThere ? bytes : null);
  return { folder, sharedWith, ...removed };
}

function isSigned(id: string, proposal: string): HoldfastError {
  return new HoldfastError('HF_REBUILD_STATE', {
    expected: `that nobody is asked to sign the promotion of ${id}`,
    found: `${proposal}, which is open`,
    hint: `The copy is what they can look at. Wait for its end, or deny it: holdfast proposals deny ${proposal}.`,
  });
}
