/**
 * The stream from the client, cut into forwardable units. The order kept: bytes are looked at once,
 * in sequence; nothing behind an undecided unit is looked at before it is decided; a declared length
 * is bounded before it is trusted.
 *
 * A chunk is valid only during `feed`, so what is not dealt with by then is copied to `#carry`, once.
 * COPY data is the only thing that flows through without being kept whole.
 */
import { isOwnName } from '../../languages/sql/off-limits.ts';
import type { SqlReader, SqlReading } from '../../languages/sql/sql-reading.ts';
import { withBound } from './bound-setting.ts';
import { endOfString, FRONTEND, HEADER_BYTES, messageBytes, stringAt, tagName } from './frames.ts';
import { isPlain } from './plain.ts';
import { readingsOf, type SessionView, viewOf } from './session-rules.ts';
import { needsRights, type Prepared, type PreparedStatements } from './statements.ts';
import { type Act, joinReadings, Unit } from './unit.ts';

export interface ClientEvents {
  /** A whole unit. False: it is not decided yet; nothing more is fed until `proceed`. */
  onUnit(unit: Unit, addedSchemas: SessionView['addedSchemas']): boolean;
  /** Bytes that need no decision: COPY data, a lone Sync, Flush or Terminate. */
  onPassage(bytes: Buffer, from: number, to: number, tag: number): void;
  /** True while the server takes COPY data: it then reads nothing else. */
  readonly isCopyingIn: boolean;
  /** Fastpath: always refused. */
  onFunctionCall(): boolean;
  /** The text is parsed elsewhere; nothing more is looked at until `proceed`, after `done`. */
  onSlowReading(done: Promise<void>): void;
  /** Not the protocol, or over a limit: the session ends. */
  onClientBroken(code: BrokenCode, expected: string, found: string): void;
}

export type BrokenCode = 'HF_PROTOCOL' | 'HF_LIMIT';

interface Limits {
  readonly unitBytesMax: number;
}

export class ClientStream {
  readonly #events: ClientEvents;
  readonly #reader: SqlReader;
  readonly #statements: PreparedStatements;
  readonly #limits: Limits;
  #carry: Carry | null = null;
  #unit: Unit | null = null;
  #addedSchemas: readonly string[] | null = [];
  /** Bytes of a CopyData message still to pass ... */
  #pass = 0;
  /** ... or, after a denial, still to drop. */
  #drop = 0;
  /** After a denial in the extended protocol: everything up to Sync is dropped. */
  #skipping = false;
  /** Set while `feed` must not look further. */
  #stopped = false;
  #slowReading: SqlReading | null = null;
  /** The unnamed portal holds something that is not plain and was not executed yet. */
  #unnamedWaits = false;

  constructor(
    events: ClientEvents,
    reader: SqlReader,
    statements: PreparedStatements,
    limits: Limits,
  ) {
    this.#events = events;
    this.#reader = reader;
    this.#statements = statements;
    this.#limits = limits;
  }

  /** Bytes that came and wait: part of a unit, or behind one that is not decided. */
  get waitingBytes(): number {
    return this.#carry?.length ?? 0;
  }

  /** Drops what the client sends up to its next Sync. */
  skipToSync(): void {
    this.#skipping = true;
  }

