/**
 * What a rule can speak of: the Cedar schema, and the closed sets of words in it. Every request is
 * validated against this schema, so that a rule cannot ask for a fact that is not there: Cedar skips
 * a `forbid` that errs, and a skipped forbid is an open door.
 */
import {
  type CouldNotTell,
  EFFECT_KINDS,
  type EffectKind,
  type ObjectType,
  type Reach,
} from '../model/effect.ts';

/** The facts of one act, as rules see them in `context`. All are always there; '' means none. */
export interface ActContext {
  /** `DELETE`, `DROP TABLE`: upper case. */
  readonly verb: string;
  readonly objectType: ObjectType | '';
  /** `*` when the text does not tell and the search path is not known. */
  readonly schema: string;
  readonly name: string;
  readonly reach: Reach;
  readonly additive: boolean;
  /** A function that the target's `functions.allow` lists. */
  readonly listed: boolean;
  /** The target keeps what agents change (holdfast protect). */
  readonly protected: boolean;
  /** How this effect would be taken back there; `none` on a target that is not protected. */
  readonly reversal: 'capture' | 'rename' | 'inverse' | 'none';
  /** It changes rows of a table there whose rows are not kept (any more), though the target is protected. */
  readonly lost: boolean;
  /** Why a reader could not tell; '' for what was understood. */
  readonly code: string;
}

/** The schema of a name that cannot be pinned to one. */
export const ANY_SCHEMA = '*';

export const ATTRIBUTES = [
  'verb',
  'objectType',
  'schema',
  'name',
  'reach',
  'additive',
  'listed',
  'protected',
  'reversal',
  'lost',
  'code',
] as const satisfies readonly (keyof ActContext)[];
export type Attribute = (typeof ATTRIBUTES)[number];

/** Every action but `read` belongs to the group `change`. */
const CHANGE_ACTIONS: readonly EffectKind[] = EFFECT_KINDS.filter((kind) => kind !== 'read');

/** Codes of `unknown`; the first is our own, for an effect a reader marked unknown without a code. */
export const UNKNOWN_EFFECT = 'unknown-effect';
const CODES: Readonly<Record<CouldNotTell['code'] | typeof UNKNOWN_EFFECT, true>> = {
  [UNKNOWN_EFFECT]: true,
  'syntax-error': true,
  'too-large': true,
  'too-complex': true,
  timeout: true,
  'nul-byte': true,
  'invalid-utf8': true,
  'unknown-statement': true,
  ambiguous: true,
  'unknown-prepared-statement': true,
  'lexing-setting': true,
  'off-limits': true,
  'reader-failed': true,
};

const TYPES: Readonly<Record<ObjectType, true>> = {
  table: true,
  column: true,
  index: true,
  view: true,
  sequence: true,
  function: true,
  schema: true,
  database: true,
  role: true,
  type: true,
  setting: true,
  'large-object': true,
  other: true,
  account: true,
  backup: true,
  bucket: true,
  credential: true,
  deployment: true,
  domain: true,
  environment: true,
  member: true,
  network: true,
  project: true,
  sandbox: true,
  service: true,
  variable: true,
  volume: true,
  workspace: true,
};
const isObjectType = (word: string): word is ObjectType => Object.hasOwn(TYPES, word);
export const OBJECT_TYPES: readonly ObjectType[] = Object.keys(TYPES).filter(isObjectType);

/** Attributes whose words are a closed set: a rule that compares with another word never matches. */
export const CLOSED_WORDS: Readonly<Partial<Record<Attribute, readonly string[]>>> = {
  objectType: ['', ...OBJECT_TYPES],
  reach: ['none', 'rows', 'whole', 'cascade', 'unknown'] satisfies Reach[],
  reversal: ['capture', 'rename', 'inverse', 'none'] satisfies ActContext['reversal'][],
  code: ['', ...Object.keys(CODES)],
};

/** `resource.recovery`: what is known of the target's recovery now (`model/recovery-facts.ts`). */
export const RECOVERY_ATTRIBUTES = [
  'provenAgeMinutes',
  'outsideBlastRadius',
  'rpoSeconds',
  'configured',
  'red',
] as const;

export const CEDAR_SCHEMA = `\
entity Level enum ["open", "guarded", "sealed"];
entity Environment in [Level];
type Recovery = {
  provenAgeMinutes: Long,
  outsideBlastRadius: Bool,
  rpoSeconds: Long,
  configured: Bool,
  red: Bool
};
entity Target in [Environment, Level] = { protocol: String, recovery: Recovery };
entity Agent;

type Act = {
  verb: String,
  objectType: String,
  schema: String,
  name: String,
  reach: String,
  additive: Bool,
  listed: Bool,
  protected: Bool,
  reversal: String,
  lost: Bool,
  code: String
};

action change;
action read appliesTo { principal: Agent, resource: Target, context: Act };
action ${CHANGE_ACTIONS.join(', ')} in [change]
  appliesTo { principal: Agent, resource: Target, context: Act };
`;
