/** The value a literal stands for when no type says otherwise: in JSON scalars and in the schema. */
import { Kind, type ValueNode } from '@0no-co/graphql.web';
import { type Json, objectOf } from './json.ts';

export type Variables = ReadonlyMap<string, Json>;

const NONE: Variables = new Map();

/** A variable that was not given is null here, and no field of an object. */
export function constantOf(node: ValueNode, variables: Variables = NONE): Json {
  switch (node.kind) {
    case Kind.VARIABLE:
      return variables.get(node.name.value) ?? null;
    case Kind.NULL:
      return null;
    case Kind.INT:
    case Kind.FLOAT:
      return Number(node.value);
    case Kind.STRING:
    case Kind.BOOLEAN:
    case Kind.ENUM:
      return node.value;
    case Kind.LIST:
      return node.values.map((one) => constantOf(one, variables));
    case Kind.OBJECT:
      return objectOf(
        node.fields
          .filter(({ value }) => !isMissing(value, variables))
          .map(({ name, value }) => [name.value, constantOf(value, variables)] as const),
      );
    default:
      throw new Error('a literal of no known kind');
  }
}

/** A variable nobody gave a value: what it stands for is left out. */
export function isMissing(node: ValueNode, variables: Variables): boolean {
  return node.kind === Kind.VARIABLE && !variables.has(node.name.value);
}
