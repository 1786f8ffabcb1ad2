/**
 * How far each point of one vault brings a target: the newest as far as the vault (`reach.ts`), one before it
 * through the next, where what was streamed in between leads on without a hole, and else to the hole. So what
 * came after a gap never counts for a point that lies before it, however fresh the stream is.
 *
 * What lies between two points once both are there does not change: it is listed once for each pair, and
 * remembered. Where nothing tells, a point reaches its own moment.
 */
import { wholeFrom } from './clocks.ts';
import { chainFrom, listPieces, newestStoredAt } from './engines/dump/pieces.ts';
import { readWalListing, type WalListing } from './engines/pull/wal-listing.ts';
import { walBetween } from './engines/pull/wal-reach.ts';
import { lsnOf } from './lsn.ts';
import type { RecoveryWindow, StoredPoint } from './recovery-point.ts';
import type { Vault } from './vaults/vault.ts';

/** By the digest of a point: everything that committed until then comes back from it; null: nothing is known. */
export type PointReaches = ReadonlyMap<string, Date | null>;

export interface Reached {
  readonly reaches: PointReaches;
  /** By the digest of a point: what was streamed between it and the newest has a hole. */
  readonly holed: ReadonlySet<string>;
}

/** `through`: as far as the next point reaches. `isHole`: what was streamed should lead there, and does not. */
type Between =
  | { readonly kind: 'through' }
  | { readonly kind: 'until'; readonly at: Date; readonly isHole: boolean };

/** `isFinal`: no more comes that could change it. */
type Looked = Between & { readonly isFinal: boolean };

/** Read when it is first asked for, and no more than once in one look. */
interface Listings {
  readonly wal: (of: StoredPoint) => Promise<WalListing>;
  readonly pieces: (of: StoredPoint) => ReturnType<typeof listPieces>;
}

export class PointReach {
  readonly #vault: Vault;
  readonly #known = new Map<string, Between>();
  /** As `endOf` has just listed it, for the `of` that follows. */
  #listed: WalListing | null = null;

  constructor(vault: Vault) {
    this.#vault = vault;
  }

  /** `points` of one server, oldest first; `newestAt`: of the vault, so of the last of them. */
  async of(points: readonly StoredPoint[], newestAt: Date | null): Promise<Reached> {
    const reaches = new Map<string, Date | null>();
    const holed = new Set<string>();
    const listings = this.#listings(this.#listed);
    this.#listed = null;
    const following = new Map<StoredPoint['engine'], StoredPoint>();
    const newest = points.at(-1);
    for (const point of points.toReversed()) {
      const after = following.get(point.engine) ?? null;
      following.set(point.engine, point);
      if (point === newest) {
        reaches.set(point.digest, newestAt);
        continue;
      }
      const between = await this.#between(point, after, newest, listings);
      const next = after?.digest ?? '';
      const isThrough = between.kind === 'through';
      reaches.set(point.digest, isThrough ? (reaches.get(next) ?? null) : between.at);
      if (isThrough ? holed.has(next) : between.isHole) holed.add(point.digest);
    }
    return { reaches, holed };
  }

  /** Where WAL that leads on from a pulled point without a hole ends, when nobody streams here; null: nowhere. */
  async endOf(point: StoredPoint): Promise<Date | null> {
    if (point.wal === null) return null;
    this.#listed = await this.#walOf(point);
    const found = walBetween(point.wal, null, this.#listed);
    return found.kind === 'cut' ? found.at : null;
  }

  /** `after` null: another engine takes points since, up to `newest`. */
  async #between(
    point: StoredPoint,
    after: StoredPoint | null,
    newest: StoredPoint | undefined,
    listings: Listings,
  ): Promise<Between> {
    const name = `${point.digest}>${after?.digest ?? `>${newest?.digest ?? ''}`}`;
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const { isFinal, ...found } = await look(point, after, listings);
    if (isFinal) this.#known.set(name, found);
    return found;
  }

  #listings(listed: WalListing | null): Listings {
    let wal: Promise<WalListing> | null = listed === null ? null : Promise.resolve(listed);
    let pieces: ReturnType<typeof listPieces> | null = null;
    return {
      wal: (of) => {
        wal ??= this.#walOf(of);
        return wal;
      },
      pieces: ({ server, target }) => {
        pieces ??= listPieces(this.#vault, target, server.systemIdentifier);
        return pieces;
      },
    };
  }

  #walOf({ server, target }: StoredPoint): Promise<WalListing> {
    const { systemIdentifier, walSegmentBytes } = server;
    return readWalListing(this.#vault, target, systemIdentifier, walSegmentBytes);
  }
}

/** From where a point leads to no farther, to where the next one is whole: no moment between comes back. */
export function gapsBetween(
  points: readonly StoredPoint[],
  reaches: PointReaches,
): readonly RecoveryWindow[] {
  return points.flatMap((point, index) => {
    const next = points[index + 1];
    if (next === undefined) return [];
    const reach = reaches.get(point.digest)?.getTime() ?? 0;
    const from = new Date(Math.max(reach, wholeFrom(point).getTime()));
    const to = wholeFrom(next);
    return from < to ? [{ from, to }] : [];
  });
}

const THROUGH = { kind: 'through', isFinal: true } as const;

async function look(
  point: StoredPoint,
  after: StoredPoint | null,
  listings: Listings,
): Promise<Looked> {
  switch (point.engine) {
    case 'pgbackrest':
      // Its archive is not ours to list: pgBackRest keeps it whole behind its oldest backup.
      return after === null ? own(point) : THROUGH;
    case 'pull': {
      if (point.wal === null) return own(point);
      const found = walBetween(point.wal, after?.wal ?? null, await listings.wal(point));
      if (found.kind === 'whole') return THROUGH;
      return { ...until(point, found.at), isHole: after !== null };
    }
    case 'dump':
      return betweenDumps(point, after, listings);
    default:
      return point.engine satisfies never;
  }
}

/** Only where both carry everything, of tables that are built alike. */
async function betweenDumps(
  point: StoredPoint,
  after: StoredPoint | null,
  listings: Listings,
): Promise<Looked> {
  const start = lsnOf(point.wal?.startLsn ?? '');
  if (start === null || point.dump?.carriesAll !== true) return own(point);
  // What was built anew ends what the changes carry as a hole does, until a newer dump is proven.
  if (after !== null && !isAlike(point, after)) return { ...own(point), isHole: true };
  const pieces = await listings.pieces(point);
  const chain = chainFrom(pieces, start);
  const goal = lsnOf(after?.wal?.startLsn ?? '');
  const end = chain.at(-1)?.to ?? start;
  if (goal !== null && end >= goal) return THROUGH;
  // Changes are stored a moment after they came: a hole is one when something lies behind it.
  const isFinal = goal === null || pieces.some(({ from }) => from > end);
  return { ...until(point, newestStoredAt(chain)), isFinal, isHole: isFinal && after !== null };
}

function isAlike({ dump }: StoredPoint, after: StoredPoint): boolean {
  return after.dump?.carriesAll === true && after.dump.structure === dump?.structure;
}

/** A dump is of the moment that it began with. */
function own(point: StoredPoint): Extract<Looked, { kind: 'until' }> {
  const at = point.engine === 'dump' ? point.startedAt : point.endedAt;
  return { kind: 'until', at: new Date(at), isHole: false, isFinal: true };
}

function until(point: StoredPoint, at: Date | null): Extract<Looked, { kind: 'until' }> {
  const mine = own(point);
  if (at === null || at < mine.at) return mine;
  return { ...mine, at };
}
