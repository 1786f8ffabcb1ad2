/**
 * Which environments does an id mean? Kept by Holdfast itself, because most of what destroys names no
 * environment at all, and an agent's own word for it is worth nothing.
 *
 * A snapshot is taken again when it is old, and at once when something is asked for that is not in it;
 * both within Railway's rate limit. What is not found even then is `unresolved`: it counts as sealed.
 */
import { z } from 'zod';
import type { Clock } from '../../model/clock.ts';
import { RAILWAY_ESTATE_MS, RAILWAY_LOOK_AGAIN_MS } from '../../model/limits.ts';
import type { RailwayApi } from './api.ts';
import { type Estate, type EstateEnvironment, type EstateVolume, takeEstate } from './estate.ts';
import type { PlaceRef } from './reading.ts';

const DEPLOYMENT =
  'query HoldfastDeployment($id: String!) { deployment(id: $id) { environmentId } }';
const deployment = z.object({ deployment: z.object({ environmentId: z.string() }) });
const DEPLOYMENTS_KEPT = 1_000;

export interface Whereabouts {
  /** All that the act may reach; empty when nothing was named, or nothing found. */
  readonly environments: readonly EstateEnvironment[];
  readonly unresolved: readonly PlaceRef[];
  /** Instances of the volumes that were named, in those environments. */
  readonly volumes: readonly EstateVolume[];
  /** When what this is read from was taken; null: there is none. */
  readonly takenAt: Date | null;
  /** Why there is no newer one; null when it is fresh. */
  readonly trouble: string | null;
}

export interface InventoryOptions {
  readonly api: RailwayApi;
  readonly kind: 'account' | 'project';
  readonly clock: Clock;
}

export class Inventory {
  readonly #options: InventoryOptions;
  #estate: Estate | null = null;
  readonly #deployments = new Map<string, ReadonlySet<string>>();
  #takenAtMs = Number.NEGATIVE_INFINITY;
  #triedAtMs = Number.NEGATIVE_INFINITY;
  #taking: Promise<void> | null = null;
  #trouble: string | null = null;

  constructor(options: InventoryOptions) {
    this.#options = options;
  }

  /**
   * `calls`: what each call names. `isRead`: nothing would change, so what is known is good enough. Never
   * rejects.
   */
  async find(calls: readonly (readonly PlaceRef[])[], isRead: boolean): Promise<Whereabouts> {
    const ageMs = this.#options.clock.monotonicMs() - this.#takenAtMs;
    if (this.#estate === null || (!isRead && ageMs > RAILWAY_ESTATE_MS)) await this.#take();
    if (!isRead) await this.#lookUpDeployments(calls.flat());
    let found = this.#in(calls);
    if (found.unresolved.length > 0 && !isRead && this.#mayLookAgain()) {
      await this.#take();
      found = this.#in(calls);
    }
    return found;
  }

  /** Something was made or removed: what is known is old. */
  forget(): void {
    this.#takenAtMs = Number.NEGATIVE_INFINITY;
  }

  #mayLookAgain(): boolean {
    return this.#options.clock.monotonicMs() - this.#triedAtMs > RAILWAY_LOOK_AGAIN_MS;
  }

  #take(): Promise<void> {
    this.#taking ??= this.#takeOne().finally(() => {
      this.#taking = null;
    });
    return this.#taking;
  }

  async #takeOne(): Promise<void> {
    const { api, kind, clock } = this.#options;
    const startedMs = clock.monotonicMs();
    this.#triedAtMs = startedMs;
    try {
      this.#estate = await takeEstate(api, kind, clock.now(), 'needed');
      this.#takenAtMs = startedMs;
      this.#trouble = null;
    } catch (error) {
      this.#trouble = error instanceof Error ? error.message : String(error);
    }
  }

  /** There are too many of them for a snapshot, and they come by the minute. */
  async #lookUpDeployments(places: readonly PlaceRef[]): Promise<void> {
    for (const { type, id } of places) {
      if (type !== 'deployment' || this.#deployments.has(id)) continue;
      try {
        const found = await this.#options.api.ask(DEPLOYMENT, { id }, deployment, 'needed');
        if (this.#deployments.size >= DEPLOYMENTS_KEPT) this.#deployments.clear();
        this.#deployments.set(id, new Set([found.deployment.environmentId]));
      } catch {
        // It stays unresolved, and counts as sealed.
      }
    }
  }

  #in(calls: readonly (readonly PlaceRef[])[]): Whereabouts {
    const estate = this.#estate;
    const takenAt = estate?.takenAt ?? null;
    const trouble = this.#trouble;
    const places = calls.flat();
    if (estate === null) {
      return { environments: [], unresolved: places, volumes: [], takenAt, trouble };
    }
    const setOf = ({ type, id }: PlaceRef): ReadonlySet<string> | undefined =>
      type === 'deployment' ? this.#deployments.get(id) : estate.placed.get(`${type} ${id}`);
    const ids = new Set(calls.flatMap((call) => [...narrowed(call, call.map(setOf))]));
    const named = new Set(places.map(({ id }) => id));
    return {
      environments: estate.environments.filter(({ id }) => ids.has(id)),
      unresolved: places.filter((place) => setOf(place) === undefined),
      volumes: estate.volumes.filter(
        ({ volumeId, instanceId, environmentId }) =>
          (named.has(volumeId) || named.has(instanceId)) && ids.has(environmentId),
      ),
      takenAt,
      trouble,
    };
  }
}

/**
 * An environment that is named narrows what is found by the other ids, where they have it; where they do
 * not, the request does not fit together, and everything it names counts.
 */
function narrowed(
  places: readonly PlaceRef[],
  sets: readonly (ReadonlySet<string> | undefined)[],
): ReadonlySet<string> {
  const said = new Set(places.filter(({ type }) => type === 'environment').map(({ id }) => id));
  const all = new Set<string>(said);
  for (const set of sets) {
    if (set === undefined) continue;
    const fits = said.size > 0 && [...said].every((id) => set.has(id));
    if (!fits) for (const id of set) all.add(id);
  }
  return all;
}