  feed(chunk: Buffer, length: number): void {
    if (this.#carry !== null) {
      this.#carry.append(chunk, length);
      if (!this.#stopped) this.#runCarry();
    } else if (this.#stopped) {
      this.#carry = new Carry(chunk, 0, length, 0);
    } else {
      this.#run(chunk, length, 0, 0);
    }
  }

  /** The undecided unit (or the slow reading) is settled: goes on with what was kept. */
  proceed(): void {
    this.#stopped = false;
    if (this.#carry !== null) this.#runCarry();
  }

  #runCarry(): void {
    const carry = this.#carry;
    if (carry === null) return;
    this.#carry = null;
    this.#unit?.moveTo(carry.bytes, 0);
    this.#run(carry.bytes, carry.length, carry.scanned, 0, carry);
  }

  /** Looks at messages from `scanned`; `kept` is where undecided bytes begin. */
  #run(bytes: Buffer, length: number, scanned: number, kept: number, owner?: Carry): void {
    let at = scanned;
    let from = kept;
    if (this.#pass > 0 || this.#drop > 0) {
      at += this.#continueCopyData(bytes, at, length);
      from = at;
    }
    while (!this.#stopped && length - at >= HEADER_BYTES) {
      const tag = bytes[at] ?? 0;
      const size = messageBytes(bytes, at);
      if (!this.#isPlausible(tag, size, at - from)) return;
      if (at + size > length) {
        if (tag !== FRONTEND.copyData || this.#unit !== null) break;
        if (this.#skipping) this.#drop = size;
        else this.#pass = size;
        at += this.#continueCopyData(bytes, at, length);
        from = at;
        break;
      }
      const slow = this.#message(tag, bytes, at, at + size);
      if (slow) break;
      at += size;
      if (this.#unit === null) from = at;
    }
    this.#keep(bytes, from, length, at - from, owner);
  }

  /** COPY data flows through (or away) without being kept whole; says how many bytes it took. */
  #continueCopyData(bytes: Buffer, at: number, length: number): number {
    const dropped = Math.min(this.#drop, length - at);
    this.#drop -= dropped;
    const passed = Math.min(this.#pass, length - at - dropped);
    this.#pass -= passed;
    const from = at + dropped;
    if (passed > 0) this.#events.onPassage(bytes, from, from + passed, FRONTEND.copyData);
    return dropped + passed;
  }

  #keep(bytes: Buffer, from: number, length: number, scanned: number, owner?: Carry): void {
    if (from >= length) return;
    if (owner !== undefined && from === 0) {
      owner.scanned = scanned;
      this.#carry = owner;
    } else {
      this.#carry = new Carry(bytes, from, length, scanned);
    }
    this.#unit?.moveTo(this.#carry.bytes, 0);
  }

  #isPlausible(tag: number, size: number, keptBytes: number): boolean {
    const limit = this.#limits.unitBytesMax;
    if (KNOWN[tag] !== 1) {
      this.#broken('a message of the PostgreSQL protocol', tagName(tag));
    } else if (size < 0) {
      this.#broken('a length of at least 4', 'a shorter one');
    } else if (keptBytes + size > limit && (tag !== FRONTEND.copyData || this.#unit !== null)) {
      this.#broken(
        `at most ${limit} bytes in one unit (limits.unitBytesMax)`,
        `${keptBytes + size} bytes declared`,
        'HF_LIMIT',
      );
    }
    return !this.#stopped;
  }

  /** True when the message has to wait for its reading. */
  #message(tag: number, bytes: Buffer, at: number, end: number): boolean {
    if (this.#skipping && tag !== FRONTEND.sync && tag !== FRONTEND.terminate) return false;
    // A unit begun before the server said that it copies in would be eaten by it as well.
    if (this.#events.isCopyingIn && (this.#unit !== null || !COPY_TAGS.has(tag))) {
      this.#broken('COPY data, CopyDone or CopyFail while copying in', tagName(tag));
      return false;
    }
    switch (tag) {
      case FRONTEND.query:
        return this.#query(bytes, at, end);
      case FRONTEND.parse:
        return this.#parse(bytes, at, end);
      case FRONTEND.bind:
        this.#bind(bytes, at, end);
        return false;
      case FRONTEND.close:
        this.#close(bytes, at, end);
        return false;
      case FRONTEND.sync:
      case FRONTEND.flush:
        this.#endOfUnit(tag, bytes, at, end);
        return false;
      case FRONTEND.functionCall:
        // Inside a unit its bytes would lie between those that are forwarded.
        if (this.#unit !== null) this.#broken('Sync before a function call', tagName(tag));
        else this.#stopped = !this.#events.onFunctionCall();
        return false;
      case FRONTEND.execute:
        if (bytes[at + HEADER_BYTES] === 0) this.#unnamedWaits = false;
        this.#extended(bytes, at).extendTo(end);
        return false;
      case FRONTEND.describe:
        this.#extended(bytes, at).extendTo(end);
        return false;
      default:
        if (this.#unit !== null) this.#unit.extendTo(end);
        else this.#events.onPassage(bytes, at, end, tag);
        return false;
    }
  }

  #query(bytes: Buffer, at: number, end: number): boolean {
    if (this.#unit !== null) {
      this.#broken('Sync before a simple Query', 'Query inside an extended query');
      return false;
    }
    const from = at + HEADER_BYTES;
    const stop = end - 1;
    if (bytes[stop] !== 0) {
      this.#broken('a Query that ends with a zero byte', 'one that does not');
      return false;
    }
    const reading = this.#read(bytes, from, stop);
    if (reading === null) return true;
    const unit = new Unit('simple', bytes, at);
    unit.extendTo(end);
    unit.queryStatements = reading.statements;
    this.#addedSchemas = [];
    const { reading: viewed, runs } = this.#viewed(reading, unit, bytes.subarray(from, stop), true);
    unit.acts.push({
      reading: viewed,
      plain: isPlain(reading),
      runs,
      parts: reading.parts ?? null,
      from: HEADER_BYTES,
      to: HEADER_BYTES + stop - from,
    });
    if (reading.parts !== undefined || runs.some(needsRights)) unit.needsRights = true;
    this.#stopped = !this.#events.onUnit(unit, this.#addedSchemas);
    return false;
  }

  #parse(bytes: Buffer, at: number, end: number): boolean {
    const nameEnd = endOfString(bytes, at + HEADER_BYTES, end);
    const textEnd = nameEnd < 0 ? -1 : endOfString(bytes, nameEnd + 1, end);
    if (textEnd < 0) {
      this.#broken('Parse with a name and a text', 'strings that do not end');
      return false;
    }
    if (nameEnd - at - HEADER_BYTES > NAME_BYTES_MAX) {
      this.#broken(`a name of at most ${NAME_BYTES_MAX} bytes`, 'a longer one', 'HF_LIMIT');
      return false;
    }
    const reading = this.#read(bytes, nameEnd + 1, textEnd);
    if (reading === null) return true;
    const name = stringAt(bytes, at + HEADER_BYTES, nameEnd);
    if (isOwnName(name)) {
      this.#broken('a name that does not begin with holdfast_', 'one of ours');
      return false;
    }
    if (name !== '' && this.#statements.isFull) {
      this.#broken('fewer prepared statements', 'one more than may be kept', 'HF_LIMIT');
      return false;
    }
    const unit = this.#extended(bytes, at);
    unit.extendTo(end);
    // The same text again under the same name changes nothing; many drivers do it at each run.
    const known = unit.changes.length === 0 ? this.#statements.certain(name) : undefined;
    if (known !== undefined && known.reading === reading) {
      if (known.exact.compare(bytes, nameEnd + 1, end) === 0) return false;
    }
    const exact = Buffer.from(bytes.subarray(nameEnd + 1, end));
    const text = exact.subarray(0, textEnd - nameEnd - 1);
    unit.changes.push({ name, to: { reading, text, exact }, sure: true });
    return false;
  }

  #bind(bytes: Buffer, at: number, end: number): void {
    const portalEnd = endOfString(bytes, at + HEADER_BYTES, end);
    const nameEnd = portalEnd < 0 ? -1 : endOfString(bytes, portalEnd + 1, end);
    if (nameEnd < 0) return this.#broken('Bind with two names', 'strings that do not end');
    const name = stringAt(bytes, portalEnd + 1, nameEnd);
    const unit = this.#extended(bytes, at);
    unit.extendTo(end);
    const offset = at - unit.start;
    const place = { from: nameEnd + 1 - at + offset, to: end - at + offset };
    const isUnnamed = portalEnd === at + HEADER_BYTES;
    const certain = unit.changes.length === 0 ? this.#statements.certain(name) : undefined;
    if (certain !== undefined && certain.reading.session.length === 0) {
      const { reading, plain, runs } = certain;
      if (reading.parts !== undefined) unit.needsRights = true;
      const { from, to } = place;
      this.#bound(unit, isUnnamed, { reading, plain, runs, parts: null, from, to });
      return;
    }
    const candidates = this.#statements.candidates(name, unit.changes);
    const views = readingsOf(name, candidates).map((reading, i) =>
      this.#viewed(reading, unit, candidates[i]?.text ?? NO_TEXT, false),
    );
    const [first] = views;
    const reading =
      first !== undefined && views.length === 1
        ? first.reading
        : joinReadings(views.map((view) => view.reading));
    const plain = candidates.length > 0 && candidates.every((one) => isPlain(one.reading));
    const runs = [...candidates, ...views.flatMap((view) => view.runs)];
    if (runs.some(needsRights)) unit.needsRights = true;
    const { from, to } = place;
    if (unit.settings !== null) {
      const bind = bytes.subarray(nameEnd + 1, end);
      const [only, ...others] = candidates;
      const prepared = only === undefined || others.length > 0 ? null : only;
      unit.settings = unit.settings.map((one) => withBound(one, bind, prepared));
    }
    this.#bound(unit, isUnnamed, { reading, plain, runs, parts: null, from, to });
  }

  #bound(unit: Unit, isUnnamed: boolean, act: Act): void {
    if (isUnnamed) this.#unnamedWaits = !act.plain;
    else if (!act.plain) unit.leavesPortal = true;
    unit.acts.push(act);
  }

  #close(bytes: Buffer, at: number, end: number): void {
    const unit = this.#extended(bytes, at);
    unit.extendTo(end);
    const nameEnd = endOfString(bytes, at + HEADER_BYTES + 1, end);
    if (bytes[at + HEADER_BYTES] !== 0x53 || nameEnd < 0) return;
    const name = bytes.toString('utf8', at + HEADER_BYTES + 1, nameEnd);
    unit.changes.push({ name, to: null, sure: true });
  }

