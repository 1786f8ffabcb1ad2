/**
 * What was found out so far. Each question that was asked is answered, or it is told why not: whoever runs
 * out of time takes what is here, and what is still open says so.
 */
import { CARD_OBJECTS_MAX, ENTRY_SENTENCE_CHARS_MAX } from '../../../model/limits.ts';
import { cut } from '../../../model/text.ts';
import {
  type Dependent,
  LATE_WORDS,
  type Measured,
  type TouchedObject,
} from '../../../model/touched.ts';

/** With the one that says how many more there are, as many as of objects. */
const NOT_TOLD_MAX = CARD_OBJECTS_MAX - 1;

export interface TargetFound {
  readonly rows: Measured | null;
  readonly objects: readonly TouchedObject[];
  readonly objectsTotal: number;
  readonly dependents: readonly Dependent[];
  readonly dependentsTotal: number;
  readonly recoveryLost: readonly string[];
  readonly notTold: readonly string[];
}

export type Question = 'anything' | 'what it touches' | 'rows' | 'size' | 'dependents';

export class Gathering {
  rows: Measured | null = null;
  recoveryLost: readonly string[] = [];
  #objects: readonly TouchedObject[] = [];
  #dependents: readonly Dependent[] = [];
  readonly #open = new Set<Question>();
  readonly #notTold: string[] = [];
  /** Of those the ones that end a question. */
  readonly #unanswered = new Set<string>();

  ask(...questions: readonly Question[]): void {
    for (const question of questions) this.#open.add(question);
  }

  answered(question: Question): void {
    this.#open.delete(question);
  }

  /** `why` is a sentence's end: `the server did not let us look`. */
  cannot(question: Question, why: string): void {
    this.#open.delete(question);
    this.#unanswered.add(this.note(`${question}: ${why}`));
  }

  /** Nothing of what is still open will be answered. */
  giveUp(why: string): void {
    if (this.#open.size > 0) {
      this.#unanswered.add(this.note(`${[...this.#open].join(', ')}: ${why}`));
    }
    this.#open.clear();
  }

  /** What the server said may hold what it was sent: it is cut, and returned as it is kept. */
  note(sentence: string): string {
    const said = cut(sentence, ENTRY_SENTENCE_CHARS_MAX);
    if (!this.#notTold.includes(said)) this.#notTold.push(said);
    return said;
  }

  set objects(found: readonly TouchedObject[]) {
    this.#objects = found;
  }

  /** Each of one name, type and fate once. */
  setDependents(found: readonly Dependent[]): void {
    const keyOf = ({ name, type, what }: Dependent): string => [name, type, what].join('\0');
    this.#dependents = [...new Map(found.map((one) => [keyOf(one), one])).values()];
  }

  /** `msMax`: how long there was. */
  found(msMax: number): TargetFound {
    const open = [...this.#open].join(', ');
    const why = `the server ${LATE_WORDS} ${msMax} ms`;
    const all = [...(open === '' ? [] : [`${open}: ${why}`]), ...this.#notTold];
    const more = all.length - NOT_TOLD_MAX;
    // What is still open comes first, and what ended a question before the rest: a long list must not hide it.
    const worst = more > 0 ? all.toSorted((a, b) => this.#rankOf(a) - this.#rankOf(b)) : all;
    const notTold = worst.slice(0, NOT_TOLD_MAX);
    return {
      rows: this.rows,
      objects: this.#objects.toSorted(larger).slice(0, CARD_OBJECTS_MAX),
      objectsTotal: this.#objects.length,
      dependents: this.#dependents.toSorted(worse).slice(0, CARD_OBJECTS_MAX),
      dependentsTotal: this.#dependents.length,
      recoveryLost: this.recoveryLost,
      notTold: more > 0 ? [...notTold, `and ${more} more`] : notTold,
    };
  }

  #rankOf(sentence: string): number {
    if (!this.#notTold.includes(sentence)) return 0;
    return this.#unanswered.has(sentence) ? 1 : 2;
  }
}

function larger(a: TouchedObject, b: TouchedObject): number {
  const bytes = (b.bytes?.value ?? -1) - (a.bytes?.value ?? -1);
  const rows = (b.rows?.value ?? -1) - (a.rows?.value ?? -1);
  return bytes || rows || byName(a, b);
}

/** What is lost with it comes first; a list that is cut must not hide it. */
const WORST_FIRST: readonly Dependent['what'][] = ['goes', 'rows', 'breaks', 'stops'];

function worse(a: Dependent, b: Dependent): number {
  return WORST_FIRST.indexOf(a.what) - WORST_FIRST.indexOf(b.what) || byName(a, b);
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  if (a.name === b.name) return 0;
  return a.name < b.name ? -1 : 1;
}
