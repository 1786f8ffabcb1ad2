/**
 * Verifies an export. What it proves depends on the key: with a verifier key that you have from
 * elsewhere, that the holder of that key signed this trail; with the key in the file, only that the
 * file is whole in itself.
 */
import { Auditor, type AuditReport } from './auditor.ts';
import { linesOf, parseHeader, parseNoteLine, startOf, UnusableExport } from './export-file.ts';
import { parseVerifierKey, type VerifierKey } from './note.ts';
import { isWellFormed } from './tree.ts';

export interface VerifyOptions {
  /** A verifier key, or null to take the one in the file. */
  readonly key: string | null;
  /** A signed note somebody kept: the export must be of the same trail and reach at least there. */
  readonly keptNote: string | null;
}

export interface VerifyReport extends AuditReport {
  readonly key: string;
  /** False: the key came with the file and proves nothing about who signed. */
  readonly keyGiven: boolean;
}

/** Throws UnusableExport when there is nothing to judge. */
export async function verifyExport(
  chunks: AsyncIterable<Buffer>,
  options: VerifyOptions,
): Promise<VerifyReport> {
  const lines = linesOf(chunks);
  const first = await lines.next();
  if (first.done) throw new UnusableExport('the file is empty');
  const header = parseHeader(first.value);
  const start = startOf(header);
  if (!isWellFormed(start)) throw new UnusableExport('the frontier does not belong to its size');
  const key = keyOf(options.key ?? header.key);
  const notes: string[] = options.keptNote === null ? [] : [options.keptNote];
  for (let at = 0; at < header.checkpoints; at++) {
    const line = await lines.next();
    if (line.done)
      throw new UnusableExport(`expected ${header.checkpoints} checkpoints, found ${at}`);
    notes.push(parseNoteLine(line.value));
  }
  const auditor = new Auditor({ origin: header.origin, start, notes, key });
  let entries = 0;
  for await (const line of lines) {
    entries += 1;
    auditor.entry(line);
  }
  if (entries !== header.entries) {
    const message = `expected ${header.entries} entries as the header says, found ${entries}`;
    auditor.find('count-differs', header.from + entries, message);
  }
  return { ...auditor.finish(), key: key.text, keyGiven: options.key !== null };
}

function keyOf(text: string): VerifierKey {
  try {
    return parseVerifierKey(text);
  } catch (cause) {
    throw new UnusableExport(cause instanceof Error ? cause.message : 'no verifier key');
  }
}
