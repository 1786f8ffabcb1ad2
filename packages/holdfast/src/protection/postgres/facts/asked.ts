/** What is to be looked up for an act, read off its effects: which names, and what becomes of each. Pure. */
import type { Effect, ObjectType } from '../../../model/effect.ts';
import type { NamePath, SessionSetting } from '../../../model/session-settings.ts';

/** The one statement that would run; null where there are several, or it is not whole. */
export interface OneStatement {
  readonly text: string;
  readonly parameterCount: number;
}

export interface Asked {
  readonly effects: readonly Effect[];
  /** All of the text is in the effects. */
  readonly isWhole: boolean;
  readonly statement: OneStatement | null;
  readonly path: NamePath;
  /** Of the session, those that may change which rows it means. */
  readonly settings: readonly SessionSetting[];
}

/**
 * - `some-rows`  rows that a condition picks
 * - `all-rows`   every row; the table stays
 * - `goes`       it is dropped
 * - `changes`    it is altered, and what it holds stays
 * - `read`       it is only looked at
 */
export type Fate = 'some-rows' | 'all-rows' | 'goes' | 'changes' | 'read';

export interface Wanted {
  readonly kind: 'relation' | 'column' | 'schema' | 'database' | 'function' | 'type';
  readonly schema: string | null;
  readonly name: string;
  readonly fate: Fate;
  /** `DELETE`, `DROP TABLE`: for the sentence that says what could not be told. */
  readonly verb: string;
  readonly isCascade: boolean;
}

const KIND_OF: Partial<Record<ObjectType, Wanted['kind']>> = {
  table: 'relation',
  view: 'relation',
  sequence: 'relation',
  index: 'relation',
  column: 'column',
  schema: 'schema',
  database: 'database',
  function: 'function',
  type: 'type',
};

const ROWS = /^(?:MERGE )?(?:DELETE|UPDATE)$/;
/** A trigger, a policy, a rule or a constraint is dropped off a table that stays. */
const DROPS =
  /^DROP (?:FOREIGN TABLE|TABLE|MATERIALIZED VIEW|VIEW|INDEX|SEQUENCE|SCHEMA|DATABASE|FUNCTION|PROCEDURE|ROUTINE|AGGREGATE|TYPE|DOMAIN)$/;

/** Names looked up for one card; a script of thousands is a dump, and its first ones say what it is. */
export const WANTED_MAX = 200;

/** Each once, what loses most first. */
const WORST_FIRST: readonly Fate[] = ['goes', 'all-rows', 'some-rows', 'changes', 'read'];

/** All of them; whoever looks them up takes WANTED_MAX. */
export function wantedOf(effects: readonly Effect[]): readonly Wanted[] {
  const all = namesIn(effects);
  const keyOf = (one: Wanted): string => JSON.stringify(Object.values(one));
  return [...new Map(all.map((one) => [keyOf(one), one])).values()].toSorted(
    (a, b) => WORST_FIRST.indexOf(a.fate) - WORST_FIRST.indexOf(b.fate),
  );
}

function namesIn(effects: readonly Effect[]): readonly Wanted[] {
  return effects.flatMap((effect): readonly Wanted[] => {
    const { object, reach, verb } = effect;
    const fate = fateOf(effect);
    const kind = object === null ? undefined : KIND_OF[object.type];
    if (object === null || kind === undefined || fate === null) return [];
    const { name, schema } = object;
    return [{ kind, schema, name, fate, verb, isCascade: reach === 'cascade' }];
  });
}

function fateOf({ additive, kind, reach, verb }: Effect): Fate | null {
  if (kind === 'read') return 'read';
  // What it makes is not there yet.
  if (additive || reach === 'none') return null;
  if (DROPS.test(verb) || / DROP COLUMN$/.test(verb)) return 'goes';
  if (verb === 'TRUNCATE') return 'all-rows';
  if (ROWS.test(verb)) return reach === 'rows' ? 'some-rows' : 'all-rows';
  return kind === 'execute' || kind === 'unknown' ? null : 'changes';
}

/** Effects that the catalogs say nothing about, as sentences. */
export function notLookedUp({ effects, isWhole }: Pick<Asked, 'effects' | 'isWhole'>): string[] {
  const told: string[] = [];
  if (!isWhole) told.push('the text could not be read whole, so it may do more than is looked up');
  const verbs = new Set<string>();
  for (const { kind, object, verb } of effects) {
    const isBeyond = kind === 'execute' || kind === 'unknown';
    const isOther = kind === 'destroy' && (object === null || KIND_OF[object.type] === undefined);
    if (isBeyond || isOther) verbs.add(verb);
  }
  for (const verb of verbs) told.push(`what ${verb} does in the database is not in its catalogs`);
  return told;
}
