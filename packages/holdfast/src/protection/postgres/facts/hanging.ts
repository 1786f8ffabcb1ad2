/** Which dependents are asked for, by what becomes of each thing that was named. */
import type { Dependent } from '../../../model/touched.ts';
import type { TargetSession } from '../../target-database.ts';
import type { Wanted } from './asked.ts';
import {
  functionsNaming,
  goingWith,
  publishedBy,
  stopsTruncate,
  throughForeignKeys,
} from './dependents.ts';
import type { Meant } from './relations.ts';
import type { Root } from './roots.ts';

/** Tables whose names are looked for in the text of functions. */
const NAMED_MAX = 20;

export async function hangingOn(
  session: TargetSession,
  wanted: readonly Wanted[],
  meant: readonly Meant[],
  roots: readonly Root[],
): Promise<readonly Dependent[]> {
  const found: Dependent[] = [];
  const add = (more: readonly Dependent[]): void => void found.push(...more);
  const of = (test: (one: Wanted) => boolean): readonly Root[] =>
    roots.filter((root) => test(root.wanted));
  add(await dropped(session, wanted, meant, roots));
  const deleted = oidsIn(of(({ fate, verb }) => fate !== 'read' && verb.endsWith('DELETE')));
  if (deleted.length > 0) {
    add(await throughForeignKeys(session, deleted, 'delete'));
    add(await publishedBy(session, deleted, 'delete'));
  }
  const updated = oidsIn(of(({ fate, verb }) => fate !== 'read' && verb.endsWith('UPDATE')));
  if (updated.length > 0) {
    add(await throughForeignKeys(session, updated, 'update'));
    add(await publishedBy(session, updated, 'update'));
  }
  const emptied = oidsIn(of(({ verb }) => verb === 'TRUNCATE'));
  if (emptied.length > 0) {
    add(await stopsTruncate(session, emptied));
    add(await publishedBy(session, emptied, 'truncate'));
  }
  return found;
}

async function dropped(
  session: TargetSession,
  wanted: readonly Wanted[],
  meant: readonly Meant[],
  roots: readonly Root[],
): Promise<readonly Dependent[]> {
  const seeds = meant.filter(({ at }) => wanted[at]?.fate === 'goes');
  if (seeds.length === 0) return [];
  const isCascade = seeds.every(({ at }) => wanted[at]?.isCascade === true);
  const going = roots.filter(
    (root) => root.wanted.fate === 'goes' && root.wanted.kind !== 'column',
  );
  const found = [...(await goingWith(session, seeds, isCascade, oidsIn(going)))];
  const inside = going.filter((root) => root.wanted.kind === 'schema');
  if (inside.length > 0 && !isCascade) {
    found.unshift({ name: `${inside.length} relation(s) inside`, type: 'contents', what: 'stops' });
  }
  if (going.length > 0) {
    found.push(...(await publishedBy(session, oidsIn(going), '')));
    const names = going.slice(0, NAMED_MAX).map(({ top }) => top.name);
    found.push(...(await functionsNaming(session, names)));
  }
  return found;
}

function oidsIn(roots: readonly Root[]): readonly number[] {
  return roots.flatMap(({ relations }) => relations.map(({ oid }) => oid));
}