  #endOfUnit(tag: number, bytes: Buffer, at: number, end: number): void {
    const unit = this.#unit;
    if (tag === FRONTEND.sync) this.#skipping = false;
    if (unit === null) return this.#events.onPassage(bytes, at, end, tag);
    unit.extendTo(end);
    unit.closes = tag === FRONTEND.sync;
    if (this.#unnamedWaits) unit.leavesPortal = true;
    this.#unit = null;
    this.#stopped = !this.#events.onUnit(unit, this.#addedSchemas);
  }

  #extended(bytes: Buffer, at: number): Unit {
    if (this.#unit === null) {
      this.#unit = new Unit('extended', bytes, at);
      this.#addedSchemas = [];
    }
    return this.#unit;
  }

  /** Null when the reader has to take its time; the message is looked at again when it is done. */
  #read(bytes: Buffer, from: number, to: number): SqlReading | null {
    const waited = this.#slowReading;
    if (waited !== null) {
      this.#slowReading = null;
      return waited;
    }
    const reading = this.#reader.read(bytes, from, to);
    if (!(reading instanceof Promise)) return reading;
    this.#stopped = true;
    this.#events.onSlowReading(
      reading.then((found) => {
        this.#slowReading = found;
      }),
    );
    return null;
  }

  /** The reading with what the session adds to it; notes what it would do to names and paths. */
  #viewed(reading: SqlReading, unit: Unit, bytes: Buffer, sure: boolean): Viewed {
    if (reading.session.length === 0) return { reading, runs: NO_RUNS };
    const standing = { text: Buffer.from(bytes), ahead: unit.changes, sure };
    const view = viewOf(reading, standing, this.#statements);
    unit.changes.push(...view.changes);
    if (view.settings !== null) unit.addSettings(view.settings);
    this.#addedSchemas =
      view.addedSchemas === null || this.#addedSchemas === null
        ? null
        : [...this.#addedSchemas, ...view.addedSchemas];
    return view;
  }

  #broken(expected: string, found: string, code: BrokenCode = 'HF_PROTOCOL'): void {
    this.#stopped = true;
    this.#events.onClientBroken(code, expected, found);
  }
}

