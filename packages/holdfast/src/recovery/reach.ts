/**
 * How far one vault brings a target, by its newest point and what is streamed after it. Never more than
 * is known: what a stream does not carry counts from the point, and a dump that nothing follows brings
 * back its own moment only. Past a gap nothing is brought until there is a new point.
 */
import { wholeFrom } from './clocks.ts';
import { listPieces, newestStoredAt } from './engines/dump/pieces.ts';
import type { StreamState } from './engines/engine.ts';
import type { RecoveryWindow, StoredPoint } from './recovery-point.ts';
import type { Vault } from './vaults/vault.ts';

export interface Reach {
  /** Everything that committed until then is in the vault; null: nothing is known. */
  readonly durableAt: Date | null;
  /** Any moment of it; null: nowhere. */
  readonly window: RecoveryWindow | null;
  /** What it hangs on: `changes` as `WAL` goes on after the point, a `dump` ends with itself. */
  readonly by: 'WAL' | 'changes' | 'dump';
}

/** Nothing is known of what lies there. */
export const UNREACHED: Reach = { durableAt: null, window: null, by: 'WAL' };

/** `state` null: this process streams nothing, and `newestWalAt` is asked. */
export async function reachOf(
  points: readonly StoredPoint[],
  state: StreamState | null,
  vault: Vault,
  newestWalAt: () => Promise<Date | null>,
): Promise<Reach> {
  if (points.at(-1)?.engine === 'dump') return reachOfDumps(points, state, vault);
  const isCut = state?.hasGap === true;
  const durableAt = isCut ? null : (state?.durableAt ?? (await newestWalAt()));
  return { durableAt, window: windowOf(points, durableAt), by: 'WAL' };
}

/** Of points whose newest is a dump. `state` null: this process streams nothing. */
export async function reachOfDumps(
  points: readonly StoredPoint[],
  state: StreamState | null,
  vault: Vault,
): Promise<Reach> {
  const newest = points.at(-1);
  if (newest === undefined) return { durableAt: null, window: null, by: 'dump' };
  const { systemIdentifier } = newest.server;
  const moment = new Date(newest.startedAt);
  const isFollowed = newest.wal !== null && state?.hasGap !== true;
  if (!isFollowed) return { durableAt: moment, window: { from: moment, to: moment }, by: 'dump' };
  const streamedAt =
    state === null
      ? newestStoredAt(await listPieces(vault, newest.target, systemIdentifier))
      : state.durableAt;
  const to = streamedAt !== null && streamedAt > moment ? streamedAt : moment;
  const oldest = points.find(({ wal }) => wal !== null) ?? newest;
  const from = wholeFrom(oldest);
  const window = { from, to: later(to, from) };
  const carriesAll = newest.dump?.carriesAll === true && (state?.notCarried ?? []).length === 0;
  return { durableAt: carriesAll ? to : moment, window, by: carriesAll ? 'changes' : 'dump' };
}

/** Without WAL since, a point brings back its own moment only. */
function windowOf(points: readonly StoredPoint[], durableAt: Date | null): RecoveryWindow | null {
  const [oldest] = points;
  const newest = points.at(-1);
  if (oldest === undefined || newest === undefined) return null;
  const whole = wholeFrom(newest);
  return {
    from: wholeFrom(oldest),
    to: durableAt === null ? whole : later(durableAt, whole),
  };
}

function later(one: Date, other: Date): Date {
  return one > other ? one : other;
}
