/**
 * A schema as maps. Only what the stand-in needs: scalars, enums, input objects and objects; no
 * interface and no union, so that a field's type says all.
 */

import type { TypeNode } from './ast.ts';
import type { Json } from './json.ts';

/** Types are written alike in a schema and in a document. */
export type TypeRef = TypeNode;

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
