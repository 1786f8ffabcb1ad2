/**
 * A stream in the parts of a multipart upload (S3 User Guide, "Multipart upload limits": 10,000 parts).
 * Their sizes follow from their numbers, so that the entity tag of the whole, which is the MD5 of the
 * MD5s of its parts, can be made again from the bytes alone.
 */
import { createHash, type Hash } from 'node:crypto';
import { VAULT_PART_BYTES } from '../../../model/limits.ts';

export const PARTS_MAX = 10_000;
const GROW_EVERY = 2_000;

/** Of part `number`, from 1 on: 16 MiB, and 16 MiB more each 2,000 parts; 10,000 make 468 GiB. */
export function partBytes(number: number): number {
  return VAULT_PART_BYTES * (1 + Math.floor((number - 1) / GROW_EVERY));
}

/** The last may be shorter; an empty stream has one empty part. */
export async function* partsOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let waiting: Uint8Array[] = [];
  let bytes = 0;
  let number = 1;
  for await (const chunk of body) {
    waiting.push(chunk);
    bytes += chunk.length;
    while (bytes > partBytes(number)) {
      const all = Buffer.concat(waiting);
      const size = partBytes(number);
      yield all.subarray(0, size);
      number += 1;
      waiting = [all.subarray(size)];
      bytes -= size;
    }
  }
  yield Buffer.concat(waiting);
}

/** The entity tag that a store gives to bytes, made alongside: of one part, or of several. */
export class EntityTag {
  readonly #digests: Buffer[] = [];
  #part: Hash = createHash('md5');
  #bytes = 0;

  add(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; ) {
      const room = partBytes(this.#digests.length + 1) - this.#bytes;
      if (room === 0) this.#next();
      else {
        const piece = chunk.subarray(at, at + room);
        this.#part.update(piece);
        this.#bytes += piece.length;
        at += piece.length;
      }
    }
  }

  /** Hex; with `-n` when it came in n parts. */
  end(): string {
    this.#next();
    const [only] = this.#digests;
    if (this.#digests.length === 1 && only !== undefined) return only.toString('hex');
    const whole = createHash('md5').update(Buffer.concat(this.#digests)).digest('hex');
    return `${whole}-${this.#digests.length}`;
  }

  #next(): void {
    this.#digests.push(this.#part.digest());
    this.#part = createHash('md5');
    this.#bytes = 0;
  }
}
