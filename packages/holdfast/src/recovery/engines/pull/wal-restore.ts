/**
 * Brings the WAL that a restore needs into `pg_wal`: from the point's first segment on, along the history
 * of the newest timeline, up to the goal; whole segments where there are, else put together from their
 * pieces and filled with zeroes. Several are fetched at a time.
 *
 * Each gap up to the goal is HF_RECOVERY_WAL, and a goal that the WAL does not reach HF_RECOVERY_GOAL:
 * a server that starts on too little would stop early and call it success.
 */
import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HoldfastError } from '../../../model/errors.ts';
import { wholeFrom } from '../../clocks.ts';
import {
  lsnOf,
  lsnText,
  type SegmentPlace,
  segmentName,
  segmentStart,
  timelineName,
} from '../../lsn.ts';
import { inOrder } from '../../packing/in-order.ts';
import type { ProgressTeller } from '../../progress.ts';
import type { RecoveryPoint } from '../../recovery-point.ts';
import type { RestoreGoal } from '../engine.ts';
import { postgresMicros } from './messages.ts';
import { nextTimeline, readHistory } from './timelines.ts';
import { type CommitRecord, WalRecords } from './wal-records.ts';

const SEGMENTS_AT_ONCE = 2;
/** Records begin at multiples of eight bytes. */
const RECORD_ALIGNMENT = 8n;

/** WAL of one server, wherever it lies. */
export interface WalShelf {
  /** When the newest of it was stored. */
  readonly newestStoredAt: Date | null;
  /** The history of each timeline that has one. */
  histories(): AsyncIterable<{ readonly timeline: number; readonly text: Buffer }>;
  /** Whether anything of that segment is there. */
  has(place: SegmentPlace): boolean;
  /** The end of the last byte that there is, with or without a gap before it. */
  newestOf(timeline: number): bigint | null;
  /** Puts what there is of a segment, from its start without a gap, into `buffer`; how many bytes. */
  fetch(place: SegmentPlace, buffer: Buffer): Promise<number>;
}

export interface RestoredWal {
  readonly timeline: number;
  /** Lines of postgresql.conf; none: everything there is. */
  readonly target: readonly string[];
}

interface Stretch {
  readonly timeline: number;
  /** Of the next timeline's beginning; null: to the end. */
  readonly end: bigint | null;
}

interface Span {
  readonly timeline: number;
  readonly start: bigint;
  /** From its start, as many as there are. */
  readonly bytes: Buffer;
}

export async function restoreWal(
  shelf: WalShelf,
  point: RecoveryPoint,
  goal: RestoreGoal,
  walFolder: string,
  progress: ProgressTeller,
  signal: AbortSignal,
): Promise<RestoredWal> {
  const { walSegmentBytes } = point.server;
  const start = lsnOf(point.wal?.startLsn ?? '');
  const consistent = lsnOf(point.wal?.endLsn ?? '');
  const goalLsn = goal.lsn === null ? null : lsnOf(goal.lsn);
  if (point.wal === null || start === null || consistent === null) throw notPulled(point);
  if (goal.lsn !== null && goalLsn === null)
    throw unreached(goal.lsn, 'not a position such as 16/B374D848');
  if (goalLsn !== null && goalLsn < consistent) throw tooEarly(goal, lsnText(consistent));
  // The files hold what committed before they were copied, whenever that was.
  const whole = wholeFrom(point);
  if (goal.at !== null && goal.at < whole) throw tooEarly(goal, whole.toISOString());

  const path = await timelinePath(shelf, point.wal.timeline, start, walFolder);
  const first = segmentStart(start, walSegmentBytes);
  const search = new GoalSearch(goal, goalLsn);
  const records = new WalRecords(walSegmentBytes, start, (commit) => search.saw(commit));

  // One is written while the next is fetched, into the same two buffers over and over.
  const buffers: Buffer[] = [Buffer.alloc(walSegmentBytes), Buffer.alloc(walSegmentBytes)];
  const fetch = async (place: SegmentPlace): Promise<Span> => {
    const buffer = buffers.shift() ?? Buffer.alloc(walSegmentBytes);
    return { ...place, bytes: buffer.subarray(0, await shelf.fetch(place, buffer)) };
  };
  let end = first;
  let { timeline } = point.wal;
  let isFound = false;
  for await (const span of inOrder(
    places(shelf, path, first, walSegmentBytes),
    SEGMENTS_AT_ONCE,
    fetch,
  )) {
    signal.throwIfAborted();
    progress.add(span.bytes.length);
    await writeSegment(walFolder, span, walSegmentBytes);
    end = span.start + BigInt(span.bytes.length);
    timeline = span.timeline;
    records.push(span.start, span.bytes);
    buffers.push(Buffer.from(span.bytes.buffer));
    isFound = search.isFound(records);
    // What comes behind a segment that is not whole is of no use.
    if (isFound || span.bytes.length < walSegmentBytes) break;
  }
  const last = path.at(-1)?.timeline ?? timeline;
  if (!isFound) {
    const known = shelf.newestOf(last) ?? consistent;
    if (timeline !== last || end < known) throw missing(timeline, end, known, walSegmentBytes);
    if (end < consistent) throw missing(timeline, end, consistent, walSegmentBytes);
  }
  return {
    timeline: last,
    target: search.settings(records, end, consistent, shelf.newestStoredAt),
  };
}

/** What stands between the records and the goal. */
class GoalSearch {
  readonly #goal: RestoreGoal;
  readonly #goalLsn: bigint | null;
  #after: CommitRecord | null = null;

  constructor(goal: RestoreGoal, goalLsn: bigint | null) {
    this.#goal = goal;
    this.#goalLsn = goalLsn;
  }

