/**
 * What counting over a whole trail needs, in memory that does not grow with it: from which entries a number
 * is, medians of times, and what is worth a line of its own, up to a bound.
 */
import { cut, storable } from '../../model/text.ts';
import { entryFields, type Fields, fieldsIn, textIn } from '../entry-facts.ts';
import type { Source } from './report-shape.ts';

/** One entry of the trail, as far as figures ask. */
export interface ReadEntry {
  readonly index: number;
  readonly kind: string;
  readonly ms: number;
  readonly entry: Fields;
  readonly facts: Fields;
}

/** A name of others is as long as a line of a page can show. */
const NAME_CHARS_MAX = 200;
const WORDS_CHARS_MAX = 600;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** Null: it is none of ours, or has no time. */
export function readEntry(index: number, bytes: Buffer): ReadEntry | null {
  const entry = entryFields(bytes.toString('utf8'));
  const { kind, time } = entry;
  if (typeof kind !== 'string' || typeof time !== 'string' || !TIME.test(time)) return null;
  const ms = Date.parse(time);
  if (Number.isNaN(ms)) return null;
  return { index, kind, ms, entry, facts: fieldsIn(entry['facts']) };
}

/** A whole number that is not below zero; null: it is none. */
export function numberIn(value: unknown): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null;
}

/** Sums stay numbers that every reader has exactly, whatever entries say. */
export function sumOf(sum: number, more: unknown): number {
  return Math.min(Number.MAX_SAFE_INTEGER, sum + (numberIn(more) ?? 0));
}

export function nameIn(value: unknown): string | null {
  const text = textIn(value);
  return text === null ? null : storable(cut(text, NAME_CHARS_MAX));
}

export function wordsIn(value: unknown): string {
  return storable(cut(textIn(value) ?? '', WORDS_CHARS_MAX));
}

export function isoOf(ms: number): string {
  return new Date(ms).toISOString();
}

/** Entries that a figure is from. */
export class Origin {
  readonly #kinds: readonly string[];
  readonly #which: string;
  #entries = 0;
  #first: number | null = null;
  #last: number | null = null;

  constructor(kinds: readonly string[], which = '') {
    this.#kinds = kinds;
    this.#which = which;
  }

  get entries(): number {
    return this.#entries;
  }

  add(index: number): void {
    this.#entries += 1;
    this.#first = this.#first === null ? index : Math.min(this.#first, index);
    this.#last = this.#last === null ? index : Math.max(this.#last, index);
  }

  source(): Source {
    return {
      kinds: [...this.#kinds],
      which: this.#which,
      entries: this.#entries,
      first: this.#first,
      last: this.#last,
    };
  }
}

/**
 * Times by the step that they are told in, rounded up. What is kept is how many there are of each step: a
 * million times of at most a day, by seconds, are 86,400 numbers. Exact to the step, by nearest rank.
 */
export class Times {
  readonly #stepMs: number;
  readonly #counts = new Map<number, number>();
  #total = 0;

  constructor(stepMs: number) {
    this.#stepMs = stepMs;
  }

  get total(): number {
    return this.#total;
  }

  add(ms: number): void {
    const step = Math.ceil(Math.max(0, ms) / this.#stepMs);
    this.#counts.set(step, (this.#counts.get(step) ?? 0) + 1);
    this.#total += 1;
  }

  /** `share` of 1 is the longest. Null: there is none. */
  at(share: number): number | null {
    const wanted = Math.max(1, Math.ceil(this.#total * share));
    let seen = 0;
    for (const [step, count] of [...this.#counts].toSorted(([a], [b]) => a - b)) {
      seen += count;
      if (seen >= wanted) return step * this.#stepMs;
    }
    return null;
  }
}

/** At most so many, and how many there were beyond. */
export class Bounded<T> {
  readonly kept: T[] = [];
  readonly #most: number;
  #left = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get left(): number {
    return this.#left;
  }

  add(one: T): void {
    if (this.kept.length < this.#most) this.kept.push(one);
    else this.#left += 1;
  }
}
