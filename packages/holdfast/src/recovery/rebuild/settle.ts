/**
 * What is put in is noted with its end, where that is known. What was begun and nobody saw the end of is looked for in
 * the database where it would be, and written down as it is found: it is in as a whole, or nothing of it is. And what
 * is kept outside of a batch, so that one which was taken back by somebody who did not live to say so is known as that.
 *
 * It will not: take anything back, or write down what it could not tell (HF_REBUILD_STATE).
 */
import { HoldfastError, isOutcomeUnknown, messageOf } from '../../model/errors.ts';
import { type ApplyReport, type FindOptions, findApplied } from './apply.ts';
import type { BatchPlace, RebuildBatch } from './batches.ts';
import { keyOf } from './put-rows.ts';
import type { Rebuilds, Standing } from './rebuilds.ts';
import type { NotedBatch } from './rollback.ts';

type FindBy = Omit<FindOptions, 'proposal' | 'digest'>;

/** Said first; that it failed is said only where nothing of it can be in. `Rebuilds.done` is left to who asks. */
export async function putting(
  rebuilds: Rebuilds,
  standing: Standing,
  place: BatchPlace,
  by: string,
  put: () => Promise<ApplyReport>,
): Promise<ApplyReport> {
  const { digest, rebuild } = standing;
  await rebuilds.begin(rebuild.id, place, digest, by);
  return await put().catch(async (error: unknown) => {
    // Of one that was cut off before it is still not known whether it is in.
    if (!isOutcomeUnknown(error) && !wasCutOff(standing, place)) {
      await rebuilds.failed(rebuild.id, place, messageOf(error));
    }
    throw error;
  });
}

/** `find`: opens the database only where something was cut off. */
export async function settle(
  rebuilds: Rebuilds,
  standing: Standing,
  place: BatchPlace,
  by: string,
  find: (look: (options: FindBy) => Promise<ApplyReport | null>) => Promise<ApplyReport | null>,
): Promise<void> {
  const { cutOff, digest, proposal, rebuild } = standing;
  const begun = cutOff.find((one) => one.place === place);
  if (begun === undefined) return;
  if (begun.digest !== digest) throw chosenSince(rebuild.id, begun.digest);
  const found = await find((options) => findApplied({ ...options, proposal, digest }));
  if (found === null) await rebuilds.failed(rebuild.id, place, NOTHING);
  else await rebuilds.done(rebuild.id, place, found, by);
}

const NOTHING = 'It was cut off, and nothing of it is there.';

export function wasCutOff({ cutOff }: Pick<Standing, 'cutOff'>, where: BatchPlace): boolean {
  return cutOff.some(({ place }) => place === where);
}

/** Undefined where it was of another proposal than the one that stands. */
export function notedOf(
  { digest, proposal }: Standing,
  batch: RebuildBatch,
): NotedBatch | undefined {
  if (digest !== batch.digest) return undefined;
  const key = keyOf(proposal);
  return {
    digest,
    schema: proposal.schema,
    table: proposal.table,
    keyColumn: key.column,
    keyKind: key.kind,
    proposal,
    skipped: batch.skipped,
  };
}

function chosenSince(id: string, digest: string): HoldfastError {
  return new HoldfastError('HF_REBUILD_STATE', {
    expected: `${id} as it was when putting it in was begun (${digest.slice(0, 16)}…)`,
    found: 'that somebody chose differently since, so that its books cannot be told from it',
    hint: 'Look at the schema holdfast_rebuild by hand; where it was promoted, its undo item takes it back.',
  });
}