  saw(commit: CommitRecord): void {
    const { at } = this.#goal;
    // Milliseconds are cut off: what committed within that of the goal counts as after it.
    if (at !== null && commit.micros > postgresMicros(at)) this.#after ??= commit;
  }

  /** The server needs no more WAL than what was read. */
  isFound({ lastStart }: WalRecords): boolean {
    if (this.#goal.at !== null) return this.#after !== null;
    return this.#goalLsn !== null && lastStart !== null && lastStart >= this.#goalLsn;
  }

  /** Without a record to stop at the server would refuse to start, so then there is no target. */
  settings(
    records: WalRecords,
    end: bigint,
    consistent: bigint,
    newestStoredAt: Date | null,
  ): readonly string[] {
    const { at } = this.#goal;
    // WAL that we could not read to its end may hold what we must stop before: the server shall look.
    const isRead = records.position + RECORD_ALIGNMENT > end;
    if (at !== null) {
      const isAhead = newestStoredAt === null || at > newestStoredAt;
      if (this.#after === null && isAhead) {
        throw unreached(
          at.toISOString(),
          `WAL up to ${newestStoredAt?.toISOString() ?? 'nowhere'}`,
        );
      }
      if (this.#after === null && isRead) return [];
      if (this.#after !== null && this.#after.lsn < consistent) {
        throw tooEarly(this.#goal, lsnText(consistent));
      }
      const time = at.toISOString().replace('T', ' ').replace('Z', '+00');
      return stoppingAt(`recovery_target_time = '${time}'`, 'on');
    }
    if (this.#goalLsn === null) return [];
    if (end < this.#goalLsn) throw unreached(lsnText(this.#goalLsn), `WAL up to ${lsnText(end)}`);
    if (!this.isFound(records) && isRead) return [];
    // What begins at the position came after whoever read it.
    return stoppingAt(`recovery_target_lsn = '${lsnText(this.#goalLsn)}'`, 'off');
  }
}

function stoppingAt(target: string, inclusive: 'on' | 'off'): readonly string[] {
  return [target, `recovery_target_inclusive = ${inclusive}`, "recovery_target_action = 'promote'"];
}

/** The point's timeline and those after it, on the way to the newest that has left it. */
async function timelinePath(
  shelf: WalShelf,
  from: number,
  start: bigint,
  walFolder: string,
): Promise<readonly Stretch[]> {
  const histories: { readonly timeline: number; readonly text: Buffer }[] = [];
  for await (const history of shelf.histories()) histories.push(history);
  let newest: { readonly timeline: number; readonly path: readonly Stretch[] } | null = null;
  for (const { text, timeline } of histories.sort((a, b) => a.timeline - b.timeline)) {
    await writeFile(join(walFolder, `${timelineName(timeline)}.history`), text, { mode: 0o600 });
    if (timeline <= from) continue;
    const history = readHistory(text.toString('utf8'));
    const path: Stretch[] = [];
    let at = from;
    for (
      let next = nextTimeline(history, timeline, at);
      next;
      next = nextTimeline(history, timeline, at)
    ) {
      path.push({ timeline: at, end: next.start });
      at = next.timeline;
    }
    const leftAt = path[0]?.end;
    if (leftAt === undefined || leftAt === null || leftAt < start) continue;
    newest = { timeline, path: [...path, { timeline, end: null }] };
  }
  return newest?.path ?? [{ timeline: from, end: null }];
}

/** Segments in order. Where a timeline begins inside one, the new timeline's file holds both. */
async function* places(
  shelf: WalShelf,
  path: readonly Stretch[],
  first: bigint,
  segmentBytes: number,
): AsyncIterable<SegmentPlace> {
  const size = BigInt(segmentBytes);
  let start = first;
  for (const { timeline, end } of path) {
    for (; end === null || start + size <= end; start += size) {
      if (!shelf.has({ timeline, start })) return;
      yield { timeline, start };
    }
  }
}

/** Of full size, as the server wants it; what is not there reads as zeroes. */
async function writeSegment(
  folder: string,
  { timeline, start, bytes }: Span,
  size: number,
): Promise<void> {
  const file = await open(join(folder, segmentName({ timeline, start }, size)), 'wx', 0o600);
  try {
    await file.writeFile(bytes);
    await file.truncate(size);
  } finally {
    await file.close();
  }
}

function missing(timeline: number, from: bigint, to: bigint, segmentBytes: number): HoldfastError {
  const name = segmentName({ timeline, start: segmentStart(from, segmentBytes) }, segmentBytes);
  return new HoldfastError('HF_RECOVERY_WAL', {
    expected: `WAL without a gap up to ${lsnText(to)}`,
    found: `none from ${lsnText(from)} on (segment ${name})`,
    hint: 'Restore to a moment before the gap, or from a recovery point after it.',
  });
}

function unreached(goal: string, found: string): HoldfastError {
  return new HoldfastError('HF_RECOVERY_GOAL', {
    expected: `to reach ${goal}`,
    found,
    hint: 'Choose an earlier moment, or leave it out to take all the WAL there is.',
  });
}

function tooEarly(goal: RestoreGoal, consistent: string): HoldfastError {
  return new HoldfastError('HF_RECOVERY_GOAL', {
    expected: `a goal after ${consistent}, where the recovery point is whole`,
    found: goal.at?.toISOString() ?? goal.lsn ?? 'none',
    hint: 'Choose an older recovery point, or a later moment.',
  });
}

function notPulled(point: RecoveryPoint): HoldfastError {
  return new HoldfastError('HF_RECOVERY_GOAL', {
    expected: 'a recovery point with WAL',
    found: `one of engine "${point.engine}" without`,
    hint: 'Restore it with the engine that took it.',
  });
}
