/** How an effect is taken back (DESIGN §2), and what of that a target can do. */
import type { Effect, Reading } from './effect.ts';

/**
 * - `capture`   the rows before are kept.
 * - `rename`    what is dropped is moved to the trash, definitions that change are recorded.
 * - `inverse`   the state before was read, and another operation sets it again.
 * - `defer`     runs after the grace unless a person cancels it.
 * - `snapshot`  a recovery point first.
 * - `none`      said aloud, with the reason.
 */
export type Reversal =
  | { readonly kind: 'capture' }
  | { readonly kind: 'rename' }
  | { readonly kind: 'inverse' }
  | { readonly kind: 'defer'; readonly untilMs: number }
  | { readonly kind: 'snapshot' }
  | { readonly kind: 'none'; readonly reason: string };

/** How far a target is protected, from weakest to strongest (docs/decisions/0006). */
export const PROTECTION_LEVELS = ['none', 'capture-only', 'no-fence', 'full'] as const;
export type ProtectionLevel = (typeof PROTECTION_LEVELS)[number];

/** What is known of a target's protection now. The same object for as long as nothing changes. */
export interface Protection {
  readonly level: ProtectionLevel;
  /** Undo data cannot be taken out of the target now: the vault store is away or full; else null. */
  readonly trouble: string | null;
  /** In trouble, and what waits in the target has reached its limit: agents change nothing there. */
  readonly isFull?: true;
  /** Tables whose rows are not kept now, `schema.name` quoted as PostgreSQL does; left out: none. */
  readonly uncaptured?: ReadonlySet<string>;
  /** Of those the ones that can never be kept, or were once; not what was only made or altered since. */
  readonly lost?: ReadonlySet<string>;
}

export const UNPROTECTED: Protection = { level: 'none', trouble: null };

/** How far a target is protected, and how an act on it would be taken back: for people, before it runs. */
export interface TakingBack {
  readonly level: ProtectionLevel;
  readonly reversal: (typeof TAKEN_BACK_BY)[number];
  /** Why nothing takes it back at once; '' where something does. */
  readonly reason: string;
}

/** From weakest to strongest. */
export const TAKEN_BACK_BY = ['none', 'defer', 'inverse', 'capture', 'rename'] as const;

type AtOnce = Extract<Reversal, { readonly kind: 'capture' | 'rename' | 'inverse' }>;

/** What is kept while it passes, so that nothing has to wait. */
export function isTakenBack(reversal: Reversal): reversal is AtOnce {
  const { kind } = reversal;
  return kind === 'capture' || kind === 'rename' || kind === 'inverse';
}

/** `isMadeReversible`: a rule asks for it once people have signed, so that what has no reversal waits. */
export function takingBackOf(
  { level }: Protection,
  reversal: Reversal,
  isMadeReversible: boolean,
): TakingBack {
  if (isTakenBack(reversal)) {
    return { level, reversal: reversal.kind, reason: '' };
  }
  const reason = reversal.kind === 'none' ? reversal.reason : '';
  return { level, reversal: level !== 'none' && isMadeReversible ? 'defer' : 'none', reason };
}

/** Whether what was shown to people when they signed said more than what would happen now. */
export function isWeaker(now: TakingBack, shown: TakingBack): boolean {
  // The rows before, or the thing itself: each is the whole of what that act could lose.
  const strength = ({ reversal }: TakingBack): number =>
    Math.min(TAKEN_BACK_BY.indexOf(reversal), TAKEN_BACK_BY.indexOf('capture'));
  return strength(now) < strength(shown);
}

/**
 * Every call of a provider passes Holdfast, so what it would destroy can always be put off, and what it
 * would change can be read before: there is no weaker level.
 */
export const PROVIDER_PROTECTION: Protection = { level: 'full', trouble: null };

const UNPROTECTED_REASON = 'this target is not protected yet (holdfast protect)';

