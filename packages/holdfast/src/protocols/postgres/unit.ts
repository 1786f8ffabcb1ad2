/**
 * One forwardable unit: a simple Query, or the extended messages up to Sync or Flush, with the acts
 * in it. An act is a statement that will really run: the text of a Query, or a Bind, because a bound
 * portal can be run in more ways than Execute (FETCH). Parse prepares and runs nothing.
 *
 * The bytes are a view into a read buffer until `keep` copies them; whoever needs the unit beyond the
 * current turn of the event loop calls `keep` first.
 */
import type { SqlPart } from '../../languages/sql/sql-reading.ts';
import type { Reading } from '../../model/effect.ts';
import type { SettingChange } from './setting-changes.ts';
import type { NameChange, Prepared } from './statements.ts';

export interface Act {
  readonly reading: Reading;
  /** One statement that only reads or writes rows: it ends no transaction and begins none. */
  readonly plain: boolean;
  /** Prepared statements it may run: what a Bind names, and what an EXECUTE names. */
  readonly runs: readonly Prepared[];
  /** Of a Query: its statements, when one needs more than the agent's own rights; else null. */
  readonly parts: readonly SqlPart[] | null;
  /** Query: the text. Bind: formats, values and result formats. Relative to the unit's start. */
  readonly from: number;
  readonly to: number;
}

const PREPARE = Buffer.from('(prepare) ');
const MAY_RUN = Buffer.from('\n-- which may run:\n');
const MAY_RUN_INSTEAD = Buffer.from('\n-- which may run, or instead of it:\n');
const SEMICOLON = Buffer.from(';\n');
const NO_TEXT = Buffer.alloc(0);

const NOTHING_DONE: Reading = { kind: 'understood', effects: [] };

export class Unit {
  readonly kind: 'simple' | 'extended';
  readonly acts: Act[] = [];
  readonly changes: NameChange[] = [];
  /** True when it ends a cycle: a Query, or extended messages with their Sync. */
  closes: boolean;
  /** It binds something that is not plain and may be run by a later unit, with no Bind of its own. */
  leavesPortal = false;
  /** Something in it needs more than the agent's own rights (on a protected target). */
  needsRights = false;
  /** Settings that it changes, where one of them may change what a text means; null: none. */
  settings: SettingChange[] | null = null;
  #base: Buffer;
  #start: number;
  #length: number;

  constructor(kind: Unit['kind'], base: Buffer, start: number) {
    this.kind = kind;
    this.closes = kind === 'simple';
    this.#base = base;
    this.#start = start;
    this.#length = 0;
  }

  get base(): Buffer {
    return this.#base;
  }
  get start(): number {
    return this.#start;
  }
  get end(): number {
    return this.#start + this.#length;
  }

  /** The bytes lie elsewhere now (a read buffer was copied away). */
  moveTo(base: Buffer, start: number): void {
    this.#base = base;
    this.#start = start;
  }

  extendTo(end: number): void {
    this.#length = end - this.#start;
  }

  keep(): void {
    this.moveTo(Buffer.from(this.#base.subarray(this.#start, this.end)), 0);
  }

  /** Of a Query: as many as its text has. */
  queryStatements = 1;

  /** How many answers with a tag it has, when each of them runs. */
  get statements(): number {
    return this.kind === 'simple' ? this.queryStatements : this.acts.length;
  }

  addSettings(changes: readonly SettingChange[]): void {
    this.settings ??= [];
    this.settings.push(...changes);
  }

  /** The reading of all acts together; the same object for equal units of one act. */
  reading(): Reading {
    const first = this.acts[0];
    if (first === undefined) return NOTHING_DONE;
    if (this.acts.every((act) => act.reading === first.reading)) return first.reading;
    return joinReadings(this.acts.map((act) => act.reading));
  }

  /** Nothing in it can end a transaction, or reach beyond one. */
  isPlain(): boolean {
    return this.acts.every((act) => act.plain);
  }

  /** Of one act its own bytes, when that is all it may run; else joined, with words in between. */
  text(): Buffer {
    if (this.acts.length === 0) {
      return joined(
        this.changes.map(({ to }) => Buffer.concat([PREPARE, to?.text ?? NO_TEXT])),
        SEMICOLON,
      );
    }
    return joined(
      this.acts.map((act) => this.#textOf(act)),
      SEMICOLON,
    );
  }

  #textOf(act: Act): Buffer {
    const runs = act.runs.map(({ text }) => text);
    if (this.kind === 'simple') return joined([this.bytesOf(act), ...runs], MAY_RUN);
    return runs.length === 0 ? UNKNOWN_TEXT : joined(runs, MAY_RUN_INSTEAD);
  }

  /** For the digest: of each act all that it may run, then its own bytes. */
  addActBytes(bytes: Uint8Array[]): void {
    for (const act of this.acts) bytes.push(exactOf(act.runs), this.bytesOf(act));
  }

  /** Its own bytes, as long as the unit's are valid. */
  bytesOf(act: Act): Buffer {
    return this.#base.subarray(this.#start + act.from, this.#start + act.to);
  }
}

const UNKNOWN_TEXT = Buffer.from('(a statement that nobody prepared)');

/** With the length before each, so that no two lists share their bytes. */
function exactOf(runs: readonly Prepared[]): Buffer {
  if (runs.length === 0) return NO_TEXT;
  return Buffer.concat(
    runs.flatMap(({ exact }) => {
      const length = Buffer.allocUnsafe(4);
      length.writeUInt32BE(exact.length, 0);
      return [length, exact];
    }),
  );
}

/** Several readings as one: all effects, and could-not-tell as soon as one of them is. */
export function joinReadings(readings: readonly Reading[]): Reading {
  const effects = [...new Set(readings.flatMap((reading) => reading.effects))];
  const unclear = readings.find((reading) => reading.kind === 'could-not-tell');
  return unclear?.kind === 'could-not-tell'
    ? { kind: 'could-not-tell', effects, reason: unclear.reason }
    : { kind: 'understood', effects };
}

function joined(texts: readonly Buffer[], between: Buffer): Buffer {
  const [first] = texts;
  if (first !== undefined && texts.length === 1) return first;
  return Buffer.concat(texts.flatMap((text, at) => (at === 0 ? [text] : [between, text])));
}
