/**
 * What a request means, kept for the next one that is equal byte by byte: in method, path, query string, media
 * type and body, which is all that a provider is shown of it (`ProviderRequest`). Nothing else may be in what
 * is kept: no time, no agent, no answer of the API.
 *
 * Kept from its second time on: most requests never come again, and to keep each would cost more than it
 * saves. Two generations: what is used survives, the rest is forgotten whole. Longer requests are not kept.
 */
import { KEPT_REQUEST_BYTES_MAX, KEPT_REQUESTS_BYTES_MAX } from '../model/limits.ts';
import type { ProviderRequest } from './provider.ts';

/** Marks of what was asked once, a power of two; one that is overwritten is asked once more. */
const MARKS = 4_096;

export class KeptByRequest<Kept extends object> {
  readonly #marks = new Uint32Array(MARKS);
  #young = new Map<string, Kept>();
  #old = new Map<string, Kept>();
  #youngBytes = 0;

  /** `make` says what it means, and whether that may be kept. */
  of(request: ProviderRequest, make: () => { readonly value: Kept; readonly keep: boolean }): Kept {
    if (request.body.length > KEPT_REQUEST_BYTES_MAX || this.#isFirst(request.body)) {
      return make().value;
    }
    const key = keyOf(request);
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) {
      this.#keep(key, old);
      return old;
    }
    const { keep, value } = make();
    if (keep) this.#keep(key, value);
    return value;
  }

  /** A guess: an equal mark of another body only means that it is kept sooner. */
  #isFirst(body: Buffer): boolean {
    const mark = markOf(body);
    const at = mark % MARKS;
    if (this.#marks[at] === mark) return false;
    this.#marks[at] = mark;
    return true;
  }

  #keep(key: string, value: Kept): void {
    // A reading of a few effects is about as large as its text.
    const size = 2 * key.length + 500;
    if (this.#youngBytes + size > KEPT_REQUESTS_BYTES_MAX) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngBytes = 0;
    }
    this.#young.set(key, value);
    this.#youngBytes += size;
  }
}

/** FNV-1a, 32 bits. */
function markOf(bytes: Buffer): number {
  let mark = 0x811c9dc5;
  for (let at = 0; at < bytes.length; at += 1) {
    mark = Math.imul(mark ^ (bytes[at] ?? 0), 0x01000193);
  }
  return mark >>> 0;
}

/** With lengths, so that no part can end in another; one character for each byte of the body. */
function keyOf({ body, mediaType, method, path, search }: ProviderRequest): string {
  const lengths = `${method.length} ${path.length} ${search.length} ${mediaType.length} `;
  return `${lengths}${method}${path}${search}${mediaType}${body.toString('latin1')}`;
}
