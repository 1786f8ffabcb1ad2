/** The files of the manifest: their names, and their lines with the place of each. */
import { type FileHandle, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { VAULT_LINE_BYTES_MAX } from '../../../model/limits.ts';

const NAME = /^(\d{8})\.log$/;
const CHUNK_BYTES = 1024 * 1024;
const LINE_FEED = 0x0a;

/** Where a line begins: segment × 2³² + offset. One number, since there are millions of them. */
export type Place = number;
const SEGMENT_STEP = 2 ** 32;

export function placeOf(segment: number, offset: number): Place {
  return segment * SEGMENT_STEP + offset;
}
export function segmentOf(place: Place): number {
  return Math.floor(place / SEGMENT_STEP);
}

export function segmentFile(folder: string, segment: number): string {
  return join(folder, `${String(segment).padStart(8, '0')}.log`);
}

/** In order. */
export async function segmentsIn(folder: string): Promise<readonly number[]> {
  const names = await readdir(folder);
  return names
    .flatMap((name) => NAME.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}

export interface Line {
  readonly text: string;
  readonly place: Place;
  /** Where the next one begins. */
  readonly end: number;
}

/** The whole lines of a segment; what stands after the last line feed is the rest of a torn write. */
export async function* linesOf(folder: string, segment: number, from = 0): AsyncGenerator<Line> {
  const file = await open(segmentFile(folder, segment), 'r');
  try {
    let rest = Buffer.alloc(0);
    let at = from;
    for (let position = from; ; ) {
      const chunk = Buffer.alloc(CHUNK_BYTES);
      const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES, position);
      if (bytesRead === 0) return;
      position += bytesRead;
      const bytes = Buffer.concat([rest, chunk.subarray(0, bytesRead)]);
      let start = 0;
      for (let end = bytes.indexOf(LINE_FEED); end >= 0; end = bytes.indexOf(LINE_FEED, start)) {
        const place = placeOf(segment, at);
        at += end + 1 - start;
        yield { text: bytes.toString('utf8', start, end), place, end: at };
        start = end + 1;
      }
      rest = bytes.subarray(start);
      // Longer than any line of ours: a torn write, or a stranger's; either way no entry.
      if (rest.length > CHUNK_BYTES) return;
    }
  } finally {
    await file.close();
  }
}

const OPEN_MAX = 16;
/** Lines of one folder often stand side by side: one read brings some 150 of them. */
const AHEAD_BYTES = 64 * 1024;

/** Reads single lines by their place; keeps a few segments open, and what it read last. */
export class LineReader {
  readonly #folder: string;
  readonly #open = new Map<number, Promise<FileHandle>>();
  #ahead: { readonly segment: number; readonly from: number; readonly bytes: Buffer } | null = null;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async at(place: Place): Promise<string> {
    const segment = segmentOf(place);
    const offset = place % SEGMENT_STEP;
    return this.#known(segment, offset) ?? (await this.#read(segment, offset));
  }

  /** Lines never change, so a whole one that was read once is still the same. */
  #known(segment: number, offset: number): string | null {
    const ahead = this.#ahead;
    if (ahead === null || ahead.segment !== segment || offset < ahead.from) return null;
    const start = offset - ahead.from;
    const end = ahead.bytes.indexOf(LINE_FEED, start);
    return end < 0 ? null : ahead.bytes.toString('utf8', start, end);
  }

  async #read(segment: number, offset: number): Promise<string> {
    const file = await this.#file(segment);
    const bytes = Buffer.alloc(AHEAD_BYTES);
    const { bytesRead } = await file.read(bytes, 0, bytes.length, offset);
    const found = bytes.subarray(0, bytesRead);
    this.#ahead = { segment, from: offset, bytes: found };
    const end = found.indexOf(LINE_FEED);
    return found.toString('utf8', 0, end < 0 ? Math.min(bytesRead, VAULT_LINE_BYTES_MAX) : end);
  }

  async close(): Promise<void> {
    const files = [...this.#open.values()];
    this.#open.clear();
    for (const file of files) await (await file).close();
  }

  #file(segment: number): Promise<FileHandle> {
    const known = this.#open.get(segment);
    if (known !== undefined) return known;
    const opened = open(segmentFile(this.#folder, segment), 'r');
    opened.catch(() => this.#open.delete(segment));
    this.#open.set(segment, opened);
    const [oldest] = this.#open.keys();
    if (this.#open.size > OPEN_MAX && oldest !== undefined) {
      const gone = this.#open.get(oldest);
      this.#open.delete(oldest);
      // A reader of it may be half way: it is closed when nobody holds it any more.
      setTimeout(() => void gone?.then((file) => file.close()), 10_000).unref();
    }
    return opened;
  }
}
