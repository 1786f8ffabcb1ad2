/**
 * Decisions of instances that are gone: nobody will say any more what became of them, so `unknown` is
 * written. An instance is settled only when it has been gone for longer than an append can be in
 * flight: its last statement may still be at work in the server when its process is long dead.
 */
import { INSTANCE_GONE_MS } from '../model/limits.ts';
import type { EntryMaker } from './entry.ts';
import type { InstanceBook } from './instance-book.ts';
import type { Sequencer } from './sequencer.ts';
import type { TrailStore } from './trail-store.ts';

const REASON = 'Holdfast ended before the answer came.';

/** Writes `unknown` for every decision of these instances that has no outcome; says how many. */
export async function unknownForAll(
  store: TrailStore,
  instanceIds: readonly string[],
  entries: EntryMaker,
  sequencer: Sequencer,
): Promise<number> {
  const orphans = await store.orphans(instanceIds);
  for (const index of orphans) {
    sequencer.add(entries.outcome(index, { kind: 'unknown', reason: REASON }));
  }
  return orphans.length;
}

export async function settleGone(
  parts: { readonly store: TrailStore; readonly instances: InstanceBook },
  entries: EntryMaker,
  sequencer: Sequencer,
): Promise<void> {
  const gone = await parts.instances.gone();
  if (gone.length === 0) return;
  const ids = gone.map(({ id }) => id);
  const orphans = await unknownForAll(parts.store, ids, entries, sequencer);
  const ripe = gone.filter(({ goneMs }) => goneMs >= INSTANCE_GONE_MS);
  if (orphans > 0 || ripe.length === 0) {
    await sequencer.flush();
    return;
  }
  for (const { id } of ripe) {
    sequencer.add(
      entries.event({
        kind: 'instance-stopped',
        facts: { instance: id, killed: true },
        message: 'An instance of Holdfast went away without a word; what it left open is unknown.',
      }),
    );
  }
  if (!(await sequencer.flush())) return;
  for (const { id } of ripe) await parts.instances.settled(id);
}
