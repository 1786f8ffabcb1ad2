/**
 * A point and what it builds on, back to a full one. Each names the one below it by id and by the digest
 * of its point.json, as that was stored before the point above was: one that was written anew since is
 * not built upon, and not restored.
 */
import { HoldfastError } from '../model/errors.ts';
import { listPoints, pointKey, readPoint } from './point-store.ts';
import type { RecoveryPoint, StoredPoint } from './recovery-point.ts';
import type { Vault } from './vaults/vault.ts';

/** Points on one full point: what a restore reads, and what one flipped byte spoils, stays bounded. */
export const CHAIN_POINTS_MAX = 6;

/** What a point builds on, the full one first; empty of a full one. Rejects with HF_RECOVERY_DAMAGED. */
export async function readBelow(
  vault: Vault,
  point: RecoveryPoint,
): Promise<readonly StoredPoint[]> {
  const below: StoredPoint[] = [];
  for (let above = point; above.prior !== null; ) {
    if (below.length >= CHAIN_POINTS_MAX) {
      throw broken(point, `at most ${CHAIN_POINTS_MAX} points below it`, 'more');
    }
    const prior: StoredPoint = await readPrior(vault, above);
    below.unshift(prior);
    above = prior;
  }
  return below;
}

async function readPrior(vault: Vault, above: RecoveryPoint): Promise<StoredPoint> {
  const { buildsOn, endedAt, prior, server, target } = above;
  const { systemIdentifier } = server;
  const key = pointKey({ target, id: prior ?? '' }, systemIdentifier);
  const listed = await listPoints(vault, target, systemIdentifier, new Date(endedAt));
  const object = listed.find((one) => one.key === key);
  if (object === undefined) throw broken(above, `${prior}, which it builds on`, 'no such point');
  const point = await readPoint(vault, object);
  if (point.digest !== buildsOn?.digest || point.id !== prior || point.target !== target) {
    throw broken(above, `${prior} as it was when ${above.id} was taken`, 'another');
  }
  return point;
}

function broken(point: RecoveryPoint, expected: string, found: string): HoldfastError {
  return new HoldfastError('HF_RECOVERY_DAMAGED', {
    expected,
    found: `${found} (${point.id} cannot be restored without)`,
    hint: 'Restore an older recovery point, and take a new one.',
  });
}
