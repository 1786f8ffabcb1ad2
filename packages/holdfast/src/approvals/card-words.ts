/**
 * The facts and the past of a card in plain lines for people: one source for the command line, the screen and
 * whoever else shows a card. Every name and text of others in it is inert (`model/text.ts`) and, where an agent or
 * a person wrote it, in quotation marks; nothing here is coloured. Pure.
 */
import type { Effect } from '../model/effect.ts';
import { ACTS_SHOWN_MAX, RECENT_ACTS_MS } from '../model/limits.ts';
import { cut, oneLine } from '../model/text.ts';
import type { CardFacts, Dependent, Measured, TouchedObject } from './card-facts.ts';
import type { PastActs, PastHold } from './history.ts';
import type { HoldCard, HoldState } from './hold.ts';

export interface CardWords {
  /** `DELETE would take about 68,748 rows of public.payments (estimate), 14 MB`. One line, or none. */
  readonly sum: readonly string[];
  readonly touches: readonly string[];
  readonly dependents: readonly string[];
  readonly recoveryLost: readonly string[];
  readonly notTold: readonly string[];
}

const NO_WORDS: CardWords = {
  sum: [],
  touches: [],
  dependents: [],
  recoveryLost: [],
  notTold: ['rows, size, dependents: nothing was looked up for this'],
};

/** `facts` null: an older Holdfast opened the hold, or its target cannot be asked. */
export function factWords(
  { effects }: Pick<HoldCard, 'effects'>,
  facts: CardFacts | null,
): CardWords {
  if (facts === null) return NO_WORDS;
  const { dependents, dependentsTotal, notTold, objects, objectsTotal, recoveryLost } = facts;
  return {
    sum: sumWords(effects[0] ?? null, facts),
    touches: withMore(objects.map(objectWords), objectsTotal),
    dependents: withMore(dependents.map(dependentWords), dependentsTotal),
    recoveryLost: recoveryLost.map(inert),
    notTold: notTold.map(inert),
  };
}

/** A name of PostgreSQL has 63 bytes, a sentence of ours with some in it a few hundred. */
const LINE_CHARS_MAX = 400;

function inert(text: string): string {
  return cut(oneLine(text), LINE_CHARS_MAX);
}

function withMore(lines: readonly string[], total: number): readonly string[] {
  const more = total - lines.length;
  return more > 0 ? [...lines, `and ${count(more)} more`] : lines;
}

function sumWords(
  effect: Effect | null,
  { objects, objectsTotal, rows }: CardFacts,
): readonly string[] {
  const [first] = objects;
  if (first === undefined && rows === null) return [];
  const others = objectsTotal > 1 ? ` and ${count(objectsTotal - 1)} more` : '';
  const name = first === undefined ? '' : `${inert(first.name)}${others}`;
  const does = `${inert(effect?.verb ?? 'it')} would ${doingOf(effect)}`;
  if (rows === null) return [`${does} ${name}`];
  const how = rows.how === 'estimate' ? 'estimate' : 'counted';
  const sentence = `${does} ${rowWords(rows)}${name === '' ? '' : ` of ${name}`} (${how})`;
  const isAll = objectsTotal === 1 && first?.rows?.value === rows.value && first.bytes !== null;
  return [
    isAll && first.bytes !== null ? `${sentence}, ${byteWords(first.bytes.value)}` : sentence,
  ];
}

/** An UPDATE without a condition is `destroy`, a DELETE with one is `write`: the verb says which it is. */
function doingOf(effect: Effect | null): string {
  if (effect === null) return 'touch';
  if (/UPDATE/.test(effect.verb) || effect.kind === 'reshape') return 'change';
  return effect.kind === 'destroy' || /DELETE/.test(effect.verb) ? 'take' : 'touch';
}

function objectWords({ bytes, name, rows, type }: TouchedObject): string {
  const holds = [
    ...(rows === null ? [] : [rowWords(rows)]),
    ...(bytes === null ? [] : [`${about(bytes)}${byteWords(bytes.value)}`]),
  ];
  const words = holds.length === 0 ? '' : `: ${holds.join(', ')}`;
  return `${inert(name)} (${inert(type)})${words}`;
}

const WHATS: Readonly<Record<Dependent['what'], string>> = {
  goes: 'goes as well',
  rows: 'rows of it change or go',
  breaks: 'stays, and fails or is left without it',
  stops: 'refuses the act as it is written',
};

function dependentWords({ name, type, what }: Dependent): string {
  return `${inert(name)} (${inert(type)}): ${WHATS[what]}`;
}

function about({ how }: Measured): string {
  return how === 'estimate' ? 'about ' : '';
}

function rowWords(rows: Measured): string {
  return `${about(rows)}${count(rows.value)} ${Math.round(rows.value) === 1 ? 'row' : 'rows'}`;
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB'] as const;

/** In steps of 1,024, as the server says it. */
export function byteWords(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1_024 && unit < UNITS.length - 1) {
    value /= 1_024;
    unit += 1;
  }
  const shown = unit > 0 && value < 10 ? Math.round(value * 10) / 10 : Math.round(value);
  return `${shown.toLocaleString('en-US')} ${UNITS[unit] ?? ''}`;
}

const TEXT_CHARS_MAX = 120;
const MINUTE_MS = 60_000;

/** What the agent did of late, newest first, one line each; the texts are the agent's. */
export function pastWords({ acts, isCut }: PastActs, now: Date): readonly string[] {
  const minutes = RECENT_ACTS_MS / MINUTE_MS;
  if (acts.length === 0) return [`nothing in the last ${minutes} min, harmless reads aside`];
  const lines = acts.map(({ at, effects, firstLine, outcome, target, verdict }) => {
    const ago = Math.max(0, Math.round((now.getTime() - Date.parse(at)) / MINUTE_MS));
    const came = outcome === null ? '' : `, ${outcome}`;
    const does = effects.length === 0 ? '' : ` ${inert(effects.join('; '))}`;
    const said = cut(oneLine(firstLine), TEXT_CHARS_MAX);
    return `${ago} min ago on ${inert(target)}: ${verdict}${came}:${does} “${said}”`;
  });
  return isCut ? [...lines, `and more: these are the last ${ACTS_SHOWN_MAX}`] : lines;
}

const ENDS: Readonly<Record<HoldState, string>> = {
  waiting: 'still waits',
  signed: 'approved, not used yet',
  denied: 'denied',
  consumed: 'approved and used',
  expired: 'ran out',
  void: 'void, since something had changed',
};

/** Holds like this one and how they ended, one line each. */
export function similarWords(holds: readonly PastHold[]): readonly string[] {
  if (holds.length === 0) return ['none'];
  return holds.map(({ agentName, id, likeness, note, openedAt, people, state, target }) => {
    const by = people.length === 0 ? '' : ` by ${people.map(inert).join(', ')}`;
    const said = note === null || note === '' ? '' : `: “${cut(oneLine(note), TEXT_CHARS_MAX)}”`;
    const when = openedAt.toISOString().slice(0, 16).replace('T', ' ');
    return `${id}, ${likeness}, ${when} UTC, ${inert(agentName)} on ${inert(target)}: ${ENDS[state]}${by}${said}`;
  });
}
