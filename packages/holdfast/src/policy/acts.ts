/**
 * From effects to the acts that Cedar is asked about. A name that cannot be pinned to one schema
 * becomes one act per schema it may mean, and what sweeps (DROP SCHEMA, CASCADE, DROP OWNED) also
 * becomes one act per object that some rule names: the strictest answer stands. So a rule about
 * `payments` is not walked round by leaving the schema away or by dropping what `payments` lies in.
 *
 * `execute` and `unknown` do not become other acts: what they touch is not in the text at all, and
 * they have their own rules.
 */
import type { Effect, EffectKind, ObjectRef } from '../model/effect.ts';
import { isTakenBack, losesRows, type Protection, reversalOf } from '../model/reversal.ts';
import { type ActContext, ANY_SCHEMA, UNKNOWN_EFFECT } from './schema.ts';

export interface Act extends ActContext {
  readonly action: EffectKind;
}

/** What the rules name in their conditions: the words that an unpinned act is tried with. */
export interface Vocabulary {
  readonly schemas: readonly string[];
  /** Objects as rules name them; `schema` null stands for one that no rule names. */
  readonly objects: readonly ObjectRef[];
}

export function actsOf(
  effect: Effect,
  searchPath: readonly string[],
  functionsAllowed: ReadonlySet<string>,
  vocabulary: Vocabulary,
  protection: Protection,
): Act[] {
  const schemas = schemasOf(effect, searchPath, vocabulary);
  const base = {
    action: effect.kind,
    verb: effect.verb,
    reach: effect.reach,
    additive: effect.additive,
    listed: isListed(effect, searchPath, functionsAllowed),
    protected: protection.level !== 'none',
    reversal: reversalNameOf(effect, protection),
    lost: losesRows(effect, protection),
    code: effect.kind === 'unknown' ? UNKNOWN_EFFECT : '',
  };
  const { object } = effect;
  const name = object?.name ?? '';
  const acts: Act[] = schemas.map((schema) => ({
    ...base,
    objectType: object?.type ?? '',
    schema,
    name,
  }));
  if (object?.type === 'column') {
    for (const schema of schemas) {
      for (const table of tablesOf(name))
        acts.push({ ...base, objectType: 'table', schema, name: table });
    }
  }
  if (!sweeps(effect)) return acts;
  const within = object?.type === 'schema' ? object.name : null;
  for (const known of vocabulary.objects) {
    acts.push({
      ...base,
      objectType: known.type,
      schema: within ?? known.schema ?? ANY_SCHEMA,
      name: known.name,
    });
  }
  return acts;
}

/** Of this effect alone: the pipeline looks at the weakest of all before it does anything. */
function reversalNameOf(effect: Effect, protection: Protection): ActContext['reversal'] {
  const reversal = reversalOf({ kind: 'understood', effects: [effect] }, protection);
  return isTakenBack(reversal) ? reversal.kind : 'none';
}

/** A column is named `table.column`; a dot may also stand inside either, so each may be the one. */
function tablesOf(column: string): string[] {
  const parts = column.split('.');
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('.'));
}

/** Does it reach objects that the text does not name? */
function sweeps(effect: Effect): boolean {
  const { object, reach } = effect;
  const isHolder = object === null || object.type === 'schema' || object.type === 'database';
  const isWide = reach === 'cascade' || reach === 'unknown';
  const isTableLost = object?.type === 'column' && !object.name.includes('.');
  switch (effect.kind) {
    case 'read':
      // `SELECT 1` names nothing and reaches nothing; a dump of a schema reaches all of it.
      return isHolder && (isWide || reach === 'whole');
    case 'execute':
    case 'unknown':
      return false;
    case 'destroy':
      // DROP OWNED BY role.
      return isHolder || isWide || isTableLost || object.type === 'role';
    case 'grant':
      // SET ROLE and the like reach no table by themselves.
      return isHolder || isTableLost || (isWide && object.type !== 'role');
    case 'write':
    case 'reshape':
      return !effect.additive && (isHolder || isWide || isTableLost);
    default:
      return effect.kind satisfies never;
  }
}

function schemasOf(
  effect: Effect,
  searchPath: readonly string[],
  vocabulary: Vocabulary,
): readonly string[] {
  const { object } = effect;
  if (object === null) return [''];
  if (object.schema !== null) return [object.schema];
  // Objects that live in no schema.
  if (['schema', 'database', 'role', 'setting', 'large-object'].includes(object.type)) return [''];
  if (!isPinned(searchPath)) {
    return [...new Set([ANY_SCHEMA, ...searchPath.filter(isPlain), ...vocabulary.schemas])];
  }
  // PostgreSQL looks into pg_catalog first although no path names it; tables there begin with pg_.
  const catalog = object.name.startsWith('pg_') ? ['pg_catalog'] : [];
  return [...new Set([...catalog, ...searchPath])];
}

function isPinned(searchPath: readonly string[]): boolean {
  return searchPath.length > 0 && searchPath.every(isPlain);
}

/** `$user` stands for a schema that only the server knows. */
function isPlain(schema: string): boolean {
  return !schema.startsWith('$');
}

/** Listed in every schema that the name may mean; a bare entry lists it in any schema. */
function isListed(
  effect: Effect,
  searchPath: readonly string[],
  allowed: ReadonlySet<string>,
): boolean {
  const { object } = effect;
  if (effect.kind !== 'execute' || object?.type !== 'function') return false;
  // A dot inside a quoted name must not read like `schema.name`.
  if (object.name.includes('.') || object.schema?.includes('.')) return false;
  if (allowed.has(object.name)) return true;
  if (object.schema !== null) return allowed.has(`${object.schema}.${object.name}`);
  return isPinned(searchPath) && searchPath.every((one) => allowed.has(`${one}.${object.name}`));
}
