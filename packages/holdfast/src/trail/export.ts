/**
 * Hands the trail to somebody outside: see `verify/export-file.ts` for the file. An export begins and
 * ends at a checkpoint, because that is where roots are known and signed: `from` is moved back to one
 * and `to` on to one. What lies left of it comes as the frontier, a proof of a few hashes.
 */
import { HoldfastError } from '../model/errors.ts';
import type { StoredCheckpoint, TrailStore } from './trail-store.ts';
import { EXPORT_FORMAT, type ExportHeader } from './verify/export-file.ts';
import type { VerifierKey } from './verify/note.ts';

const PAGE_ENTRIES = 2_048;
/** A signature costs 0.1 ms to check; the last one is what counts, the others show how it grew. */
const CHECKPOINTS_MAX = 1_000;

export interface ExportQuestion {
  readonly origin: string;
  readonly key: VerifierKey;
  readonly from: bigint;
  /** Null: up to the newest checkpoint. */
  readonly to: bigint | null;
}

/** Pieces of the file, in order. Throws HF_NOT_FOUND when nothing is signed in that range yet. */
export async function* exportTrail(
  store: TrailStore,
  question: ExportQuestion,
): AsyncGenerator<string> {
  const start = question.from <= 0n ? null : await store.checkpointBefore(question.from);
  const from = start?.size ?? 0n;
  const checkpoints = await checkpointsBetween(store, from, question.to);
  const to = checkpoints.at(-1)?.size ?? from;
  const header: ExportHeader = {
    format: EXPORT_FORMAT,
    origin: question.origin,
    key: question.key.text,
    from: Number(from),
    entries: Number(to - from),
    frontier: (start?.frontier ?? []).map((hash) => hash.toString('base64')),
    checkpoints: checkpoints.length,
  };
  yield `${JSON.stringify(header)}\n`;
  for (const { note } of checkpoints) yield `${JSON.stringify({ note })}\n`;
  for (let at = from; at < to; ) {
    const rest = Number(to - at);
    const page = await store.read(at, Math.min(PAGE_ENTRIES, rest));
    if (page.length === 0 || page[0]?.index !== at) throw gap(at);
    yield page.map(({ bytes }) => `${bytes.toString('utf8')}\n`).join('');
    at += BigInt(page.length);
  }
}

/** In ascending order, thinned out in the middle to CHECKPOINTS_MAX: up to the first that reaches `to`. HF_NOT_FOUND for none. */
export async function checkpointsBetween(
  store: TrailStore,
  from: bigint,
  to: bigint | null,
): Promise<readonly StoredCheckpoint[]> {
  // Those up to the end asked for, and the first one that reaches it.
  const found: StoredCheckpoint[] = [];
  for await (const checkpoint of ascending(store, from)) {
    found.push(checkpoint);
    if (found.length > CHECKPOINTS_MAX) found.splice(Math.floor(found.length / 2), 1);
    if (to !== null && checkpoint.size >= to) break;
  }
  if (found.length === 0) {
    throw new HoldfastError('HF_NOT_FOUND', {
      expected: `a checkpoint at or after entry ${from}`,
      found: 'none',
      hint: 'A checkpoint is signed within seconds of the first entries; try again then.',
    });
  }
  return found;
}

async function* ascending(store: TrailStore, from: bigint): AsyncGenerator<StoredCheckpoint> {
  for (let at = from; ; ) {
    const page = await store.checkpointsFrom(at, PAGE_ENTRIES);
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE_ENTRIES) return;
    at = last.size + 1n;
  }
}

function gap(index: bigint): HoldfastError {
  return new HoldfastError('HF_TRAIL_BROKEN', {
    expected: `entry ${index}`,
    found: 'a gap',
    hint: 'Run holdfast trail verify; what is before the gap can be exported with --to.',
  });
}
