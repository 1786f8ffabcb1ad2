/**
 * What an entry can be found by, read back out of its canonical JSON. Judges nothing: an entry that is
 * not one of ours has its kind, if any, and is still there to be read.
 */
import { cut } from '../model/text.ts';
import { VERDICT_ORDER, type Verdict } from '../model/verdict.ts';

export type Fields = Readonly<Record<string, unknown>>;

/** Of a batch of reads there is one per agent and target; of any other entry one. */
export interface EntryFacts {
  readonly kind: string;
  readonly at: Date;
  readonly agent: string | null;
  readonly target: string | null;
  readonly verdict: Verdict['kind'] | null;
  readonly hold: string | null;
}

/** Groups of one batch that are told apart; a batch has at most a few. */
const GROUPS_MAX = 200;
/** As long as what a list can be asked for. */
const NAME_CHARS_MAX = 200;
const NEVER = new Date(0);

/** Never empty. */
export function entryFacts(bytes: Buffer): readonly EntryFacts[] {
  const entry = entryFields(bytes.toString('utf8'));
  const { facts, time } = entry;
  const at = typeof time === 'string' ? new Date(time) : NEVER;
  const kind = nameIn(entry['kind']) ?? 'unreadable';
  const bare = {
    kind,
    at: Number.isNaN(at.getTime()) ? NEVER : at,
    agent: null,
    target: null,
    verdict: null,
    hold: null,
  };
  if (kind === 'reads') {
    const groups = listIn(entry['groups']).map(fieldsIn);
    const known = new Map(groups.map((one) => [JSON.stringify(whoOf(one)), whoOf(one)]));
    const told = [...known.values()].slice(0, GROUPS_MAX).map((who) => ({ ...bare, ...who }));
    return told.length === 0 ? [bare] : told;
  }
  if (kind === 'decision') {
    const verdict = fieldsIn(entry['verdict'])['kind'];
    const word = VERDICT_ORDER.find((one) => one === verdict) ?? null;
    return [{ ...bare, ...whoOf(entry), verdict: word, hold: nameIn(entry['hold']) }];
  }
  const { agent, hold, target } = fieldsIn(facts);
  return [{ ...bare, agent: nameIn(agent), target: nameIn(target), hold: nameIn(hold) }];
}

/** No fields for what is not an object of JSON. */
export function entryFields(json: string): Fields {
  try {
    return fieldsIn(JSON.parse(json));
  } catch {
    return {};
  }
}

export function fieldsIn(value: unknown): Fields {
  return isFields(value) ? value : {};
}

export function listIn(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Null for what is no text. */
export function textIn(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

/**
 * As PostgreSQL can store and index it, whatever a stranger calls themselves: a row of an index takes no
 * more than 2,700 bytes, and one that did not fit would stop all that come after it.
 */
function nameIn(value: unknown): string | null {
  const text = textIn(value);
  return text === null ? null : cut(text, NAME_CHARS_MAX).replaceAll('\u0000', '\ufffd');
}

function whoOf({ actor, target }: Fields): Pick<EntryFacts, 'agent' | 'target'> {
  return { agent: nameIn(fieldsIn(actor)['name']), target: nameIn(fieldsIn(target)['name']) };
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
