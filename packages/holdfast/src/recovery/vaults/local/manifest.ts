/**
 * The manifest of a local vault: what lies in it, in the order in which it came, as a chain of hashes
 * over segments of lines. Only ever appended to; each start begins a new segment, and so does a write
 * that failed half way. An object is in the vault when its line is durable, and not before.
 *
 * Whoever keeps a `head` elsewhere can ask later whether the chain still holds it: that is how a
 * manifest that was cut or written anew is noticed. It will not repair a broken chain; it names it.
 */
import type { FileHandle } from 'node:fs/promises';
import type { Clock } from '../../../model/clock.ts';
import { HoldfastError } from '../../../model/errors.ts';
import { VAULT_MANIFEST_BYTES_MAX } from '../../../model/limits.ts';
import type { Disk } from './disk.ts';
import { type Entry, hashOfLine, lineOf, type News, NO_HASH, parseLine } from './entry.ts';
import {
  LineReader,
  linesOf,
  type Place,
  placeOf,
  segmentFile,
  segmentOf,
  segmentsIn,
} from './segments.ts';

/** The last line of the chain, to be kept outside the vault's reach. */
export interface Head {
  readonly number: number;
  readonly hash: string;
}

/** What was seen of the vault in a folder before; `head` null: something was, and it does not read. */
export interface Seen {
  readonly head: Head | null;
  /** Where that is kept: without it the vault may be a new one. */
  readonly keptAt: string;
}

export type Placed = { readonly entry: Entry; readonly place: Place };

export interface ManifestParts {
  /** The folder of its segments; it exists. */
  readonly folder: string;
  readonly disk: Disk;
  readonly clock: Clock;
  /** At the moment of a line. */
  readonly watchedMs: () => number;
  /** Of files: written no more; just begun; to be let go. */
  readonly sealed: (path: string) => Promise<void>;
  readonly begun: (path: string) => Promise<void>;
  readonly remove: (path: string) => Promise<void>;
}

export class Manifest {
  readonly #parts: ManifestParts;
  readonly #reader: LineReader;
  readonly #troubles: string[] = [];
  /** The number of the first line of each segment that is there. */
  readonly #firsts = new Map<number, number>();
  #head: Head = { number: 0, hash: NO_HASH };
  #segment = 0;
  #file: FileHandle | null = null;
  #size = 0;
  #isLost = false;
  /** By segment, the hash of its last line. */
  readonly #retired = new Map<number, string>();
  /** Said before anything else, as soon as something can be written. */
  #owed: readonly News[] = [];

  private constructor(parts: ManifestParts) {
    this.#parts = parts;
    this.#reader = new LineReader(parts.folder);
  }

  /** Reads it whole and checks the chain, and changes nothing; each entry is handed to `seen`, in order. */
  static async open(parts: ManifestParts, seen: (placed: Placed) => void): Promise<Manifest> {
    const manifest = new Manifest(parts);
    const retired = manifest.#retired;
    const segments = await segmentsIn(parts.folder);
    const [first] = segments;
    let before: string | null = null;
    for (const segment of segments) {
      manifest.#segment = segment;
      for await (const line of linesOf(parts.folder, segment)) {
        const entry = parseLine(line.text);
        before ??= entry?.previous ?? NO_HASH;
        manifest.#link(entry, line.text, line.place);
        if (entry === null) continue;
        if (entry.kind === 'retired') retired.set(entry.segment, entry.head);
        seen({ entry, place: line.place });
      }
    }
    if (first !== undefined && !retired.has(first)) manifest.#checkStart(first, before, retired);
    return manifest;
  }

  get head(): Head {
    return this.#head;
  }

