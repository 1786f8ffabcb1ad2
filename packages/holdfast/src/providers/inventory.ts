/**
 * Which environments does an id mean? Kept by Holdfast itself, because most of what destroys names no
 * environment at all, and an agent's own word for it is worth nothing.
 *
 * A snapshot is taken again when it is old, and at once when something is asked for that is not in it;
 * both within the provider's rate limit. What is not found even then is `unresolved`: it counts as
 * sealed.
 */
import type { Clock } from '../model/clock.ts';
import { messageOf } from '../model/errors.ts';
import { PROVIDER_ESTATE_MS, PROVIDER_LOOK_AGAIN_MS } from '../model/limits.ts';

/** An id that says where a call acts. */
export interface PlaceRef {
  readonly type: string;
  readonly id: string;
}

/** An environment as the provider has it; what it calls so differs. */
export interface EstateEnvironment {
  readonly id: string;
  readonly name: string;
  readonly projectId: string;
  readonly projectName: string;
}

/** What there is at a provider, at one time. */
export interface Estate {
  readonly environments: readonly EstateEnvironment[];
  /** By kind and id (`service s-1`): ids of the environments it is in. */
  readonly placed: ReadonlyMap<string, ReadonlySet<string>>;
  readonly takenAt: Date;
}

export type Sets = readonly (ReadonlySet<string> | undefined)[];

export interface Whereabouts<Of extends Estate = Estate> {
  /** All that the act may reach; empty when nothing was named, or nothing found. */
  readonly environments: Of['environments'];
  /** Of each call apart, by ids: what one of them may do says nothing of the one beside it. */
  readonly byCall: readonly (readonly string[])[];
  readonly unresolved: readonly PlaceRef[];
  /** What this is read from; null: there is none. */
  readonly estate: Of | null;
  /** Why there is no newer one; null when it is fresh. */
  readonly trouble: string | null;
  /** No newer one was to be had: for what changes something, it no longer says where that is. */
  readonly isOld: boolean;
}

export interface Found<Of extends Estate> extends Whereabouts<Of> {
  /** Of the inventory when this was found: while it has the same, all but `isOld` would be the same. */
  readonly mark: object;
}

/** Sets of environments; with more of them at once, the others are put together each time. */
const FOUND_KEPT_MAX = 256;

export interface InventoryOptions<Of extends Estate> {
  readonly clock: Clock;
  /** Rejects when the provider cannot be asked, or has more than can be listed. */
  readonly take: () => Promise<Of>;
  /** What one call may reach, by the places it names and where each was found. */
  readonly reachOf: (places: readonly PlaceRef[], sets: Sets) => ReadonlySet<string>;
  /** Environments of what no snapshot has; undefined: it does not know either. */
  readonly others?: {
    /** True when it knows more than before. */
    lookUp(places: readonly PlaceRef[], isRead: boolean): Promise<boolean>;
    of(place: PlaceRef): ReadonlySet<string> | undefined;
  };
}

export class Inventory<Of extends Estate> {
  readonly #options: InventoryOptions<Of>;
  #estate: Of | null = null;
  #takenAtMs = Number.NEGATIVE_INFINITY;
  #triedAtMs = Number.NEGATIVE_INFINITY;
  #taking: Promise<void> | null = null;
  #trouble: string | null = null;
  /** How often something was made or removed, and how often it had been when the list was begun. */
  #changes = 0;
  #changesSeen = 0;
  #mark: object = {};
  /** What was found under this mark, by where it is: most calls of an agent are for one place. */
  #found = new Map<string, Found<Of>>();

  constructor(options: InventoryOptions<Of>) {
    this.#options = options;
  }

  /**
   * `calls`: what each call names. `isRead`: nothing would change, so what is known is good enough. Never
   * rejects.
   */
  async find(calls: readonly (readonly PlaceRef[])[], isRead: boolean): Promise<Found<Of>> {
    const isOld = this.#oldSince();
    if (this.#estate === null || (!isRead && isOld())) await this.#take();
    // One that was being taken already may be of before a change that this call comes after.
    if (!isRead && isOld() && this.#trouble === null) await this.#take();
    await this.#lookUpOthers(calls.flat(), isRead);
    let found = this.#in(calls, isOld());
    if (found.unresolved.length > 0 && !isRead && this.#mayLookAgain()) {
      await this.#take();
      found = this.#in(calls, isOld());
    }
    return found;
  }

  /** For what only reads: at once, by what is known. Null: there is no list yet; `find` asks for it. */
  findKnown(calls: readonly (readonly PlaceRef[])[]): Found<Of> | null {
    if (this.#estate === null) return null;
    return this.#in(calls, this.#oldSince()());
  }

  /** Whether the list there is by then is too old for who asks now. */
  #oldSince(): () => boolean {
    const sinceMs = this.#options.clock.monotonicMs() - PROVIDER_ESTATE_MS;
    const changes = this.#changes;
    return () => this.#takenAtMs < sinceMs || this.#changesSeen < changes;
  }

  /** Another object as soon as something else may be found. */
  get mark(): object {
    return this.#mark;
  }

  /** Something was made or removed: what is known is old. */
  forget(): void {
    this.#changes += 1;
  }

  async #lookUpOthers(places: readonly PlaceRef[], isRead: boolean): Promise<void> {
    const hasLearnt = await this.#options.others?.lookUp(places, isRead);
    if (hasLearnt === true) this.#markAnew();
  }

  #mayLookAgain(): boolean {
    return this.#options.clock.monotonicMs() - this.#triedAtMs > PROVIDER_LOOK_AGAIN_MS;
  }

