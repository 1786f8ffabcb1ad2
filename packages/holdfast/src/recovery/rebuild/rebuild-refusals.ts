/** What the journal of a rebuild does not take, and why. */
import { HoldfastError } from '../../model/errors.ts';
import { oneLine } from '../../model/text.ts';
import { type BatchPlace, batchesOf, cutOffIn, placeText, type RebuildBatch } from './batches.ts';
import type { RebuildEntry } from './rebuild-journal.ts';

export function mustBeOpen(id: string, entries: readonly RebuildEntry[]): void {
  const there = batchesOf(entries).find(({ takenBack }) => takenBack === null);
  if (there !== undefined) throw stands(id, there);
  const [cutOff] = cutOffIn(entries);
  if (cutOff !== undefined) throw notSettled(id, cutOff.place);
}

/** What they did not see of a row is what others said of it. */
export function mustBeSeen(
  entries: readonly RebuildEntry[],
  rows: ReadonlySet<string>,
  seen: number | null,
  by: string,
): void {
  if (seen === null) return;
  const unseen = entries
    .filter((one) => one.kind === 'choice')
    .slice(seen)
    .find((one) => rows.has(one.row) && one.by !== by);
  if (unseen === undefined) return;
  throw new HoldfastError('HF_REBUILD_STATE', {
    expected: `that nobody chose in ${oneLine(unseen.row).slice(0, 100)} since you looked`,
    found: `that ${oneLine(unseen.name)} did`,
    hint: 'Look at the row again.',
  });
}

/** Another choice would make another digest, by which what may be in the database is not found any more. */
function notSettled(id: string, place: BatchPlace): HoldfastError {
  return new HoldfastError('HF_REBUILD_STATE', {
    expected: `to know whether ${id} is in the ${placeText(place)}`,
    found: 'that putting it in was begun, and nobody saw its end',
    hint: `If nobody is at it, holdfast recovery rebuild rollback ${id} --from ${place} looks, and takes back what is there.`,
  });
}

/** It would count as taken back, and stand there all the same. */
export function isShared(id: string, sharedWith: readonly string[]): HoldfastError {
  return new HoldfastError('HF_REBUILD_STATE', {
    expected: `nothing of ${id} in a copy that stays for another rebuild`,
    found: `that it is there, and ${oneLine(sharedWith.join(', ')).slice(0, 300)} has the same copy`,
    hint: `Nothing was changed. Take it back first (holdfast recovery rebuild rollback ${id} --from copy), or forget the others first.`,
  });
}

export function stands(id: string, { batch, place }: RebuildBatch): HoldfastError {
  return new HoldfastError('HF_REBUILD_STATE', {
    expected: `no batch of ${id} in the ${placeText(place)}`,
    found: `${batch}, which stands there`,
    hint: `Take it back first: holdfast recovery rebuild rollback ${id} --from ${place}.`,
  });
}

export function nothingStands(id: string, place: BatchPlace): HoldfastError {
  return new HoldfastError('HF_REBUILD_STATE', {
    expected: `a batch of ${id} that stands in the ${placeText(place)}`,
    found: 'none',
    hint: `See holdfast recovery rebuild show ${id}.`,
  });
}
