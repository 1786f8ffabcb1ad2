/**
 * What is Holdfast's own in a protected database (docs/decisions/0006): no agent has business there,
 * by whatever name it gets there. Privileges refuse it too; this says so early and in words.
 */
import type { ObjectRef } from '../../model/effect.ts';
import { pathNames } from '../../model/session-settings.ts';

export const OFF_LIMITS =
  'Expected objects of the application, found one of Holdfast itself: ' +
  'what takes changes back is out of reach for agents.';

const SCHEMA = /^holdfast(_rebuild|_trash_.*)?$/;
const ROLE = /^(holdfast_(owner|agents|others|ddl|undo)|hf_.*)$/;

export function isOffLimits(object: ObjectRef | null): boolean {
  if (object === null) return false;
  if (object.schema !== null && SCHEMA.test(object.schema)) return true;
  if (object.type === 'schema') return SCHEMA.test(object.name);
  return object.type === 'role' && ROLE.test(object.name);
}

/** A setting that would let a name without a schema mean one of ours, or pass itself off as us. */
export function leadsOffLimits(parameter: string, value: string | null): boolean {
  if (parameter.startsWith('holdfast.')) return true;
  if (value === null) return false;
  const words = value.split(',').map((word) => word.trim().replace(/^"(.*)"$/, '$1'));
  if (parameter === 'search_path') {
    return [...words, ...(pathNames(value) ?? [])].some((word) => SCHEMA.test(word));
  }
  return parameter === 'role' && words.some((word) => ROLE.test(word));
}

/**
 * A prepared statement that the gateway itself keeps in the session. Under such a name an agent could
 * have one thing judged and run what stands there of ours.
 */
export function isOwnName(name: string): boolean {
  return name.startsWith('holdfast_');
}
