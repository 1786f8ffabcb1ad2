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
import type { SqlPart } from '../../languages/sql/sql-reading.ts';
import { endOfString, FRONTEND, HEADER_BYTES, messageBytes, stringAt } from './frames.ts';
import { bind, closePortal, closeStatement, parse, query } from './messages.ts';
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
      for (const part of act.parts ?? []) addTo(wanted, text, part, at);
    } else {
      statements += 1;
      const [only] = act.runs;
      if (only === undefined || !act.runs.some(needsRights)) continue;
      if (act.runs.length > 1) return act.runs[0]?.reading.session.length ? BY_EXECUTE : AMBIGUOUS;
      const [part] = only.reading.parts ?? [];
      if (part === undefined) continue;
      if (part.tag === 'CREATE TABLE AS' && hasParameters(unit.bytesOf(act))) return PARAMETERS;
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
    statement: text.toString('utf8', part.from, part.to),
    tag: part.tag,
    charsBefore: () => charsIn(text, 0, part.from),
  });
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
  const steps = (act?.parts ?? []).map((part) => ({
    to: FRONTEND.execute,
    hidden: false,
    stand: stands.get(part) ?? null,
  }));
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
      steps.push({ to: tag, hidden: false, stand: portals.get(name) ?? null });
      continue;
    }
    if (ANSWERED.has(tag)) steps.push({ to: tag, hidden: false, stand: null });
    if (tag === FRONTEND.close && message[HEADER_BYTES] === PORTAL) portals.delete(name);
    if (tag !== FRONTEND.bind) continue;
    const edit = byAct.get(binds);
    binds += 1;
    if (edit === undefined) {
      portals.delete(name);
      continue;
    }
    portals.set(name, edit.wanted);
    insteadOf(name, edit, pieces, steps);
  }
  return { bytes: Buffer.concat(pieces), steps, map: null };
}

/** Behind the client's Bind: the portal means ours from here on. */
function insteadOf(portal: string, edit: Edit, pieces: Buffer[], steps: Step[]): void {
  const hidden = (to: number): void => {
    steps.push({ to, hidden: true, stand: edit.wanted });
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
