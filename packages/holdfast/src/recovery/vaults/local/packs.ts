/**
 * Small objects share files: one append and one sync each, instead of a file, a folder entry and two
 * syncs. A pack takes what may go on the same day, so that it can go whole. What stands in a pack
 * without a line in the manifest (a crash between the two) is nothing, and stays where it is.
 */
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { VAULT_PACK_BYTES_MAX } from '../../../model/limits.ts';
import type { Disk } from './disk.ts';
import { changed } from './troubles.ts';

export interface PackPlace {
  readonly unit: string;
  readonly offset: number;
}

export interface PackParts {
  readonly root: string;
  readonly disk: Disk;
  /** Makes a name that was never used. */
  readonly unique: () => string;
  readonly begun: (path: string) => Promise<void>;
  readonly sealed: (path: string) => Promise<void>;
}

interface Pack {
  readonly unit: string;
  readonly file: FileHandle;
  size: number;
}

/** Packs of so many days are open at a time; the one begun first is closed for another. */
const OPEN_MAX = 4;

export class Packs {
  readonly #parts: PackParts;
  readonly #open = new Map<string, Pack>();

  constructor(parts: PackParts) {
    this.#parts = parts;
  }

  /** Durable when it resolves; in one go for all that may go on one day. */
  async add(day: string, bodies: readonly Uint8Array[]): Promise<readonly PackPlace[]> {
    const pack = this.#open.get(day) ?? (await this.#begin(day));
    try {
      let offset = pack.size;
      const places = bodies.map((body) => {
        const place = { unit: pack.unit, offset };
        offset += body.length;
        return place;
      });
      const bytes = Buffer.concat(bodies);
      await this.#parts.disk.write(pack.file, bytes);
      await this.#parts.disk.sync(pack.file);
      const found = Buffer.alloc(bytes.length);
      await pack.file.read(found, 0, found.length, pack.size);
      if (!found.equals(bytes)) throw changed(`${bytes.length} bytes of ${pack.unit}`);
      pack.size = offset;
      if (offset > VAULT_PACK_BYTES_MAX) await this.#end(day);
      return places;
    } catch (error) {
      // Where its end is now, nobody knows: the next goes into another.
      await this.#end(day);
      throw error;
    }
  }

  /** Units that may still grow. */
  openUnits(): ReadonlySet<string> {
    return new Set([...this.#open.values()].map(({ unit }) => unit));
  }

  async close(): Promise<void> {
    for (const day of [...this.#open.keys()]) await this.#end(day);
  }

  async #begin(day: string): Promise<Pack> {
    const [oldest] = this.#open.keys();
    if (this.#open.size >= OPEN_MAX && oldest !== undefined) await this.#end(oldest);
    const { disk, root } = this.#parts;
    const unit = `packs/${day}-${this.#parts.unique()}.pack`;
    const file = await disk.create(join(root, unit));
    const pack = { unit, file, size: 0 };
    try {
      await disk.syncFolder(join(root, 'packs'));
      await this.#parts.begun(join(root, unit));
    } catch (error) {
      await file.close();
      throw error;
    }
    this.#open.set(day, pack);
    return pack;
  }

  async #end(day: string): Promise<void> {
    const pack = this.#open.get(day);
    this.#open.delete(day);
    await pack?.file.close();
    if (pack !== undefined) await this.#parts.sealed(join(this.#parts.root, pack.unit));
  }
}
