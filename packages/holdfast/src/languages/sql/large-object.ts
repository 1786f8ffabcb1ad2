/**
 * `SELECT lo_unlink(4711)` and nothing else: the one call of a function that deletes, names what it deletes,
 * and can be taken back. With anything around it, it is code like any other (functions.ts).
 */
import type { TreeBody } from './tree.ts';
import { bodyAt, listAt, namesOf, nodeAt, nodesAt, textAt } from './tree.ts';

const SELECT_FIELDS: ReadonlySet<string> = new Set(['targetList', 'limitOption', 'op']);
const TARGET_FIELDS: ReadonlySet<string> = new Set(['val', 'location']);
const CALL_FIELDS: ReadonlySet<string> = new Set(['funcname', 'args', 'funcformat', 'location']);
const OID_MAX = 0xffff_ffff;

/** The number of the large object; null: it is another statement. */
export function unlinked(select: TreeBody): string | null {
  const [target, ...more] = nodesAt(select, 'targetList');
  if (target === undefined || more.length > 0 || !hasOnly(select, SELECT_FIELDS)) return null;
  const call = nodeAt(target.body, 'val');
  if (call?.kind !== 'FuncCall' || !hasOnly(target.body, TARGET_FIELDS)) return null;
  const name = namesOf(listAt(call.body, 'funcname')).join('.');
  if (name !== 'lo_unlink' && name !== 'pg_catalog.lo_unlink') return null;
  const [given, ...others] = nodesAt(call.body, 'args');
  if (given?.kind !== 'A_Const' || others.length > 0 || !hasOnly(call.body, CALL_FIELDS))
    return null;
  const value = bodyAt(given.body, 'ival')?.['ival'] ?? textAt(bodyAt(given.body, 'fval'), 'fval');
  const oid = Number(value);
  return Number.isInteger(oid) && oid > 0 && oid <= OID_MAX ? String(oid) : null;
}

function hasOnly(body: TreeBody, fields: ReadonlySet<string>): boolean {
  return Object.keys(body).every((field) => fields.has(field));
}
