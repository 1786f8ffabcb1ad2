/**
 * The bytes of a put until they have a line in the manifest: small ones in memory, large ones in a file
 * of `incoming/`, written as they come, synced, and read back before they count.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { VAULT_WRITE_BYTES } from '../../../model/limits.ts';
import type { Disk } from './disk.ts';
import { changed } from './troubles.ts';

export class LargeBody {
  readonly #disk: Disk;
  readonly #pathOf: (name: string) => string;
  readonly #file: FileHandle;
  readonly #sum = createHash('sha256');
  #name: string;
  #bytes = 0;
  #sha256 = '';
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #writing: Promise<void> = Promise.resolve();

  private constructor(
    disk: Disk,
    pathOf: (name: string) => string,
    name: string,
    file: FileHandle,
  ) {
    this.#disk = disk;
    this.#pathOf = pathOf;
    this.#name = name;
    this.#file = file;
  }

  static async begin(disk: Disk, pathOf: (name: string) => string, name: string) {
    return new LargeBody(disk, pathOf, name, await disk.create(pathOf(name)));
  }

  get bytes(): number {
    return this.#bytes;
  }

  get sha256(): string {
    return this.#sha256;
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#sum.update(chunk);
    this.#bytes += chunk.length;
    this.#waiting.push(chunk);
    this.#waitingBytes += chunk.length;
    if (this.#waitingBytes >= VAULT_WRITE_BYTES) await this.#flush();
  }

  /** Durable, and found to be what was written. */
  async end(): Promise<void> {
    await this.#flush();
    await this.#writing;
    await this.#disk.sync(this.#file);
    await this.#file.close();
    this.#sha256 = this.#sum.digest('hex');
    const found = createHash('sha256');
    for await (const chunk of createReadStream(this.#pathOf(this.#name))) found.update(chunk);
    if (found.digest('hex') !== this.#sha256) throw changed(`${this.#bytes} bytes just written`);
  }

  /** Begins to write what waits, when what was begun before is written. */
  async #flush(): Promise<void> {
    await this.#writing;
    const bytes = Buffer.concat(this.#waiting);
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#writing = this.#disk.write(this.#file, bytes);
    // It is awaited before anything else is done with the file.
    this.#writing.catch(() => {});
  }

  /** Under the name by which the next start finds it. */
  async call(version: string): Promise<void> {
    await this.#disk.rename(this.#pathOf(this.#name), this.#pathOf(version));
    this.#name = version;
  }

  /** What cannot be removed now, the next start removes. */
  async discard(): Promise<void> {
    await this.#writing.catch(() => {});
    await this.#file.close().catch(() => {});
    await this.#disk.remove(this.#pathOf(this.#name)).catch(() => {});
  }
}

/** Whole in memory up to `packedMax` bytes, else in a file. Nothing is left of a body that fails. */
export async function readBody(
  body: AsyncIterable<Uint8Array>,
  packedMax: number,
  begin: () => Promise<LargeBody>,
): Promise<Uint8Array | LargeBody> {
  let waiting: Uint8Array[] = [];
  let bytes = 0;
  let large: LargeBody | null = null;
  try {
    for await (const chunk of body) {
      waiting.push(chunk);
      bytes += chunk.length;
      if (bytes <= packedMax) continue;
      large ??= await begin();
      await large.write(Buffer.concat(waiting));
      waiting = [];
      bytes = packedMax;
    }
    if (large === null) return Buffer.concat(waiting);
    await large.end();
    return large;
  } catch (error) {
    await large?.discard();
    throw error;
  }
}
