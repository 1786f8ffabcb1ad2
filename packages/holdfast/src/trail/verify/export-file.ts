/**
 * The export file, format `holdfast-trail-export/1`: UTF-8 lines that end in one \n each.
 *
 *     1            the header: a JSON object, see ExportHeader
 *     then         header.checkpoints lines: {"note":"<the whole signed note>"}
 *     then         header.entries lines: the canonical bytes of each entry, as they were hashed
 *
 * Canonical JSON holds no line feed, so a line is an entry and nothing has to be unpacked. The
 * reader takes bytes, never trusts a count before it is met, and bounds a line.
 */
import { strictBase64 } from './note.ts';
import type { TreeHead } from './tree.ts';

export const EXPORT_FORMAT = 'holdfast-trail-export/1';
/** An entry is at most some hundred KiB; a longer line is another file. */
const LINE_BYTES_MAX = 8 * 1024 * 1024;

export interface ExportHeader {
  readonly format: typeof EXPORT_FORMAT;
  readonly origin: string;
  /** The verifier key of who exported; believe it only if you have it from elsewhere too. */
  readonly key: string;
  /** Index of the first entry, and how many there are. */
  readonly from: number;
  readonly entries: number;
  /** Roots of the perfect subtrees left of `from`, largest first, base64; empty for a whole trail. */
  readonly frontier: readonly string[];
  readonly checkpoints: number;
}

/** The file is no export at all, or one of a kind this code cannot read. */
export class UnusableExport extends Error {
  override readonly name = 'UnusableExport';
}

/** Throws UnusableExport. */
export function parseHeader(line: Buffer): ExportHeader {
  const value = parseObject(line, 'the first line');
  const { checkpoints, entries, format, from, frontier, key, origin } = value;
  if (format !== EXPORT_FORMAT) {
    throw new UnusableExport(`expected format ${EXPORT_FORMAT}, found ${JSON.stringify(format)}`);
  }
  if (typeof origin !== 'string' || typeof key !== 'string') {
    throw new UnusableExport('the header has no origin or no key');
  }
  if (!isCount(from) || !isCount(entries) || !isCount(checkpoints)) {
    throw new UnusableExport('from, entries and checkpoints must be whole numbers');
  }
  if (!Array.isArray(frontier) || !frontier.every((hash) => typeof hash === 'string')) {
    throw new UnusableExport('the frontier must be a list of base64');
  }
  return { format, origin, key, from, entries, frontier, checkpoints };
}

/** Throws UnusableExport. */
export function startOf(header: ExportHeader): TreeHead {
  try {
    const frontier = header.frontier.map((hash) => strictBase64(hash, 32));
    return { size: BigInt(header.from), frontier };
  } catch {
    throw new UnusableExport('the frontier must hold 32-byte hashes in base64');
  }
}

/** Throws UnusableExport. */
export function parseNoteLine(line: Buffer): string {
  const { note } = parseObject(line, 'a checkpoint line');
  if (typeof note !== 'string') throw new UnusableExport('a checkpoint line has no note');
  return note;
}

/** Lines without their \n. Throws UnusableExport for a line without end or without \n at the end. */
export async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let rest: Buffer[] = [];
  let restBytes = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      const tail = chunk.subarray(start, end);
      yield rest.length === 0 ? tail : Buffer.concat([...rest, tail]);
      rest = [];
      restBytes = 0;
      start = end + 1;
    }
    if (start === chunk.length) continue;
    rest.push(chunk.subarray(start));
    restBytes += chunk.length - start;
    if (restBytes > LINE_BYTES_MAX) {
      throw new UnusableExport(`a line is longer than ${LINE_BYTES_MAX} bytes`);
    }
  }
  // A last line without its end was cut off: hand it out, its hash will not fit.
  if (restBytes > 0) yield Buffer.concat(rest);
}

function parseObject(line: Buffer, what: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(line.toString('utf8'));
  } catch {
    throw new UnusableExport(`${what} is not JSON`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new UnusableExport(`${what} is not a JSON object`);
  }
  return { ...value };
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