  /** Finishes what a crash left of it. */
  async dropRetired(): Promise<void> {
    for (const segment of this.#retired.keys()) {
      if (this.#firsts.has(segment)) await this.#remove(segment);
    }
    this.#retired.clear();
  }

  /** The number of the next line. */
  get next(): number {
    return this.#head.number + this.#owed.length + 1;
  }

  /** Whether lines of a write that failed may stand there, not yet voided. */
  get owes(): boolean {
    return this.#isLost || this.#owed.length > 0;
  }

  get troubles(): readonly string[] {
    return this.#troubles;
  }

  /** One write, one sync, all or none of them. */
  async append(news: readonly News[]): Promise<readonly Placed[]> {
    if (this.#isLost) throw lost();
    const { disk } = this.#parts;
    const file = this.#file ?? (await this.#begin());
    const at = this.#parts.clock.now().toISOString();
    const watchedMs = Math.floor(this.#parts.watchedMs());
    let { number, hash } = this.#head;
    let offset = this.#size;
    const lines: string[] = [];
    const placed: Placed[] = [];
    const owed = this.#owed.length;
    for (const item of [...this.#owed, ...news]) {
      number += 1;
      const entry: Entry = { number, previous: hash, at, watchedMs, ...item };
      const line = lineOf(entry);
      hash = hashOfLine(line);
      placed.push({ entry, place: placeOf(this.#segment, offset) });
      offset += Buffer.byteLength(line) + 1;
      lines.push(`${line}\n`);
    }
    try {
      await disk.write(file, Buffer.from(lines.join('')));
      await disk.sync(file);
    } catch (error) {
      await this.#resume();
      throw error;
    }
    this.#head = { number, hash };
    this.#size = offset;
    this.#owed = [];
    if (offset > VAULT_MANIFEST_BYTES_MAX) await this.#end();
    return placed.slice(owed);
  }

  async read(place: Place): Promise<Entry> {
    const entry = parseLine(await this.#reader.at(place));
    if (entry !== null) return entry;
    throw new HoldfastError('HF_VAULT_CHANGED', {
      expected: 'a line of the manifest where one was',
      found: `none in segment ${segmentOf(place)}`,
      hint: 'Somebody wrote to the vault from outside: look at `holdfast recovery status`.',
    });
  }

  /** `retired`: so old that all it listed is gone, so nobody can say. */
  async holds(head: Head): Promise<'yes' | 'no' | 'retired'> {
    if (head.number > this.#head.number) return 'no';
    if (head.number === this.#head.number) return head.hash === this.#head.hash ? 'yes' : 'no';
    const segment = [...this.#firsts].filter(([, number]) => number <= head.number).pop()?.[0];
    if (segment === undefined) return head.number === 0 ? 'yes' : 'retired';
    for await (const line of linesOf(this.#parts.folder, segment)) {
      if (parseLine(line.text)?.number !== head.number) continue;
      return hashOfLine(line.text) === head.hash ? 'yes' : 'no';
    }
    return 'no';
  }

  /** Segments that are not written any more, oldest first. */
  closedSegments(): readonly number[] {
    return [...this.#firsts.keys()].filter((segment) => segment !== this.#segment);
  }

  /** The oldest only, so that the chain has no hole. Written down first, then gone. */
  async retire(segment: number): Promise<void> {
    const next = [...this.#firsts.keys()].find((other) => other > segment);
    if (next === undefined) return;
    const first = await this.read(placeOf(next, 0));
    await this.append([{ kind: 'retired', segment, head: first.previous }]);
    await this.#remove(segment);
  }

  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = null;
    await this.#reader.close();
  }

  #link(entry: Entry | null, text: string, place: Place): void {
    const segment = segmentOf(place);
    const isStart = this.#head.number === 0 && this.#head.hash === NO_HASH;
    const follows = entry?.previous === this.#head.hash && entry.number === this.#head.number + 1;
    if (entry === null || !(follows || isStart)) {
      this.#troubles.push(
        `The manifest's chain is broken after entry ${this.#head.number} (segment ${segment}): somebody wrote to it from outside.`,
      );
    }
    const number = entry?.number ?? this.#head.number;
    if (!this.#firsts.has(segment)) this.#firsts.set(segment, number);
    this.#head = { number, hash: hashOfLine(text) };
  }

  #checkStart(first: number, before: string | null, retired: Map<number, string>): void {
    if (before === null || before === NO_HASH) return;
    const said = [...retired].filter(([segment]) => segment < first).pop();
    if (said?.[1] === before) return;
    this.#troubles.push(
      `The manifest begins at segment ${first}, and nothing says that what came before was let go: somebody removed it.`,
    );
  }

  async #remove(segment: number): Promise<void> {
    this.#firsts.delete(segment);
    await this.#parts.remove(segmentFile(this.#parts.folder, segment));
  }

  async #begin(): Promise<FileHandle> {
    const { disk, folder } = this.#parts;
    const segment = this.#segment + 1;
    const path = segmentFile(folder, segment);
    const file = await disk.create(path);
    this.#segment = segment;
    try {
      await disk.syncFolder(folder);
      await this.#parts.begun(path);
    } catch (error) {
      await file.close();
      throw error;
    }
    this.#file = file;
    this.#size = 0;
    this.#firsts.set(segment, this.#head.number + 1);
    return file;
  }

  async #end(): Promise<void> {
    const file = this.#file;
    this.#file = null;
    await file?.close();
    await this.#parts.sealed(segmentFile(this.#parts.folder, this.#segment));
  }

  /**
   * After a write that failed: whole lines of it may stand there. They are part of the chain, and the
   * next segment begins by saying that they stand for nothing.
   */
  async #resume(): Promise<void> {
    this.#isLost = true;
    const voided: News[] = [];
    for await (const line of linesOf(this.#parts.folder, this.#segment, this.#size)) {
      const entry = parseLine(line.text);
      if (entry === null) return;
      this.#head = { number: entry.number, hash: hashOfLine(line.text) };
      if (entry.kind === 'stored') voided.push({ kind: 'voided', entry: entry.number });
    }
    await this.#end();
    this.#owed = [...this.#owed, ...voided];
    this.#isLost = false;
  }
}

function lost(): HoldfastError {
  return new HoldfastError('HF_VAULT_REFUSED', {
    expected: 'a manifest whose end is known',
    found: 'a write to it that failed, and nobody can tell what of it stands there',
    hint: 'See what is wrong with the disk of the vault; starting Holdfast again reads it anew.',
  });
}
