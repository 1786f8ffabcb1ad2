/**
 * What an intent would do. Readers in `languages/` turn text into effects; policy judges effects and
 * never looks at text. An effect names its object as far as the text tells.
 */

/**
 * - `read`     nothing changes.
 * - `write`    rows are added, or rows picked by a condition are changed or removed.
 * - `destroy`  data goes that no condition limits: whole tables, objects, databases.
 * - `reshape`  structure or settings change (see `additive`).
 * - `grant`    who may do what changes.
 * - `execute`  code runs whose effects the text does not show (functions, DO, CALL).
 * - `unknown`  could not tell. Never harmless (P2).
 */
export const EFFECT_KINDS = [
  'read',
  'write',
  'destroy',
  'reshape',
  'grant',
  'execute',
  'unknown',
] as const;
export type EffectKind = (typeof EFFECT_KINDS)[number];

export const OBJECT_TYPES = [
  'table',
  'column',
  'index',
  'view',
  'sequence',
  'function',
  'schema',
  'database',
  'role',
  'type',
  'setting',
  'large-object',
  // What a hosting provider keeps.
  'account',
  'backup',
  'bucket',
  'credential',
  'deployment',
  'domain',
  'environment',
  'member',
  'network',
  'project',
  'sandbox',
  'service',
  'variable',
  'volume',
  'workspace',
  'other',
] as const;
export type ObjectType = (typeof OBJECT_TYPES)[number];

/** A named object. `schema: null` means the text did not say; the search path decides. */
export interface ObjectRef {
  readonly type: ObjectType;
  readonly schema: string | null;
  readonly name: string;
}

/**
 * How far an effect reaches.
 * - `rows`     limited by a condition or by the rows given.
 * - `whole`    the whole object (no WHERE, TRUNCATE, DROP).
 * - `cascade`  the object and whatever depends on it.
 * - `unknown`  the text does not tell.
 */
export type Reach = 'none' | 'rows' | 'whole' | 'cascade' | 'unknown';

export interface Effect {
  readonly kind: EffectKind;
  /** The verb a person would recognise: `DELETE`, `DROP TABLE`, `SELECT`. Upper case. */
  readonly verb: string;
  readonly object: ObjectRef | null;
  readonly reach: Reach;
  /** For `reshape`: true when nothing that exists is lost or rewritten (CREATE TABLE, ADD COLUMN). */
  readonly additive: boolean;
  /** One sentence for people when the verb alone does not explain: why it is `execute`, `unknown`. */
  readonly why: string | null;
  /** The state before was read, and an operation of the same API sets it again; said by its provider. */
  readonly hasInverse?: true;
}

/**
 * What a reader found in a text. `could-not-tell` still lists what it did recognise, so that a card
 * can show it, but the reason makes the whole reading non-harmless.
 */
export type Reading =
  | { readonly kind: 'understood'; readonly effects: readonly Effect[] }
  | {
      readonly kind: 'could-not-tell';
      readonly effects: readonly Effect[];
      readonly reason: CouldNotTell;
    };

export interface CouldNotTell {
  /** Stable, for policy and tests. */
  readonly code:
    | 'syntax-error'
    | 'too-large'
    | 'too-complex'
    | 'timeout'
    | 'nul-byte'
    | 'invalid-utf8'
    | 'unknown-statement'
    /** It can be read in two ways, and which one counts is the server's choice. */
    | 'ambiguous'
    | 'unknown-prepared-statement'
    | 'lexing-setting'
    | 'off-limits'
    | 'reader-failed';
  /** One sentence: what was expected and what was found. */
  readonly message: string;
  /** Character offset (1-based) in the text, where the parser stopped; null when there is none. */
  readonly position: number | null;
}

/** True when no effect of the reading changes anything. `could-not-tell` is never harmless. */
export function isHarmless(reading: Reading): boolean {
  return reading.kind === 'understood' && reading.effects.every((effect) => effect.kind === 'read');
}
