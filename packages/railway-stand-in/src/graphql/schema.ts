/**
 * A schema as maps, read from SDL. Only what the stand-in needs: scalars, enums, input objects and
 * objects; no interface and no union, so that a field's type says all.
 */
import { Kind, parse, type TypeNode } from '@0no-co/graphql.web';
import type { Json } from './json.ts';
import { constantOf } from './literal.ts';

export type TypeRef =
  | { readonly kind: 'named'; readonly name: string }
  | { readonly kind: 'list'; readonly of: TypeRef }
  | { readonly kind: 'non-null'; readonly of: TypeRef };

export interface InputValue {
  readonly name: string;
  readonly type: TypeRef;
  /** Undefined: none. */
  readonly preset: Json | undefined;
}

export interface Field {
  readonly name: string;
  readonly args: ReadonlyMap<string, InputValue>;
  readonly type: TypeRef;
}

export type NamedType =
  | { readonly kind: 'scalar'; readonly name: string }
  | { readonly kind: 'enum'; readonly name: string; readonly values: readonly string[] }
  | {
      readonly kind: 'input';
      readonly name: string;
      readonly fields: ReadonlyMap<string, InputValue>;
    }
  | { readonly kind: 'object'; readonly name: string; readonly fields: ReadonlyMap<string, Field> };

export type ObjectType = Extract<NamedType, { readonly kind: 'object' }>;

export type Schema = ReadonlyMap<string, NamedType>;

const BUILT_IN = ['Int', 'Float', 'String', 'Boolean', 'ID'];

/** Types may be written in several texts; `extend type` adds to a type of any of them. */
export function readSchema(texts: readonly string[]): Schema {
  const types = new Map<string, NamedType>();
  for (const name of BUILT_IN) types.set(name, { kind: 'scalar', name });
  for (const text of texts) {
    for (const node of parse(text, { noLocation: true }).definitions) {
      if (!('name' in node) || node.name === undefined) continue;
      const name = node.name.value;
      switch (node.kind) {
        case Kind.SCALAR_TYPE_DEFINITION:
          types.set(name, { kind: 'scalar', name });
          break;
        case Kind.ENUM_TYPE_DEFINITION: {
          const values = (node.values ?? []).map((one) => one.name.value);
          types.set(name, { kind: 'enum', name, values });
          break;
        }
        case Kind.INPUT_OBJECT_TYPE_DEFINITION:
          types.set(name, { kind: 'input', name, fields: inputsOf(node.fields ?? []) });
          break;
        case Kind.OBJECT_TYPE_DEFINITION:
        case Kind.OBJECT_TYPE_EXTENSION: {
          const before = types.get(name);
          const fields = new Map(before?.kind === 'object' ? before.fields : []);
          for (const field of node.fields ?? []) {
            fields.set(field.name.value, {
              name: field.name.value,
              args: inputsOf(field.arguments ?? []),
              type: typeRef(field.type),
            });
          }
          types.set(name, { kind: 'object', name, fields });
          break;
        }
        default:
          throw new Error(`the schema has a ${node.kind}, which nothing here reads`);
      }
    }
  }
  return types;
}

interface InputNode {
  readonly name: { readonly value: string };
  readonly type: TypeNode;
  readonly defaultValue?: Parameters<typeof constantOf>[0] | undefined;
}

function inputsOf(nodes: readonly InputNode[]): ReadonlyMap<string, InputValue> {
  return new Map(
    nodes.map(({ name, type, defaultValue }) => {
      const preset = defaultValue === undefined ? undefined : constantOf(defaultValue);
      return [name.value, { name: name.value, type: typeRef(type), preset }];
    }),
  );
}

export function typeRef(node: TypeNode): TypeRef {
  switch (node.kind) {
    case Kind.NAMED_TYPE:
      return { kind: 'named', name: node.name.value };
    case Kind.LIST_TYPE:
      return { kind: 'list', of: typeRef(node.type) };
    case Kind.NON_NULL_TYPE:
      return { kind: 'non-null', of: typeRef(node.type) };
  }
}

export function shown(type: TypeRef): string {
  switch (type.kind) {
    case 'named':
      return type.name;
    case 'list':
      return `[${shown(type.of)}]`;
    case 'non-null':
      return `${shown(type.of)}!`;
  }
}

export function innermost(type: TypeRef): string {
  return type.kind === 'named' ? type.name : innermost(type.of);
}

/** Must it be given? */
export function isRequired({ type, preset }: InputValue): boolean {
  return type.kind === 'non-null' && preset === undefined;
}
