/**
 * Which recovery point a restore begins with: for a moment or a position the newest that was whole by
 * then, since it has the least WAL to replay. What the vault does not reach is refused before a byte is
 * fetched, and the refusal names what it does reach. An object that does not read as a point is passed over,
 * or whoever can write one file into the vault could refuse every restore; what was named itself is not. Nor does
 * one of the same name in another place stand for ours.
 *
 * It reads keys and point.json only. Whether the WAL has a gap on the way is found by the restore itself.
 */
import { HoldfastError } from '../../model/errors.ts';
import { wholeFrom } from '../clocks.ts';
import { listPieces, newestStoredAt } from '../engines/dump/pieces.ts';
import type { RestoreGoal } from '../engines/engine.ts';
import { readWalListing, type WalListing } from '../engines/pull/wal-listing.ts';
import { lsnOf } from '../lsn.ts';
import type { PointSeal, SealVerdict } from '../point-seal.ts';
import { isItself, readSealedPoint } from '../point-store.ts';
import { type SealedPoint, sortPoints } from '../point-trust.ts';
import type { RecoveryPoint, RecoveryWindow, StoredPoint } from '../recovery-point.ts';
import type { StoredObject, Vault } from '../vaults/vault.ts';

/** One that was looked at before; whichever else leads to the same goal is not meant. */
export interface PinnedPoint {
  readonly id: string;
  /** SHA-256 of its point.json. */
  readonly digest: string;
}

/** What a person asks for. `point`: as it was when that point became whole; `newest`: all there is. */
export type RestoreWish =
  | { readonly kind: 'at'; readonly at: Date; readonly from?: PinnedPoint }
  | { readonly kind: 'lsn'; readonly lsn: string; readonly from?: PinnedPoint }
  | { readonly kind: 'point'; readonly id: string }
  | { readonly kind: 'newest' };

export interface Choice {
  readonly point: StoredPoint;
  /** By this installation; null: nobody here can tell. */
  readonly verdict: SealVerdict;
  readonly goal: RestoreGoal;
  readonly window: RecoveryWindow;
}

export interface Chosen extends Choice {
  readonly wal: WalListing;
}

/** Beyond the newest WAL by less, the server's clock may be ahead of the vault's: the restore decides. */
const CLOCKS_APART_MS = 5 * 60_000;

/**
 * Rejects with HF_RESTORE_WINDOW, and with HF_RECOVERY_DAMAGED when the point that is named, or every one, does not
 * read. `asOf`: the vault is a view of it as it was then.
 */
export async function choosePoint(
  vault: Vault,
  target: string,
  wish: RestoreWish,
  seal: PointSeal,
  asOf: Date | null = null,
): Promise<Chosen> {
  const all = await pointsIn(vault, target, wish, seal);
  if (all.length === 0 && asOf !== null) throw noPoint(target, asOf);
  return chooseAmong(all, vault, target, wish);
}

/** As `choosePoint`, of what lies there and was read already. */
export async function chooseAmong(
  all: readonly SealedPoint[],
  vault: Vault,
  target: string,
  wish: RestoreWish,
): Promise<Chosen> {
  const points = meant(all, target, wish);
  const point = wish.kind === 'point' ? named(all, target, wish.id) : pick(points, target, wish);
  const verdict = all.find((one) => one.point === point)?.verdict ?? 'none';
  const { systemIdentifier, walSegmentBytes } = point.server;
  const wal = await readWalListing(vault, target, systemIdentifier, walSegmentBytes);
  const same = points.filter((one) => one.server.systemIdentifier === systemIdentifier);
  const streamedAt =
    point.engine === 'dump'
      ? newestStoredAt(await listPieces(vault, target, systemIdentifier))
      : wal.newestStoredAt;
  const window = windowOf(same, streamedAt);
  // Where the WAL lies elsewhere, the restore finds out how far it goes.
  const isHere = point.repository === undefined;
  if (isHere && wish.kind === 'at' && wish.at.getTime() > window.to.getTime() + CLOCKS_APART_MS) {
    throw beyond(
      wish.at.toISOString(),
      `${point.engine === 'dump' ? 'changes' : 'WAL'} of ${target} up to ${window.to.toISOString()}`,
      'Nobody knows what committed after that. Choose an earlier moment, or take all there is.',
    );
  }
  return { point, verdict, goal: goalOf(wish, point), window, wal };
}

