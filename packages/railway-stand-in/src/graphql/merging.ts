/**
 * Fields of one answer name must be the same field with the same arguments (specification 5.3.2).
 * Every type here is an object, so that two fields of one name in one place are of one parent.
 */
import type { FieldNode, Parts, SelectionNode, ValueNode } from './ast.ts';

/** The answer name in dispute, or null. */
export function mergeConflict(parts: Parts, selections: readonly SelectionNode[]): string | null {
  const fields = new Map<string, FieldNode[]>();
  flatten(parts, selections, fields, new Set());
  for (const [name, nodes] of fields) {
    const [first, ...rest] = nodes;
    if (first === undefined) continue;
    if (rest.some((node) => signature(node) !== signature(first))) return name;
    const below = nodes.flatMap((node) => node.selections ?? []);
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
    if (node.kind === 'field') {
      const name = node.answerName;
      const there = into.get(name);
      if (there) there.push(node);
      else into.set(name, [node]);
    } else if (node.kind === 'inline') {
      flatten(parts, node.selections, into, spread);
    } else if (!spread.has(node.name)) {
      spread.add(node.name);
      const fragment = parts.fragments.get(node.name);
      if (fragment) flatten(parts, fragment.selections, into, spread);
    }
  }
}

function signature({ name, args }: FieldNode): string {
  const given = args.map((one) => `${one.name}:${written(one.value)}`).sort();
  return `${name}(${given.join(',')})`;
}

/** Equal when they are written alike; the order of an object's fields says nothing. */
function written(node: ValueNode): string {
  switch (node.kind) {
    case 'list':
      return `[${node.values.map(written).join(',')}]`;
    case 'object':
      return `{${node.fields
        .map(({ name, value }) => `${name}:${written(value)}`)
        .sort()
        .join(',')}}`;
    default:
      return JSON.stringify(node);
  }
}