/** Verbs whose change of structure `holdfast.run` can take back. */
export const RENAMED: ReadonlySet<string> = new Set([
  'DROP TABLE',
  'DROP SCHEMA',
  'DROP VIEW',
  'DROP MATERIALIZED VIEW',
  'DROP SEQUENCE',
  'DROP FUNCTION',
  'DROP PROCEDURE',
  'DROP ROUTINE',
  'DROP AGGREGATE',
  'DROP TYPE',
  'DROP DOMAIN',
  'DROP INDEX',
  'DROP TRIGGER',
  'DROP POLICY',
  'DROP RULE',
  'DROP STATISTICS',
  'ALTER TABLE DROP COLUMN',
  'ALTER TABLE ALTER COLUMN TYPE',
  'ALTER TABLE DROP CONSTRAINT',
  'ALTER TABLE SET NOT NULL',
  'ALTER TABLE DROP NOT NULL',
  'ALTER TABLE COLUMN DEFAULT',
  'ALTER TABLE DROP IDENTITY',
  'ALTER TABLE SET IDENTITY',
  'ALTER TABLE DETACH PARTITION',
  'ALTER TABLE DROP INHERIT',
  'ALTER TABLE CHANGE OWNER',
  'ALTER TABLE ENABLE ROW SECURITY',
  'ALTER TABLE DISABLE ROW SECURITY',
  'ALTER TABLE FORCE ROW SECURITY',
  'ALTER TABLE NO FORCE ROW SECURITY',
  'ALTER TABLE ENABLE TRIGGER',
  'ALTER TABLE DISABLE TRIGGER',
  'ALTER TABLE SET REL OPTIONS',
  'ALTER TABLE REPLICA IDENTITY',
  'ALTER TABLE CLUSTER ON',
  'ALTER TABLE SET UN LOGGED',
  'ALTER TABLE RENAME',
  'ALTER COLUMN RENAME',
  'ALTER CONSTRAINT RENAME',
  'ALTER INDEX RENAME',
  'ALTER SCHEMA RENAME',
  'ALTER VIEW RENAME',
  'ALTER MATERIALIZED VIEW RENAME',
  'ALTER SEQUENCE RENAME',
  'ALTER FUNCTION RENAME',
  'ALTER PROCEDURE RENAME',
  'ALTER TYPE RENAME',
  'ALTER DOMAIN RENAME',
  'ALTER TRIGGER RENAME',
  'ALTER POLICY RENAME',
  'ALTER TABLE SET SCHEMA',
  'ALTER VIEW SET SCHEMA',
  'ALTER SEQUENCE SET SCHEMA',
  'ALTER FUNCTION SET SCHEMA',
  'ALTER TYPE SET SCHEMA',
  'ALTER SCHEMA OWNER',
  'ALTER FUNCTION OWNER',
  'ALTER TYPE OWNER',
  'ALTER FUNCTION',
  'ALTER SEQUENCE',
  'ALTER TYPE',
  'ALTER POLICY',
  'ALTER MATERIALIZED VIEW SET SCHEMA',
  'ALTER DOMAIN SET SCHEMA',
  'ALTER PROCEDURE SET SCHEMA',
  'ALTER AGGREGATE SET SCHEMA',
  'ALTER STATISTICS SET SCHEMA',
  'ALTER AGGREGATE RENAME',
  'ALTER ROUTINE RENAME',
  'ALTER RULE RENAME',
  'ALTER STATISTICS RENAME',
  'ALTER PROCEDURE OWNER',
  'ALTER DOMAIN OWNER',
  'ALTER AGGREGATE OWNER',
  'ALTER STATISTICS OWNER',
  'DROP FOREIGN TABLE',
  'GRANT',
  'REVOKE',
  'ALTER DEFAULT PRIVILEGES',
  'CREATE ROLE',
  'ALTER ROLE',
  'ALTER ROLE SET',
  'ALTER ROLE RENAME',
  'DROP ROLE',
  'GRANT ROLE',
  'REVOKE ROLE',
  'TRUNCATE',
  'LO_UNLINK',
  'DROP DATABASE',
]);

