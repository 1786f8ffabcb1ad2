/**
 * Where a WAL stream goes on: the slot is made ready, and the end of what the vault has is held against
 * the server's timeline. Refused where going on would mix two histories: a server that is behind the
 * vault, or on a branch that does not come from there.
 */
import { HoldfastError } from '../../../model/errors.ts';
import type { TargetDatabase } from '../../../protection/target-database.ts';
import { lsnOf, lsnText, segmentStart } from '../../lsn.ts';
import { packBytes } from '../../packing/pack.ts';
import { newestPoint } from '../../point-store.ts';
import type { ServerFacts } from '../engine.ts';
import { streamSealer } from '../stream-seal.ts';
import type { PullOptions } from './pull-options.ts';
import type { ReplicationConnection, SystemIdentity } from './replication-connection.ts';
import { dropSlot, endOwnSender, isLost, lookAtSlot, type SlotLook } from './slot.ts';
import { nextTimeline, readHistory } from './timelines.ts';
import { historyKey, type WalListing, type WalPosition } from './wal-listing.ts';

/** One that was lost is made anew. `ownPid`: of the connection that we had before, if it is still there. */
export async function readySlot(
  database: TargetDatabase,
  connection: ReplicationConnection,
  slot: string,
  ownPid: number | null,
): Promise<SlotLook> {
  let look = await lookAtSlot(database, slot);
  if (look !== null && look.activePid !== null && look.activePid === ownPid) {
    await endOwnSender(database, ownPid);
  }
  if (look && isLost(look)) {
    await dropSlot(database, slot);
    look = null;
  }
  if (look === null) {
    await connection.createSlot(slot);
    look = await lookAtSlot(database, slot);
  }
  if (look === null || look.restartLsn === null) {
    throw new HoldfastError('HF_RECOVERY_SERVER', {
      expected: `a replication slot ${slot} that reserves WAL`,
      found: 'none',
      hint: 'Check max_replication_slots, and that nobody drops the slot.',
    });
  }
  return look;
}

/** From the end of the vault to the timeline of the server. */
export async function wayOn(
  known: WalPosition,
  identity: SystemIdentity,
  connection: ReplicationConnection,
  segmentBytes: number,
): Promise<WalPosition> {
  if (known.timeline === identity.timeline) {
    if (known.lsn <= identity.lsn) return known;
    throw new HoldfastError('HF_RECOVERY_SERVER', {
      expected: `a server that is at ${lsnText(known.lsn)} at least, where the vault is`,
      found: `${lsnText(identity.lsn)} on the same timeline`,
      hint: 'The server has lost what it had committed, or another copy of it answers. Nothing is stored until it is past that.',
    });
  }
  const history = readHistory(
    (await connection.timelineHistory(identity.timeline)).toString('utf8'),
  );
  const next = nextTimeline(history, identity.timeline, known.timeline);
  if (known.timeline > identity.timeline || next === null) {
    throw new HoldfastError('HF_RECOVERY_SERVER', {
      expected: `a server that goes on from timeline ${known.timeline}`,
      found: `timeline ${identity.timeline}, which does not`,
      hint: 'Another server of the same cluster has been promoted, or this one was restored: point Holdfast at the one that counts.',
    });
  }
  return known.lsn < next.start ? known : onTimeline(next, segmentBytes);
}

/** From the beginning of the segment that a timeline begins in: its file holds both. */
export function onTimeline(
  next: { readonly timeline: number; readonly start: bigint },
  segmentBytes: number,
): WalPosition {
  return { timeline: next.timeline, lsn: segmentStart(next.start, segmentBytes) };
}

/** What the newest point cannot be brought forward over, on its own timeline; null: nothing. */
export async function knownGap(
  { seal, target, vault }: PullOptions,
  { systemIdentifier }: ServerFacts,
  listing: WalListing,
): Promise<bigint | null> {
  const point = await newestPoint(vault, target, systemIdentifier, seal);
  // A dump needs no WAL: what it is brought forward with lies elsewhere.
  const wal = point?.engine === 'pull' ? point.wal : null;
  const lsn = lsnOf(wal?.startLsn ?? '');
  if (wal === null || lsn === null) return null;
  const covered = listing.coveredTo({ timeline: wal.timeline, lsn });
  const end = listing.newestOf(wal.timeline);
  return end !== null && (covered === null || covered < end) ? end : null;
}

export async function storeHistory(
  { vault, recipients, kept, seal, target }: PullOptions,
  { systemIdentifier }: ServerFacts,
  connection: ReplicationConnection,
  timeline: number,
): Promise<void> {
  const key = historyKey(target, systemIdentifier, timeline);
  const history = await connection.timelineHistory(timeline);
  const { body } = packBytes(history, recipients, streamSealer(seal, key));
  await vault.put(key, body, kept());
}
