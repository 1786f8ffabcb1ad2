/** What became of a rebuild, as its journal has it: batches that were put in, cut off, taken back; a copy that went. */
import type { RebuildEntry } from './rebuild-journal.ts';

export type BatchPlace = 'copy' | 'live';

export interface RebuildBatch {
  readonly place: BatchPlace;
  readonly batch: string;
  readonly digest: string;
  readonly books: string;
  readonly inserted: number;
  readonly skipped: number;
  readonly by: string;
  readonly at: string;
  readonly takenBack: { readonly by: string; readonly at: string } | null;
}

export interface CutOff {
  readonly place: BatchPlace;
  /** Of the proposal that was to be put in. */
  readonly digest: string;
}

export function batchesOf(entries: readonly RebuildEntry[]): readonly RebuildBatch[] {
  const back = new Map(
    entries.flatMap((one) =>
      one.kind === 'taken-back' ? [[one.batch, { by: one.name, at: one.at }] as const] : [],
    ),
  );
  const forgotten = entries.findLastIndex(({ kind }) => kind === 'forgotten');
  const last = entries[forgotten];
  const gone = last?.kind === 'forgotten' ? { by: last.name, at: last.at } : null;
  return entries.flatMap((one, number) => {
    if (one.kind !== 'put') return [];
    const { at, batch, books, digest, inserted, name, place, skipped } = one;
    const wentAlong = place === 'copy' && number < forgotten ? gone : null;
    const takenBack = back.get(batch) ?? wentAlong;
    return [{ place, batch, digest, books, inserted, skipped, by: name, at, takenBack }];
  });
}

/** Put in there, and not taken back; undefined: none. */
export function standingIn(
  batches: readonly RebuildBatch[],
  where: BatchPlace,
): RebuildBatch | undefined {
  return batches.findLast(({ place, takenBack }) => place === where && takenBack === null);
}

/** Where putting in was begun, and nobody saw the end of it. */
export function cutOffIn(entries: readonly RebuildEntry[]): readonly CutOff[] {
  const open = new Map<BatchPlace, CutOff>();
  for (const one of entries) {
    if (one.kind === 'begun') open.set(one.place, { place: one.place, digest: one.digest });
    if (one.kind === 'put' || one.kind === 'failed') open.delete(one.place);
    if (one.kind === 'forgotten') open.delete('copy');
  }
  return [...open.values()];
}

/** And nothing was put into a copy since. */
export function isForgotten(entries: readonly RebuildEntry[]): boolean {
  const last = entries.findLast(
    (one) => one.kind === 'forgotten' || (one.kind === 'begun' && one.place === 'copy'),
  );
  return last?.kind === 'forgotten';
}

export function placeText(place: BatchPlace): string {
  return place === 'copy' ? 'restored copy' : 'live target';
}