type Viewed = Pick<SessionView, 'reading' | 'runs'>;

const NO_TEXT = Buffer.alloc(0);
const NO_RUNS: readonly Prepared[] = [];
/** The server cuts a longer name (NAMEDATALEN), and two names could then mean one statement. */
const NAME_BYTES_MAX = 63;

/** What a client may send while the server copies in (manual, "COPY Operations"). */
const COPY_TAGS: ReadonlySet<number> = new Set([
  FRONTEND.copyData,
  FRONTEND.copyDone,
  FRONTEND.copyFail,
  FRONTEND.flush,
  FRONTEND.sync,
  FRONTEND.terminate,
]);

/** A look-up by tag: this runs once per message. */
const KNOWN = new Uint8Array(256);
for (const tag of Object.values(FRONTEND)) KNOWN[tag] = 1;

/** Bytes kept over chunks; grows by doubling, so that a large message costs one copy and a half. */
class Carry {
  bytes: Buffer;
  length: number;
  /** How far messages have been looked at. */
  scanned: number;

  constructor(source: Buffer, from: number, to: number, scanned: number) {
    this.length = to - from;
    this.bytes = Buffer.allocUnsafeSlow(Math.max(1024, this.length * 2));
    source.copy(this.bytes, 0, from, to);
    this.scanned = scanned;
  }

  append(chunk: Buffer, length: number): void {
    if (this.length + length > this.bytes.length) {
      const larger = Buffer.allocUnsafeSlow((this.length + length) * 2);
      this.bytes.copy(larger, 0, 0, this.length);
      this.bytes = larger;
    }
    chunk.copy(this.bytes, this.length, 0, length);
    this.length += length;
  }
}