/** All that read as points of it, oldest first; whose they are is said of each. */
export async function pointsIn(
  vault: Vault,
  target: string,
  wish: RestoreWish,
  seal: PointSeal,
): Promise<readonly SealedPoint[]> {
  const objects: StoredObject[] = [];
  for await (const object of vault.list(`${target}/`, null)) {
    if (object.key.endsWith('/point.json')) objects.push(object);
  }
  const points: SealedPoint[] = [];
  let damage: HoldfastError | null = null;
  let ofNamed: HoldfastError | null = null;
  for (const object of objects) {
    try {
      const read = await readSealedPoint(vault, object, seal);
      if (isItself(read.point, object.key)) points.push(read);
    } catch (error) {
      const isDamage = error instanceof HoldfastError && error.code === 'HF_RECOVERY_DAMAGED';
      if (!isDamage) throw error;
      const isNamed = wish.kind === 'point' && object.key.endsWith(`/${wish.id}/point.json`);
      if (isNamed) ofNamed ??= error;
      damage ??= error;
    }
  }
  const isRead = wish.kind === 'point' && points.some(({ point }) => point.id === wish.id);
  if (ofNamed !== null && !isRead) throw ofNamed;
  if (points.length === 0 && damage !== null) throw damage;
  return points
    .filter(({ point }) => point.target === target)
    .sort((one, other) => wholeFrom(one.point).getTime() - wholeFrom(other.point).getTime());
}

function meant(
  all: readonly SealedPoint[],
  target: string,
  wish: RestoreWish,
): readonly StoredPoint[] {
  if (wish.kind === 'point') return all.map(({ point }) => point);
  if (wish.kind !== 'newest' && wish.from !== undefined) return [pinned(all, target, wish.from)];
  const points = trusted(all);
  if (wish.kind !== 'lsn') return points;
  // Each cluster has positions of its own: of ours, where that is one.
  const ours = all.filter(({ verdict }) => verdict === 'ours');
  const systems = new Set(ours.map(({ point }) => point.server.systemIdentifier));
  if (systems.size !== 1) return points;
  return points.filter(({ server }) => systems.has(server.systemIdentifier));
}

/** Whoever pinned it knows whose it is. */
function pinned(
  all: readonly SealedPoint[],
  target: string,
  { digest, id }: PinnedPoint,
): StoredPoint {
  const found = all.find(({ point }) => point.id === id && point.digest === digest);
  if (found !== undefined) return found.point;
  const other = all.find(({ point }) => point.id === id)?.point;
  throw beyond(
    `the very point ${id} (${digest.slice(0, 16)}…) of ${target}`,
    other === undefined ? 'none of that id' : `another one: ${other.digest.slice(0, 16)}…`,
    'Look at what lies there now, and ask for that.',
  );
}

/**
 * What a moment may lead to: ours, and what is older than all of ours: from before seals, of another installation
 * that kept its points here, or of this vault under another name. Where none is ours, whatever is not broken may
 * be meant; it is said of each.
 */
export function trusted(all: readonly SealedPoint[]): readonly StoredPoint[] {
  const { others, ours, unsealed } = sortPoints(all);
  const meant = new Set([...unsealed, ...ours, ...others.map(({ point }) => point)]);
  return all.map(({ point }) => point).filter((point) => meant.has(point));
}

