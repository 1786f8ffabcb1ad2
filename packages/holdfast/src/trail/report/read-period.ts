/**
 * Reads the trail over a period and holds it against its checkpoints in the same walk: what is counted is
 * what was verified. In this order:
 *
 *   where the period lies, by the times in the entries (a search, a few dozen reads)
 *   -> the checkpoint before its beginning, the first one after its end -> every entry between the two,
 *   hashed, judged by the auditor, and handed on
 *
 * A few pages are in memory, however long the trail. The walk begins at an entry that is older than what was
 * asked for and ends at one that is younger (or where the trail does), and both are hashed with the rest: a
 * search that a changed entry led astray is found out by that. Clocks differ between processes and are set:
 * an hour more is read on each side, and how often a time went back is told.
 *
 * It hands on nothing that no checkpoint covers.
 */
import { checkpointsBetween } from '../export.ts';
import type { StoredCheckpoint, TrailStore } from '../trail-store.ts';
import { Auditor, type AuditReport } from '../verify/auditor.ts';
import { checkSignature, parseCheckpoint, type VerifierKey } from '../verify/note.ts';
import { EMPTY_HEAD, isWellFormed, rootOf, type TreeHead } from '../verify/tree.ts';
import { type ReadEntry, readEntry } from './tally.ts';

/** Some ten milliseconds of work; between two pages others have their turn. */
const PAGE_ENTRIES = 256;
const SLACK_MS = 60 * 60 * 1000;

export interface PeriodQuestion {
  readonly origin: string;
  readonly key: VerifierKey;
  /** What is handed on begins so much before the period: what was open when it began. */
  readonly leadMs: number;
  readonly fromMs: number;
  readonly toMs: number;
}

export interface PeriodRead {
  readonly audit: AuditReport;
  /** The signed note at the end of the walk; null: nothing is signed. */
  readonly checkpoint: string | null;
  readonly unreadable: number;
  /** Entries after the newest checkpoint. */
  readonly unsigned: number;
}

export type OnEntry = (entry: ReadEntry) => void;
export type OnProgress = (done: number, total: number) => void;

/** `onProgress` may throw to end it. */
export async function readPeriod(
  store: TrailStore,
  question: PeriodQuestion,
  onEntry: OnEntry,
  onProgress: OnProgress = () => {},
): Promise<PeriodRead> {
  const { key, origin } = question;
  const [head, [newest]] = [await store.head(), await store.newestCheckpoints(1)];
  const size = Number(head.size);
  if (newest === undefined) {
    const audit = new Auditor({ origin, start: EMPTY_HEAD, notes: [], key }).finish();
    return { audit, checkpoint: null, unreadable: 0, unsigned: size };
  }
  const signed = Number(newest.size);
  const start = await startOf(store, question, signed);
  const end = await endOf(store, question, newest);
  const found = await checkpointsBetween(store, start.size, end);
  const auditor = new Auditor({ origin, start, notes: found.map(({ note }) => note), key });
  const [from, to] = [Number(start.size), Number(end)];
  let unreadable = 0;
  for (let at = from; at < to; ) {
    const page = await store.read(BigInt(at), Math.min(PAGE_ENTRIES, to - at));
    if (page.length === 0) break;
    let isGap = false;
    for (const { bytes, index } of page) {
      isGap = Number(index) !== at;
      if (isGap) break;
      auditor.entry(bytes);
      const entry = readEntry(at, bytes);
      if (entry === null) unreadable += 1;
      else onEntry(entry);
      at += 1;
    }
    if (isGap) {
      auditor.find('entries-missing', at, `expected entry ${at}, found a later one`);
      break;
    }
    onProgress(at - from, to - from);
  }
  return {
    audit: auditor.finish(),
    checkpoint: found.at(-1)?.note ?? null,
    unreadable,
    unsigned: Math.max(0, size - signed),
  };
}

/** A tree whose root is signed, with an entry behind it that is older than what is asked for; else the empty one. */
async function startOf(
  store: TrailStore,
  question: PeriodQuestion,
  signed: number,
): Promise<TreeHead> {
  const wantedMs = question.fromMs - question.leadMs - SLACK_MS;
  const first = await firstSince(store, wantedMs, signed);
  // One entry before it is read as well: it says that nothing older is wanted.
  const before = await store.checkpointBefore(BigInt(Math.max(0, first - 1)));
  if (before === null || !isSigned(before, question.key)) return EMPTY_HEAD;
  const ms = await timeOf(store, Number(before.size));
  const isOlder = ms !== null && ms < wantedMs;
  return isOlder ? { size: before.size, frontier: before.frontier } : EMPTY_HEAD;
}

/** The size of the first checkpoint behind the period whose last entry is younger than it; else the newest. */
async function endOf(
  store: TrailStore,
  question: PeriodQuestion,
  newest: StoredCheckpoint,
): Promise<bigint> {
  const wantedMs = question.toMs + SLACK_MS;
  const first = await firstSince(store, wantedMs, Number(newest.size));
  const [after] = await store.checkpointsFrom(BigInt(first + 1), 1);
  if (after === undefined || after.size >= newest.size) return newest.size;
  const ms = await timeOf(store, Number(after.size) - 1);
  return ms !== null && ms >= wantedMs ? after.size : newest.size;
}

function isSigned({ frontier, note, size }: StoredCheckpoint, key: VerifierKey): boolean {
  const head = { size, frontier };
  if (!isWellFormed(head)) return false;
  try {
    const checkpoint = parseCheckpoint(note);
    const isOfIt = checkpoint.size === size && checkpoint.root.equals(rootOf(head));
    return isOfIt && checkSignature(checkpoint, key) === 'valid';
  } catch {
    return false;
  }
}

/** The first entry since then, by times that ascend; `size` when there is none. What has no time counts as later. */
async function firstSince(store: TrailStore, sinceMs: number, size: number): Promise<number> {
  let [low, high] = [0, size];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const ms = await timeOf(store, middle);
    if (ms !== null && ms < sinceMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

async function timeOf(store: TrailStore, index: number): Promise<number | null> {
  const [entry] = await store.read(BigInt(index), 1);
  if (entry === undefined || Number(entry.index) !== index) return null;
  return readEntry(index, entry.bytes)?.ms ?? null;
}
