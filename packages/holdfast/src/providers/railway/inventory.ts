/**
 * What there is at Railway, and where: the snapshot, and deployments, of which there are too many for
 * one.
 */
import { z } from 'zod';
import type { Clock } from '../../model/clock.ts';
import { Inventory, narrowedByEnvironment, type Whereabouts } from '../inventory.ts';
import type { RailwayApi } from './api.ts';
import { type EstateVolume, type RailwayEstate, takeEstate } from './estate.ts';
import type { PlaceRef } from './reading.ts';

const DEPLOYMENT =
  'query HoldfastDeployment($id: String!) { deployment(id: $id) { environmentId } }';
const deployment = z.object({ deployment: z.object({ environmentId: z.string() }) });
const DEPLOYMENTS_KEPT = 1_000;

export interface InventoryOptions {
  readonly api: RailwayApi;
  readonly kind: 'account' | 'project';
  readonly clock: Clock;
}

export function railwayInventory({ api, kind, clock }: InventoryOptions): Inventory<RailwayEstate> {
  const deployments = new Map<string, ReadonlySet<string>>();
  return new Inventory({
    clock,
    take: () => takeEstate(api, kind, clock.now(), 'needed'),
    reachOf: narrowedByEnvironment,
    others: {
      of: ({ type, id }) => (type === 'deployment' ? deployments.get(id) : undefined),
      /** They come by the minute. */
      lookUp: async (places, isRead) => {
        let hasLearnt = false;
        for (const { type, id } of places) {
          if (type !== 'deployment' || deployments.has(id)) continue;
          try {
            const urgency = isRead ? 'fresh' : 'needed';
            const found = await api.ask(DEPLOYMENT, { id }, deployment, urgency);
            if (deployments.size >= DEPLOYMENTS_KEPT) deployments.clear();
            deployments.set(id, new Set([found.deployment.environmentId]));
            hasLearnt = true;
          } catch {
            // It stays unresolved, and counts as sealed; what only reads it is refused.
          }
        }
        return hasLearnt;
      },
    },
  });
}

/** Instances of the volumes that were named, in the environments that the act may reach. */
export function volumesAt(
  { environments, estate }: Whereabouts<RailwayEstate>,
  calls: readonly (readonly PlaceRef[])[],
): readonly EstateVolume[] {
  const named = new Set(calls.flat().map(({ id }) => id));
  const ids = new Set(environments.map(({ id }) => id));
  return (estate?.volumes ?? []).filter(
    ({ volumeId, instanceId, environmentId }) =>
      (named.has(volumeId) || named.has(instanceId)) && ids.has(environmentId),
  );
}