/** Ours before any other of that name: a cluster's folder is for anybody to make who can write there. */
function named(all: readonly SealedPoint[], target: string, id: string): StoredPoint {
  const same = all.filter(({ point }) => point.id === id);
  const ours = same.filter(({ verdict }) => verdict === 'ours');
  const [first, ...more] = ours.length > 0 ? ours : same;
  if (first === undefined) {
    const ids = all.slice(-3).map(({ point }) => point.id);
    if (ids.length === 0) throw noPoint(target, null);
    throw beyond(
      `the recovery point ${id} of ${target}`,
      `others: ${ids.join(', ')}${all.length > ids.length ? ' and older ones' : ''}`,
      'See `holdfast recovery status`.',
    );
  }
  if (more.length === 0) return first.point;
  const systems = [first, ...more].map(({ point }) => point.server.systemIdentifier);
  throw beyond(
    `one recovery point ${id} of ${target}`,
    `${systems.length}, of the clusters ${systems.join(', ')}, and none that this Holdfast sealed for this vault`,
    'Somebody may have made the others. Look who wrote them, and choose a moment, or the vault as it was before (--as-of).',
  );
}

function pick(
  points: readonly StoredPoint[],
  target: string,
  wish: Exclude<RestoreWish, { readonly kind: 'point' }>,
): StoredPoint {
  const newest = points.at(-1);
  const oldest = points[0];
  if (newest === undefined || oldest === undefined) throw noPoint(target, null);
  switch (wish.kind) {
    case 'newest':
      return newest;
    case 'at': {
      const whole = points.filter((one) => wholeFrom(one) <= wish.at);
      // One that can be brought forward before one that cannot.
      const point = whole.findLast(({ wal }) => wal !== null) ?? whole.at(-1);
      if (point !== undefined) return point;
      throw beyond(
        wish.at.toISOString(),
        `the oldest point of ${target} is whole from ${wholeFrom(oldest).toISOString()} on`,
        'Choose a later moment, or another vault.',
      );
    }
    case 'lsn':
      return pickByPosition(points, target, wish.lsn);
    default:
      return wish satisfies never;
  }
}

function pickByPosition(points: readonly StoredPoint[], target: string, text: string): StoredPoint {
  const lsn = lsnOf(text);
  if (lsn === null) throw beyond('a position such as 16/B374D848', text, 'Write it like that.');
  const systems = new Set(points.map(({ server }) => server.systemIdentifier));
  if (systems.size > 1) {
    throw beyond(
      'positions of one cluster',
      `points of ${systems.size} clusters that were ${target}, each with positions of its own`,
      'Name a moment or a point.',
    );
  }
  const endOf = (point: RecoveryPoint): bigint | null => lsnOf(point.wal?.endLsn ?? '');
  const point = points.findLast((one) => {
    const end = endOf(one);
    return end !== null && end <= lsn;
  });
  if (point !== undefined) return point;
  const first = points[0]?.wal?.endLsn ?? 'nowhere';
  throw beyond(
    text,
    `the oldest point of ${target} is whole from ${first} on`,
    'Choose a later one.',
  );
}

function windowOf(points: readonly RecoveryPoint[], newestStoredAt: Date | null): RecoveryWindow {
  const ends = points.map(wholeFrom);
  const from = ends[0] ?? new Date(0);
  return { from, to: newestStoredAt ?? ends.at(-1) ?? from };
}

function goalOf(wish: RestoreWish, point: RecoveryPoint): RestoreGoal {
  switch (wish.kind) {
    case 'at':
      return { at: wish.at, lsn: null };
    case 'lsn':
      return { at: null, lsn: wish.lsn };
    case 'point':
      return { at: null, lsn: point.wal?.endLsn ?? null };
    case 'newest':
      return { at: null, lsn: null };
    default:
      return wish satisfies never;
  }
}

export function noPoint(target: string, asOf: Date | null): HoldfastError {
  if (asOf === null) {
    return beyond(`a recovery point of ${target}`, 'none in this vault', 'Name another vault.');
  }
  return beyond(
    `a recovery point of ${target} in the vault as it was at ${asOf.toISOString()}`,
    'none that was stored by then and is still there',
    'Choose a later time, or another vault. Where a store keeps no versions, only what was written last is there.',
  );
}

function beyond(expected: string, found: string, hint: string): HoldfastError {
  return new HoldfastError('HF_RESTORE_WINDOW', { expected, found, hint });
}