/** What only adds, and may reach rows later: it is noted as made, and what it reaches is captured. */
export const NOTED: ReadonlySet<string> = new Set(['ALTER TABLE ADD CONSTRAINT']);

/** Verbs that lose rows only: capture keeps them, whether a condition limits them or not. */
const CAPTURED: ReadonlySet<string> = new Set([
  'INSERT',
  'UPDATE',
  'DELETE',
  'MERGE INSERT',
  'MERGE UPDATE',
  'MERGE DELETE',
  'COPY FROM',
]);

/** Rows that no trigger watches: the catalogs cannot be captured. */
function isCatalog({ object }: Effect): boolean {
  if (object === null) return false;
  if (object.schema === null) return object.name.startsWith('pg_');
  return /^(pg_catalog|information_schema|pg_toast.*)$/.test(object.schema);
}

/** The weakest reversal among the effects that change something stands for the whole reading. */
export function reversalOf(reading: Reading, protection: Protection): Reversal {
  if (protection.level === 'none') return { kind: 'none', reason: UNPROTECTED_REASON };
  let found: Reversal = { kind: 'capture' };
  if (reading.kind === 'could-not-tell') {
    return { kind: 'none', reason: 'nobody can tell what it would do' };
  }
  for (const effect of reading.effects) {
    // What loses nothing has nothing to take back, and does not make the rest any worse.
    if (effect.additive || effect.kind === 'read') continue;
    const reversal = reversalOfEffect(effect, protection);
    if (reversal.kind === 'none') return reversal;
    if (reversal.kind === 'rename' || reversal.kind === 'inverse') found = reversal;
  }
  return found;
}

/** By its name alone where the schema is not said: which of them it is nobody can tell here. */
function isUncaptured({ object }: Effect, uncaptured: ReadonlySet<string> | undefined): boolean {
  if (uncaptured === undefined || object === null) return false;
  for (const quoted of uncaptured) {
    const [schema, name] = [...quoted.matchAll(/"((?:[^"]|"")*)"|([^".]+)/g)].map(
      ([, inside, plain]) => inside?.replaceAll('""', '"') ?? plain,
    );
    if (object.name === name && (object.schema === null || object.schema === schema)) return true;
  }
  return false;
}

/** It changes rows that are there, and nothing keeps them: no new table is meant, nor one that is only altered. */
export function losesRows(effect: Effect, { level, lost }: Protection): boolean {
  if (level === 'none' || !LOSING.has(effect.verb)) return false;
  return isUncaptured(effect, lost);
}

const LOSING: ReadonlySet<string> = new Set(['UPDATE', 'DELETE', 'MERGE UPDATE', 'MERGE DELETE']);

function notKept({ object }: Effect): Reversal {
  const name = object?.name ?? '';
  return { kind: 'none', reason: `the rows of ${name} are not kept now (holdfast doctor)` };
}

function reversalOfEffect(effect: Effect, { uncaptured }: Protection): Reversal {
  if (effect.hasInverse === true) return { kind: 'inverse' };
  switch (effect.kind) {
    case 'read':
      return { kind: 'capture' };
    case 'write':
      return CAPTURED.has(effect.verb) && isUncaptured(effect, uncaptured)
        ? notKept(effect)
        : { kind: 'capture' };
    case 'destroy':
    case 'reshape':
    case 'grant':
      if (CAPTURED.has(effect.verb) && isUncaptured(effect, uncaptured)) {
        return notKept(effect);
      }
      if (CAPTURED.has(effect.verb) && !isCatalog(effect)) return { kind: 'capture' };
      return RENAMED.has(effect.verb) || NOTED.has(effect.verb)
        ? { kind: 'rename' }
        : { kind: 'none', reason: `${effect.verb} cannot be taken back` };
    case 'execute':
      return {
        kind: 'none',
        reason: `nobody can tell what ${effect.verb} would have to take back`,
      };
    case 'unknown':
      return { kind: 'none', reason: 'nobody can tell what it would do' };
    default:
      return effect.kind satisfies never;
  }
}
