/**
 * What each prepared-statement name may mean upstream, so that a Bind or an SQL EXECUTE is judged by
 * the statement that will really run.
 *
 * The trap: after an error the server skips to Sync, so a Parse that was forwarded may never have
 * happened, and the name still means what it meant before. Therefore a name keeps every meaning that
 * is not ruled out: a Parse rules out the older ones only when its cycle ended without an error.
 * Whoever asks gets all candidates and must judge by the worst.
 *
 * PREPARE and Parse share one namespace, and neither is transactional (manual, PREPARE).
 */
import type { SqlReading } from '../../languages/sql/sql-reading.ts';
import { isPlain } from './plain.ts';

export interface Prepared {
  readonly reading: SqlReading;
  /** The statement text, for people. */
  readonly text: Buffer;
  /**
   * What tells it from every other one, for the digest. Parse: text, NUL, types of parameters (the
   * same text and values mean another thing with other types). PREPARE: see `preparedBySql`.
   */
  readonly exact: Buffer;
}

/** To run it takes more than the agent's own rights, on a protected target. */
export function needsRights({ reading }: Prepared): boolean {
  return reading.parts !== undefined;
}

/** One text may prepare several names, so the name counts. It begins as no text of a Parse does. */
export function preparedBySql(name: string, reading: SqlReading, text: Buffer): Prepared {
  return { reading, text, exact: Buffer.concat([Buffer.from(`\0${name}\0`), text]) };
}

/** A name that means one thing for certain; what nearly every Bind finds. */
export interface Certain extends Prepared {
  /** See `isPlain`; kept here because it is asked at every Bind. */
  readonly plain: boolean;
  /** Itself alone; kept for the same reason. */
  readonly runs: readonly Prepared[];
}

/** One change of a name's meaning, waiting for its cycle to end. */
export interface NameChange {
  readonly name: string;
  /** Null: closed or deallocated. */
  readonly to: Prepared | null;
  /**
   * True when it has happened if its cycle ends without an error: Parse, Close, and statements of a
   * simple Query. False for what a bound portal would do, since nobody may ever execute the portal.
   */
  readonly sure: boolean;
}

/** More meanings than this and the name is given up: whoever runs it is told it is unknown. */
const CANDIDATES_MAX = 32;
/** Stands for more meanings than are kept, until a newer one is confirmed. */
const GIVEN_UP: NameChange = { name: '', to: null, sure: false };
/** Names one session may keep; a client that makes more is either broken or trying memory. */
const NAMES_MAX = 10_000;

export class PreparedStatements {
  /** Per name its possible meanings in order, oldest first. */
  #meanings = new Map<string, NameChange[]>();
  readonly #certain = new WeakMap<Prepared, Certain>();

  get isFull(): boolean {
    return this.#meanings.size >= NAMES_MAX;
  }

  /** To be called when the bytes that make the change are forwarded. */
  change(change: NameChange): void {
    const meanings = this.#meanings.get(change.name);
    if (meanings === undefined) {
      // One that is not kept is unknown to whoever runs it.
      if (!this.isFull) this.#meanings.set(change.name, [change]);
    } else if (meanings.length < CANDIDATES_MAX) meanings.push(change);
    else meanings.splice(0, meanings.length, GIVEN_UP, change);
  }

  /** The cycle of these changes ended well: what each name meant before is ruled out. */
  confirm(changes: readonly NameChange[]): void {
    for (const change of changes) {
      if (!change.sure) continue;
      const meanings = this.#meanings.get(change.name);
      const at = meanings?.indexOf(change) ?? -1;
      if (meanings === undefined || at < 0) continue;
      meanings.splice(0, at);
      if (meanings.length === 1 && change.to === null) this.#meanings.delete(change.name);
    }
  }

  /**
   * Everything the name may mean once `ahead` (changes of the same unit, in order) was dealt with;
   * empty when nothing is known of it. A sure change ahead is exact: had it failed, the server would
   * skip what follows it in the unit.
   */
  candidates(name: string, ahead: readonly NameChange[]): readonly Prepared[] {
    const meanings = this.#meanings.get(name) ?? [];
    let isGivenUp = meanings[0] === GIVEN_UP;
    let found = meaningsIn(meanings);
    for (const change of ahead) {
      if (change.name !== name) continue;
      if (change.sure) {
        found = meaningsIn([change]);
        isGivenUp = false;
      } else if (change.to !== null) found.push(change.to);
    }
    return isGivenUp ? [] : found;
  }

  /** The one thing the name means for certain; undefined when it may mean several, or nothing. */
  certain(name: string): Certain | undefined {
    const meanings = this.#meanings.get(name);
    if (meanings === undefined || meanings.length !== 1) return undefined;
    const to = meanings[0]?.to;
    if (to === undefined || to === null) return undefined;
    let certain = this.#certain.get(to);
    if (certain === undefined) {
      certain = { ...to, plain: isPlain(to.reading), runs: [to] };
      this.#certain.set(to, certain);
    }
    return certain;
  }

  names(): readonly string[] {
    return [...this.#meanings.keys()];
  }
}

function meaningsIn(changes: readonly NameChange[]): Prepared[] {
  const found: Prepared[] = [];
  for (const { to } of changes) if (to !== null) found.push(to);
  return found;
}
