/**
 * The copy of a rebuild is removed when nobody needs it any more. In this order: no promotion of it waits for
 * signatures, and nobody works in it -> it is written down that nothing of it is in a copy -> the folder goes, unless another rebuild has
 * the same one.
 *
 * It will not: remove what people are just signing the promotion of, or let a rebuild be promoted afterwards by
 * what was tried in a copy that is gone. The rebuild itself and its sources stay.
 */
import type { Clock } from '../../model/clock.ts';
import { HoldfastError } from '../../model/errors.ts';
import { mustBeFree, type RemovedCopy, removeCopy } from '../restore/remove-copy.ts';
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
  await mustBeFree(folder, clock);
  await rebuilds.forget(id, by);
  const sharedWith = await rebuilds.sharing(id, folder);
  if (sharedWith.length > 0) return { folder, sharedWith, wasThere: true, bytes: 0, left: [] };
  return { folder, sharedWith, ...(await removeCopy(folder, clock)) };
}

function isSigned(id: string, proposal: string): HoldfastError {
  return new HoldfastError('HF_REBUILD_STATE', {
    expected: `that nobody is asked to sign the promotion of ${id}`,
    found: `${proposal}, which is open`,
    hint: `The copy is what they can look at. Wait for its end, or deny it: holdfast proposals deny ${proposal}.`,
  });
}
