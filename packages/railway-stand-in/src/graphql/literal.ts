/** The value a literal stands for when no type says otherwise: in JSON scalars. */
import type { ValueNode } from './ast.ts';
import { type Json, objectOf } from './json.ts';

export type Variables = ReadonlyMap<string, Json>;

const NONE: Variables = new Map();

/** A variable that was not given is null here, and no field of an object. */
export function constantOf(node: ValueNode, variables: Variables = NONE): Json {
  switch (node.kind) {
    case 'variable':
      return variables.get(node.name) ?? null;
    case 'null':
      return null;
    case 'int':
    case 'float':
      return Number(node.text);
    case 'string':
    case 'enum':
      return node.text;
    case 'boolean':
      return node.is;
    case 'list':
      return node.values.map((one) => constantOf(one, variables));
    case 'object':
      return objectOf(
        node.fields
          .filter(({ value }) => !isMissing(value, variables))
          .map(({ name, value }) => [name, constantOf(value, variables)] as const),
      );
  }
}

/** A variable nobody gave a value: what it stands for is left out. */
export function isMissing(node: ValueNode, variables: Variables): boolean {
  return node.kind === 'variable' && !variables.has(node.name);
}
