/**
 * A unit on a protected target, with what needs an owner's rights replaced: in a simple Query the bytes
 * of each such statement by `CALL holdfast.run('<receipt>')`, all others as they are; in the extended
 * protocol the Bind of such a statement is followed by a Parse and a Bind of ours to the same portal.
 *
 * The client's own Bind goes first, so that whatever the server would refuse about it (a name that does
 * not exist, parameters that do not fit) it still refuses, in its own words and in its own place.
 *
 * Functions over bytes; who asks for receipts and keeps count of sessions is `receipts.ts`.
 */
import type { Rewritten, SqlPart } from '../../languages/sql/sql-reading.ts';
import { endOfString, FRONTEND, HEADER_BYTES, messageBytes, stringAt } from './frames.ts';
import { bind, closePortal, closeStatement, oneColumn, oneRow, parse, query } from './messages.ts';
import type { Step } from './replies.ts';
import { charsIn, type PositionMap, type Stand } from './reports.ts';
import { needsRights } from './statements.ts';
import type { Unit } from './unit.ts';

/** A statement that is to run by something else. */
export interface Wanted extends Stand {
  readonly part: SqlPart;
  /** Which act of the unit it belongs to. */
  readonly act: number;
}

/** What cannot be done by a receipt, in words; the client is told. */
export type Wishes =
  | { readonly kind: 'wanted'; readonly wanted: readonly Wanted[]; readonly statements: number }
  | { readonly kind: 'cannot'; readonly reason: string; readonly hint: string };

/** The prepared statement of ours; its name is not the client's to use. */
const OUR_NAME = 'holdfast_receipt';

export function wishesOf(unit: Unit): Wishes {
  const wanted: Wanted[] = [];
  let statements = 0;
  for (const [at, act] of unit.acts.entries()) {
    if (unit.kind === 'simple') {
      if (act.runs.some(needsRights)) return BY_EXECUTE;
      const text = Buffer.from(unit.bytesOf(act));
      statements += act.parts?.length ?? 1;
      for (const part of act.parts ?? []) {
        if (part.instead === null) return SELECT_INTO;
        addTo(wanted, text, part, at);
      }
    } else {
      statements += 1;
      const [only] = act.runs;
      if (only === undefined || !act.runs.some(needsRights)) continue;
      if (act.runs.length > 1) return act.runs[0]?.reading.session.length ? BY_EXECUTE : AMBIGUOUS;
      const [part] = only.reading.parts ?? [];
      if (part === undefined) continue;
      if (part.instead === null) return SELECT_INTO;
      if (part.answers === 'count' && hasParameters(unit.bytesOf(act))) return PARAMETERS;
      addTo(wanted, only.text, part, at);
    }
  }
  return { kind: 'wanted', wanted, statements };
}

function addTo(wanted: Wanted[], text: Buffer, part: SqlPart, act: number): void {
  if (part.needs === 'none') return;
  wanted.push({
    part,
    act,
    statement: part.instead?.text ?? text.toString('utf8', part.from, part.to),
    tag: part.tag,
    answers: part.answers,
    placeOf: (position) => charsIn(text, 0, part.from) + placeIn(part.instead ?? null, position),
  });
}

/** Where a place in a rewritten text was; one in its head is at what was cut out. */
function placeIn(instead: Rewritten | null, position: number): number {
  if (instead === null) return position;
  const at = position - instead.headChars;
  if (at <= 0) return instead.beforeChars + 1;
  return at <= instead.beforeChars ? at : at + instead.cutChars;
}

const BY_EXECUTE: Wishes = {
  kind: 'cannot',
  reason: 'EXECUTE of a prepared statement that needs the rights of an owner',
  hint: 'Send the statement itself, or run the prepared one by the protocol (Bind and Execute).',
};
const AMBIGUOUS: Wishes = {
  kind: 'cannot',
  reason: 'a prepared name that may still mean several statements, one of which needs an owner',
  hint: 'Wait for the answer to the statement before, or use another name.',
};
const PARAMETERS: Wishes = {
  kind: 'cannot',
  reason: 'CREATE TABLE AS with parameters',
  hint: 'Write the values into the statement.',
};
const SELECT_INTO: Wishes = {
  kind: 'cannot',
  reason: 'this SELECT INTO, which makes a table',
  hint: 'Write it as CREATE TABLE ... AS SELECT ...',
};

/** Formats, their count first, then the count of parameters (manual, "Bind"). */
function hasParameters(bytes: Buffer): boolean {
  if (bytes.length < 2) return false;
  const at = 2 + 2 * bytes.readUInt16BE(0);
  return at + 2 <= bytes.length && bytes.readUInt16BE(at) > 0;
}

/** A unit as it goes upstream, and what will be answered to it. */
export interface Substituted {
  readonly bytes: Buffer;
  readonly steps: readonly Step[];
  readonly map: PositionMap | null;
}

/** `texts`: what stands for each wanted statement, in order. */
export function substituted(
  unit: Unit,
  wanted: readonly Wanted[],
  texts: readonly string[],
  portals: Map<string, Stand>,
): Substituted {
  const edits = wanted.map((one, at) => ({ wanted: one, text: texts[at] ?? '' }));
  return unit.kind === 'simple' ? inQuery(unit, edits) : inExtended(unit, edits, portals);
}

interface Edit {
  readonly wanted: Wanted;
  readonly text: string;
}

