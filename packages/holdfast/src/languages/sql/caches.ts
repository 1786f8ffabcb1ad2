/**
 * What was read before. Two generations each: what is used survives, what is not is forgotten whole,
 * and a hit writes nothing unless it saves an old entry. Bounded by entries and by bytes.
 */
import type { SqlReading } from './sql-reading.ts';
import type { TemplateMaker } from './template.ts';

export interface CacheBounds {
  /** Per generation. */
  readonly entriesMax: number;
  /** Per generation: keys, and a guess at what the readings take. */
  readonly bytesMax: number;
}

/** By the exact text: its bytes as Latin-1, which maps bytes to characters one to one. */
export class ExactCache {
  readonly #bounds: CacheBounds;
  #young = new Map<string, SqlReading>();
  #old = new Map<string, SqlReading>();
  #youngBytes = 0;

  constructor(bounds: CacheBounds) {
    this.#bounds = bounds;
  }

  get(key: string): SqlReading | undefined {
    const hit = this.#young.get(key);
    if (hit !== undefined) return hit;
    const saved = this.#old.get(key);
    if (saved !== undefined) this.set(key, saved);
    return saved;
  }

  set(key: string, reading: SqlReading): void {
    const { entriesMax, bytesMax } = this.#bounds;
    const size = key.length + sizeOf(reading);
    if (this.#young.size >= entriesMax || this.#youngBytes + size > bytesMax) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngBytes = 0;
    }
    this.#young.set(key, reading);
    this.#youngBytes += size;
  }
}

interface Entry {
  readonly bytes: Uint8Array;
  readonly reading: SqlReading;
  /** The next entry of the same hash. */
  readonly next: Entry | undefined;
}

/** By template: hash, then byte for byte, so that a hit makes no string and no object. */
export class TemplateCache {
  readonly #bounds: CacheBounds;
  #young = new Map<number, Entry>();
  #old = new Map<number, Entry>();
  #youngBytes = 0;
  #youngEntries = 0;

  constructor(bounds: CacheBounds) {
    this.#bounds = bounds;
  }

  get(template: TemplateMaker): SqlReading | undefined {
    const hit = find(this.#young.get(template.hash), template);
    if (hit !== undefined) return hit.reading;
    const saved = find(this.#old.get(template.hash), template);
    if (saved === undefined) return undefined;
    this.#keep(template.hash, saved.bytes, saved.reading);
    return saved.reading;
  }

  set(template: TemplateMaker, reading: SqlReading): void {
    const bytes = Uint8Array.prototype.slice.call(template.bytes, 0, template.length);
    this.#keep(template.hash, bytes, reading);
  }

  #keep(hash: number, bytes: Uint8Array, reading: SqlReading): void {
    const { entriesMax, bytesMax } = this.#bounds;
    const size = bytes.length + sizeOf(reading);
    if (this.#youngEntries >= entriesMax || this.#youngBytes + size > bytesMax) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngBytes = 0;
      this.#youngEntries = 0;
    }
    this.#young.set(hash, { bytes, reading, next: this.#young.get(hash) });
    this.#youngBytes += size;
    this.#youngEntries += 1;
  }
}

function find(first: Entry | undefined, template: TemplateMaker): Entry | undefined {
  for (let entry = first; entry !== undefined; entry = entry.next) {
    if (entry.bytes.length === template.length && same(entry.bytes, template)) return entry;
  }
  return undefined;
}

function same(bytes: Uint8Array, template: TemplateMaker): boolean {
  const other = template.bytes;
  for (let at = 0; at < bytes.length; at += 1) if (bytes[at] !== other[at]) return false;
  return true;
}

/** Bytes, roughly: an effect with its object is about 200 in V8. */
function sizeOf(reading: SqlReading): number {
  return 200 * (1 + reading.effects.length + reading.session.length + (reading.parts?.length ?? 0));
}