  #take(): Promise<void> {
    this.#taking ??= this.#takeOne().finally(() => {
      this.#taking = null;
    });
    return this.#taking;
  }

  async #takeOne(): Promise<void> {
    const { clock, take } = this.#options;
    const startedMs = clock.monotonicMs();
    const changes = this.#changes;
    this.#triedAtMs = startedMs;
    try {
      this.#estate = await take();
      this.#takenAtMs = startedMs;
      this.#changesSeen = changes;
      this.#trouble = null;
    } catch (error) {
      this.#trouble = messageOf(error);
    } finally {
      this.#markAnew();
    }
  }

  #markAnew(): void {
    this.#mark = {};
    this.#found.clear();
  }

  #in(calls: readonly (readonly PlaceRef[])[], isOld: boolean): Found<Of> {
    const { others, reachOf } = this.#options;
    const estate = this.#estate;
    const trouble = this.#trouble;
    const mark = this.#mark;
    const places = calls.flat();
    if (estate === null) {
      const byCall = calls.map(environmentsIn);
      return { environments: [], byCall, unresolved: places, estate, trouble, isOld, mark };
    }
    const ids = new Set<string>();
    const byCall: (readonly string[])[] = [];
    const unresolved: PlaceRef[] = [];
    for (const asked of calls) {
      const call = asked.map((place) => asListed(estate, place));
      const sets = call.map(
        (place) => others?.of(place) ?? estate.placed.get(`${place.type} ${place.id}`),
      );
      const lost = call.filter((_place, at) => sets[at] === undefined);
      unresolved.push(...lost);
      const reached = [...reachOf(call, sets)];
      for (const id of reached) ids.add(id);
      // Named, and not known: whatever else it names says nothing of where that is.
      const unknown = environmentsIn(lost);
      byCall.push(unknown.length > 0 ? unknown : reached);
    }
    const each = byCall.map((reached) => reached.join(' ')).join(',');
    const key = unresolved.length === 0 ? `${isOld} ${each}` : null;
    const known = key === null ? undefined : this.#found.get(key);
    if (known !== undefined) return known;
    const environments = estate.environments.filter(({ id }) => ids.has(id));
    const found = { environments, byCall, unresolved, estate, trouble, isOld, mark };
    if (key !== null && this.#found.size < FOUND_KEPT_MAX) this.#found.set(key, found);
    return found;
  }
}

function environmentsIn(places: readonly PlaceRef[]): readonly string[] {
  return places.flatMap(({ id, type }) => (type === 'environment' ? [id] : []));
}

/** Under the id that the list has it by. */
function asListed({ placed }: Estate, place: PlaceRef): PlaceRef {
  const { id, type } = place;
  if (placed.has(`${type} ${id}`)) return place;
  const same = canonical(id);
  return same !== null && placed.has(`${type} ${same}`) ? { type, id: same } : place;
}

/** A UUID as RFC 9562 writes it; databases take it in capitals, in braces and without its dashes, too. */
function canonical(id: string): string | null {
  const digits = id.replaceAll(/[{}-]/g, '').toLowerCase();
  const [, a, b, c, d, e] =
    /^([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$/.exec(digits) ?? [];
  return e === undefined ? null : [a, b, c, d, e].join('-');
}

/** Where ids are, gathered while an estate is made. */
export class Placed {
  readonly #sets = new Map<string, Set<string>>();

  add(type: string, id: string, environmentId: string): void {
    const key = `${type} ${id}`;
    const known = this.#sets.get(key);
    if (known === undefined) this.#sets.set(key, new Set([environmentId]));
    else known.add(environmentId);
  }

  get sets(): ReadonlyMap<string, ReadonlySet<string>> {
    return this.#sets;
  }
}

/**
 * An environment that is named narrows what is found by the other ids, where they have it; where they do
 * not, the request does not fit together, and everything it names counts.
 */
export function narrowedByEnvironment(
  places: readonly PlaceRef[],
  sets: Sets,
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

/**
 * Ids of a path, each inside of the one before: the last one tells. One that it is not inside of makes
 * the request not fit together, and everything it names counts.
 */
export function narrowedByPath(_places: readonly PlaceRef[], sets: Sets): ReadonlySet<string> {
  const last = sets.at(-1);
  const all = new Set<string>(last);
  for (const set of sets) {
    if (set === undefined) continue;
    const fits = last !== undefined && [...last].every((id) => set.has(id));
    if (!fits) for (const id of set) all.add(id);
  }
  return all;
}