function inQuery(unit: Unit, edits: readonly Edit[]): Substituted {
  const [act] = unit.acts;
  const text = act === undefined ? Buffer.alloc(0) : Buffer.from(unit.bytesOf(act));
  const pieces: Buffer[] = [];
  let at = 0;
  for (const { wanted, text: instead } of edits) {
    pieces.push(text.subarray(at, wanted.part.from), Buffer.from(instead));
    at = wanted.part.to;
  }
  pieces.push(text.subarray(at));
  const stands = new Map(edits.map(({ wanted }) => [wanted.part, wanted]));
  const steps = (act?.parts ?? []).map((part) => {
    const stand = stands.get(part) ?? null;
    const row = stand?.answers === 'one' ? { head: oneColumn(false), body: oneRow(false) } : null;
    return { to: FRONTEND.execute, hidden: false, stand, row };
  });
  return { bytes: query(Buffer.concat(pieces)), steps, map: mapOf(text, edits) };
}

/** Positions count characters from 1. One inside what stands for a statement means its beginning. */
function mapOf(text: Buffer, edits: readonly Edit[]): PositionMap {
  return (position) => {
    let sent = 0;
    let own = 0;
    let at = 0;
    for (const { wanted, text: instead } of edits) {
      const kept = charsIn(text, at, wanted.part.from);
      if (position <= sent + kept) return position - sent + own;
      sent += kept + instead.length;
      own += kept;
      if (position <= sent) return own + 1;
      own += charsIn(text, wanted.part.from, wanted.part.to);
      at = wanted.part.to;
    }
    return position - sent + own;
  };
}

function inExtended(unit: Unit, edits: readonly Edit[], portals: Map<string, Stand>): Substituted {
  const byAct = new Map(edits.map((edit) => [edit.wanted.act, edit]));
  const pieces: Buffer[] = [];
  const steps: Step[] = [];
  let binds = 0;
  for (let at = unit.start; at < unit.end; ) {
    const tag = unit.base[at] ?? 0;
    const end = at + messageBytes(unit.base, at);
    const message = unit.base.subarray(at, end);
    pieces.push(Buffer.from(message));
    at = end;
    const name = nameIn(message, tag);
    if (tag === FRONTEND.execute) {
      const stand = portals.get(name) ?? null;
      const row =
        stand?.answers === 'one' ? { head: NOTHING, body: oneRow(binary.has(stand)) } : null;
      steps.push({ to: tag, hidden: false, stand, row });
      continue;
    }
    if (tag === FRONTEND.describe && message[HEADER_BYTES] === PORTAL) {
      const stand = portals.get(name) ?? null;
      const row =
        stand?.answers === 'one' ? { head: oneColumn(binary.has(stand)), body: NOTHING } : null;
      steps.push({ to: tag, hidden: false, stand: null, row });
    } else if (ANSWERED.has(tag)) steps.push({ to: tag, hidden: false, stand: null, row: null });
    if (tag === FRONTEND.close && message[HEADER_BYTES] === PORTAL) portals.delete(name);
    if (tag !== FRONTEND.bind) continue;
    const edit = byAct.get(binds);
    binds += 1;
    if (edit === undefined) {
      portals.delete(name);
      continue;
    }
    portals.set(name, edit.wanted);
    if (wantsBinary(message)) binary.add(edit.wanted);
    insteadOf(name, edit, pieces, steps);
  }
  return { bytes: Buffer.concat(pieces), steps, map: null };
}

/** Behind the client's Bind: the portal means ours from here on. */
function insteadOf(portal: string, edit: Edit, pieces: Buffer[], steps: Step[]): void {
  const hidden = (to: number): void => {
    steps.push({ to, hidden: true, stand: edit.wanted, row: null });
  };
  // Only the unnamed portal is replaced without being closed.
  if (portal !== '') {
    pieces.push(closePortal(portal));
    hidden(FRONTEND.close);
  }
  pieces.push(closeStatement(OUR_NAME), parse(OUR_NAME, edit.text), bind(portal, OUR_NAME));
  hidden(FRONTEND.close);
  hidden(FRONTEND.parse);
  hidden(FRONTEND.bind);
}

/** Stands whose client asked for binary results; a stand is bound once. */
const binary = new WeakSet<Stand>();

/** The first result format of a Bind (manual, "Bind"); one that is not whole is the server's to refuse. */
function wantsBinary(message: Buffer): boolean {
  const portalEnd = endOfString(message, HEADER_BYTES, message.length);
  const nameEnd = endOfString(message, portalEnd + 1, message.length);
  const formats = nameEnd + 1;
  if (portalEnd < 0 || nameEnd < 0 || formats + 2 > message.length) return false;
  const parameters = formats + 2 + 2 * message.readUInt16BE(formats);
  // With parameters the server refuses it: the statement has none.
  if (parameters + 6 > message.length || message.readUInt16BE(parameters) > 0) return false;
  return message.readUInt16BE(parameters + 2) > 0 && message.readUInt16BE(parameters + 4) === 1;
}

const NOTHING = Buffer.alloc(0);
const PORTAL = 0x50;
const ANSWERED: ReadonlySet<number> = new Set([
  FRONTEND.parse,
  FRONTEND.bind,
  FRONTEND.describe,
  FRONTEND.close,
]);

/** Of Bind and Execute the portal; of Close and Describe the name behind the kind. */
function nameIn(message: Buffer, tag: number): string {
  const isKinded = tag === FRONTEND.close || tag === FRONTEND.describe;
  const from = HEADER_BYTES + (isKinded ? 1 : 0);
  const end = endOfString(message, from, message.length);
  return end < 0 ? '' : stringAt(message, from, end);
}
