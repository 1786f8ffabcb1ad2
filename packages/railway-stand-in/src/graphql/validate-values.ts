/** Literals and variables against the types of the places they stand in (specification 5.6, 5.8). */
import type { OperationNode, ValueNode } from './ast.ts';
import { fromLiteral, Unfit } from './coerce.ts';
import { type InputValue, innermost, type Schema, shown, type TypeRef } from './schema.ts';

export type Declared = ReadonlyMap<
  string,
  { readonly type: TypeRef; readonly preset: ValueNode | null }
>;

/** The argument of @skip and @include. */
export const DIRECTIVE_IF: InputValue = {
  name: 'if',
  type: { kind: 'non-null', of: { kind: 'named', name: 'Boolean' } },
  preset: undefined,
};

const NO_VARIABLES = new Map<string, never>();

export function checkVariables(schema: Schema, operation: OperationNode): Declared {
  const declared = new Map<string, { type: TypeRef; preset: ValueNode | null }>();
  for (const { name, type, preset, directives } of operation.variables) {
    if (declared.has(name)) throw new Unfit(`Variable "$${name}" is declared twice.`);
    if (directives.length > 0) throw new Unfit('A directive is out of place.');
    const named = schema.get(innermost(type));
    if (named === undefined) throw new Unfit(`Unknown type "${innermost(type)}".`);
    if (named.kind === 'object') throw new Unfit(`"$${name}" cannot be of type ${shown(type)}.`);
    if (preset !== null) fromLiteral(schema, type, preset, NO_VARIABLES);
    declared.set(name, { type, preset });
  }
  return declared;
}

/** Walks into lists and objects; a variable must fit the very place it stands in. */
export function checkValue(
  schema: Schema,
  at: InputValue,
  node: ValueNode,
  declared: Declared,
  used: Set<string>,
): void {
  if (node.kind === 'variable') {
    const name = node.name;
    used.add(name);
    const variable = declared.get(name);
    if (variable === undefined) throw new Unfit(`Variable "$${name}" is not defined.`);
    if (fits(variable.type, variable.preset, at)) return;
    throw new Unfit(
      `Variable "$${name}" of type "${shown(variable.type)}" stands where "${shown(at.type)}" is expected.`,
    );
  }
  const type = at.type.kind === 'non-null' ? at.type.of : at.type;
  if (node.kind === 'null') {
    if (at.type.kind === 'non-null') throw new Unfit(`"${at.name}" cannot be null.`);
    return;
  }
  if (type.kind === 'list') {
    const nodes = node.kind === 'list' ? node.values : [node];
    const inside = { name: at.name, type: type.of, preset: undefined };
    for (const one of nodes) checkValue(schema, inside, one, declared, used);
    return;
  }
  const named = type.kind === 'named' ? schema.get(type.name) : undefined;
  if (named?.kind === 'input' && node.kind === 'object') {
    for (const { name, value } of node.fields) {
      const field = named.fields.get(name);
      if (field !== undefined) checkValue(schema, field, value, declared, used);
    }
    checkObject(schema, at, node);
    return;
  }
  const isJson = named?.kind === 'scalar' && holdsVariables(node);
  if (isJson) collect(node, declared, used);
  fromLiteral(schema, type, node, new Map());
}

/** Names and what is required; the values were looked at one by one. */
function checkObject(schema: Schema, at: InputValue, node: ValueNode): void {
  const named = schema.get(innermost(at.type));
  if (named?.kind !== 'input' || node.kind !== 'object') return;
  const names = node.fields.map((one) => one.name);
  const extra = names.find((name) => !named.fields.has(name));
  if (extra !== undefined) throw new Unfit(`Field "${extra}" is not defined by "${named.name}".`);
  if (new Set(names).size < names.length) throw new Unfit(`A field of "${at.name}" is twice.`);
  for (const field of named.fields.values()) {
    const isMissing = field.type.kind === 'non-null' && field.preset === undefined;
    if (isMissing && !names.includes(field.name)) {
      throw new Unfit(`Field "${named.name}.${field.name}" is required.`);
    }
  }
}

/** Specification 5.8.5: a default on either side makes up for a missing `!`. */
function fits(type: TypeRef, preset: ValueNode | null, at: InputValue): boolean {
  if (at.type.kind === 'non-null' && type.kind !== 'non-null') {
    const hasPreset = preset !== null && preset.kind !== 'null';
    return (hasPreset || at.preset !== undefined) && isWithin(type, at.type.of);
  }
  return isWithin(type, at.type);
}

function isWithin(type: TypeRef, wanted: TypeRef): boolean {
  if (wanted.kind === 'non-null') return type.kind === 'non-null' && isWithin(type.of, wanted.of);
  if (type.kind === 'non-null') return isWithin(type.of, wanted);
  if (wanted.kind === 'list') return type.kind === 'list' && isWithin(type.of, wanted.of);
  return type.kind === 'named' && type.name === wanted.name;
}

function holdsVariables(node: ValueNode): boolean {
  return node.kind === 'list' || node.kind === 'object';
}

/** Inside JSON a variable may be of any type, and must be declared all the same. */
function collect(node: ValueNode, declared: Declared, used: Set<string>): void {
  if (node.kind === 'variable') {
    if (!declared.has(node.name)) {
      throw new Unfit(`Variable "$${node.name}" is not defined.`);
    }
    used.add(node.name);
  } else if (node.kind === 'list') {
    for (const one of node.values) collect(one, declared, used);
  } else if (node.kind === 'object') {
    const names = node.fields.map((one) => one.name);
    if (new Set(names).size < names.length) throw new Unfit('A field is given twice.');
    for (const { value } of node.fields) collect(value, declared, used);
  }
}
