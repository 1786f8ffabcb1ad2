/** What was named, each with all that belongs to it: partitions, children, what TRUNCATE takes along. Pure. */
import type { Wanted } from './asked.ts';
import type { Meant, Relation } from './relations.ts';

export interface Root {
  /** What becomes of it, and by which word. */
  readonly wanted: Wanted;
  /** The one that was named. */
  readonly top: Relation;
  /** With itself. */
  readonly relations: readonly Relation[];
}

/** `also`: oids of what a TRUNCATE ... CASCADE empties besides. What is only read is none. */
export function rootsOf(
  wanted: readonly Wanted[],
  meant: readonly Meant[],
  relations: readonly Relation[],
  also: readonly number[],
): readonly Root[] {
  const families = new Map<number, Relation[]>();
  for (const one of relations) {
    const family = families.get(one.root);
    if (family === undefined) families.set(one.root, [one]);
    else family.push(one);
  }
  const roots = new Map<number, Root>();
  const take = (oid: number, of: Wanted): void => {
    const family = families.get(oid);
    const top = family?.find((one) => one.oid === oid);
    const isTaken = roots.has(oid);
    if (family !== undefined && top !== undefined && !isTaken) {
      roots.set(oid, { wanted: of, top, relations: family });
    }
  };
  for (const { at, catalog, oid, schema } of meant) {
    const of = wanted[at];
    if (of === undefined || of.fate === 'read') continue;
    if (catalog === 'pg_class') take(oid, of);
    if (catalog !== 'pg_namespace') continue;
    for (const one of relations)
      if (one.oid === one.root && one.schema === schema) take(one.oid, of);
  }
  const truncate = wanted.find(({ isCascade, verb }) => verb === 'TRUNCATE' && isCascade);
  if (truncate !== undefined) for (const oid of also) take(oid, truncate);
  return [...roots.values()];
}

/** Rows of it are lost, all of them. */
export function isEmptied({ relations, wanted }: Root): boolean {
  const isWhole = wanted.fate === 'goes' || wanted.fate === 'all-rows';
  return isWhole && relations.some(({ kind }) => 'rpmf'.includes(kind));
}

/** Somebody once kept it beside the original; the name is all that says so. */
const COPY = /(?:^|_)(?:backup|bak|bkp|snapshot|archive|archived|old|copy)(?:_|\d|$)/i;

export function recoveryIn(roots: readonly Root[]): readonly string[] {
  return roots
    .filter((root) => isEmptied(root) && COPY.test(root.top.name))
    .map(
      ({ top }) => `${top.identity} is named like a kept copy of other data; if it is one, it goes`,
    );
}
