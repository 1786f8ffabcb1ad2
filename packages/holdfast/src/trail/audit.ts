/** Verifies the trail where it lies: walks the whole store and asks the auditor. Writes nothing. */
import type { TrailStore } from './trail-store.ts';
import { Auditor, type AuditReport } from './verify/auditor.ts';
import { parseCheckpoint, parseVerifierKey } from './verify/note.ts';
import { EMPTY_HEAD } from './verify/tree.ts';

const PAGE_ENTRIES = 4_096;
const CHECKPOINTS_MAX = 10_000;

/**
 * Judges everything up to the newest checkpoint; what came after it is signed within seconds. The
 * newest CHECKPOINTS_MAX checkpoints are checked, which covers more than a day. Throws RangeError when
 * the key cannot be read.
 */
export async function verifyStore(
  store: TrailStore,
  verifierKey: string,
  onProgress: (done: number, total: number) => void = () => {},
): Promise<AuditReport> {
  const key = parseVerifierKey(verifierKey);
  const checkpoints = await store.newestCheckpoints(CHECKPOINTS_MAX);
  const newest = checkpoints.at(-1);
  const total = Number(newest?.size ?? 0n);
  const auditor = new Auditor({
    origin: newest === undefined ? key.name : originOf(newest.note, key.name),
    start: EMPTY_HEAD,
    notes: checkpoints.map(({ note }) => note),
    key,
  });
  for (let at = 0; at < total; ) {
    const page = await store.read(BigInt(at), Math.min(PAGE_ENTRIES, total - at));
    if (page.length === 0) break;
    for (const { bytes, index } of page) {
      if (Number(index) !== at) {
        auditor.find('entries-missing', at, `expected entry ${at}, found entry ${index}`);
        return auditor.finish();
      }
      auditor.entry(bytes);
      at += 1;
    }
    onProgress(at, total);
  }
  return auditor.finish();
}

function originOf(note: string, otherwise: string): string {
  try {
    return parseCheckpoint(note).origin;
  } catch {
    return otherwise;
  }
}
