/**
 * Fields of one answer name must be the same field with the same arguments (specification 5.3.2).
 * Every type here is an object, so that two fields of one name in one place are of one parent.
 */
import { type FieldNode, Kind, print, type SelectionNode } from '@0no-co/graphql.web';
import type { Parts } from './validate.ts';

/** The answer name in dispute, or null. */
export function mergeConflict(parts: Parts, selections: readonly SelectionNode[]): string | null {
  const fields = new Map<string, FieldNode[]>();
  flatten(parts, selections, fields, new Set());
  for (const [name, nodes] of fields) {
    const [first, ...rest] = nodes;
    if (first === undefined) continue;
    if (rest.some((node) => signature(node) !== signature(first))) return name;
    const below = nodes.flatMap((node) => node.selectionSet?.selections ?? []);
    const conflict = below.length > 0 ? mergeConflict(parts, below) : null;
    if (conflict !== null) return conflict;
  }
  return null;
}

function flatten(
  parts: Parts,
  selections: readonly SelectionNode[],
  into: Map<string, FieldNode[]>,
  spread: Set<string>,
): void {
  for (const node of selections) {
    if (node.kind === Kind.FIELD) {
      const name = (node.alias ?? node.name).value;
      const there = into.get(name);
      if (there) there.push(node);
      else into.set(name, [node]);
    } else if (node.kind === Kind.INLINE_FRAGMENT) {
      flatten(parts, node.selectionSet.selections, into, spread);
    } else if (!spread.has(node.name.value)) {
      spread.add(node.name.value);
      const fragment = parts.fragments.get(node.name.value);
      if (fragment) flatten(parts, fragment.selectionSet.selections, into, spread);
    }
  }
}

function signature({ name, arguments: args = [] }: FieldNode): string {
  const given = args.map((one) => `${one.name.value}:${print(one.value)}`).sort();
  return `${name.value}(${given.join(',')})`;
}
