/**
 * Reading the parser's JSON tree without trusting its shape: every accessor checks what it finds and
 * answers with something empty otherwise. A `Node` field holds `{"SelectStmt": {...}}`; a field of a
 * known type (`relation`, `larg`) holds the bare body. Zero, false and empty are left out by protobuf.
 */
export interface TreeBody {
  readonly [field: string]: unknown;
}

export interface TreeNode {
  /** `SelectStmt`, `FuncCall` ... as in PostgreSQL's nodes/parsenodes.h. */
  readonly kind: string;
  readonly body: TreeBody;
}

export function asBody(value: unknown): TreeBody | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as TreeBody)
    : null;
}

/** A wrapped node; null for an absent one (the parser writes a null in a list as `{}`). */
export function asNode(value: unknown): TreeNode | null {
  const outer = asBody(value);
  if (outer === null) return null;
  for (const kind in outer) {
    const first = kind.charCodeAt(0);
    if (first < 65 || first > 90) return null;
    const body = asBody(outer[kind]);
    return body === null ? null : { kind, body };
  }
  return null;
}

/** Whatever a field holds, unread. */
export function valueAt(body: TreeBody, field: string): unknown {
  return body[field];
}

export function nodeAt(body: TreeBody | null, field: string): TreeNode | null {
  return body === null ? null : asNode(body[field]);
}

export function bodyAt(body: TreeBody | null, field: string): TreeBody | null {
  return body === null ? null : asBody(body[field]);
}

const NOTHING: readonly unknown[] = [];

export function listAt(body: TreeBody | null, field: string): readonly unknown[] {
  const value = body?.[field];
  return Array.isArray(value) ? value : NOTHING;
}

export function nodesAt(body: TreeBody | null, field: string): TreeNode[] {
  return nodesOf(listAt(body, field));
}

export function nodesOf(values: readonly unknown[]): TreeNode[] {
  const nodes: TreeNode[] = [];
  for (const value of values) {
    const node = asNode(value);
    if (node !== null) nodes.push(node);
  }
  return nodes;
}

/** The text of a string field; null when absent. */
export function textAt(body: TreeBody | null, field: string): string | null {
  const value = body?.[field];
  return typeof value === 'string' ? value : null;
}

export function flagAt(body: TreeBody | null, field: string): boolean {
  return body?.[field] === true;
}

/** The text of a `String` node; null for anything else. */
export function stringOf(node: TreeNode | null): string | null {
  return node?.kind === 'String' ? (textAt(node.body, 'sval') ?? '') : null;
}

/** The texts of a list of `String` nodes: a dotted name. `List` nodes are opened. */
export function namesOf(values: readonly unknown[]): string[] {
  const names: string[] = [];
  for (const node of nodesOf(values)) {
    const text = stringOf(node);
    if (text !== null) names.push(text);
  }
  return names;
}

/**
 * Whether two trees say the same, their positions in the text aside. With `maskConstants`, two
 * constants are the same whatever they say.
 */
export function sameTree(a: unknown, b: unknown, maskConstants = false): boolean {
  if (Array.isArray(a)) {
    return (
      Array.isArray(b) &&
      a.length === b.length &&
      a.every((item, at) => sameTree(item, b[at], maskConstants))
    );
  }
  const left = asBody(a);
  const right = asBody(b);
  if (left === null || right === null) return a === b;
  if (maskConstants && 'A_Const' in left && 'A_Const' in right) return true;
  const fields = new Set([...Object.keys(left), ...Object.keys(right)]);
  fields.delete('location');
  for (const field of fields) {
    if (!sameTree(left[field], right[field], maskConstants)) return false;
  }
  return true;
}
