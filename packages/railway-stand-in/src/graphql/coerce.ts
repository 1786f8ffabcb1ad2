/**
 * Values into what a type says, from literals and from variables (GraphQL specification, section 3).
 * Throws `Unfit` in words; nothing is bent to fit.
 */
import type { ValueNode } from './ast.ts';
import { isJsonObject, type Json, type JsonObject } from './json.ts';
import { constantOf, isMissing, type Variables } from './literal.ts';
import { type InputValue, isRequired, type Schema, shown, type TypeRef } from './schema.ts';

export class Unfit extends Error {}

const INT_MAX = 2 ** 31 - 1;
const INT_MIN = -(2 ** 31);

/** A value that came as JSON. */
export function fromJson(schema: Schema, type: TypeRef, value: Json): Json {
  if (type.kind === 'non-null') {
    if (value === null) throw new Unfit(`Expected ${shown(type)}, found null.`);
    return fromJson(schema, type.of, value);
  }
  if (value === null) return null;
  if (type.kind === 'list') {
    if (!Array.isArray(value)) return [fromJson(schema, type.of, value)];
    return value.map((one: Json) => fromJson(schema, type.of, one));
  }
  const named = schema.get(type.name);
  switch (named?.kind) {
    case 'scalar':
      return scalarOf(type.name, value);
    case 'enum':
      if (typeof value === 'string' && named.values.includes(value)) return value;
      throw new Unfit(`Expected a value of ${type.name}, found ${JSON.stringify(value)}.`);
    case 'input':
      if (!isJsonObject(value)) throw new Unfit(`Expected ${type.name} to be an object.`);
      return objectFrom(schema, type.name, named.fields, value);
    case 'object':
    case undefined:
      throw new Unfit(`${type.name} is no type of a value that is given.`);
  }
}

function objectFrom(
  schema: Schema,
  name: string,
  fields: ReadonlyMap<string, InputValue>,
  value: JsonObject,
): Json {
  const extra = Object.keys(value).find((key) => !fields.has(key));
  if (extra !== undefined) throw new Unfit(`Field "${extra}" is not defined by type "${name}".`);
  return gathered(name, fields, (field) => {
    const given = Object.hasOwn(value, field.name) ? value[field.name] : undefined;
    return given === undefined ? undefined : fromJson(schema, field.type, given);
  });
}

/** A literal of a document that was validated: variables have their values, of fitting types. */
export function fromLiteral(
  schema: Schema,
  type: TypeRef,
  node: ValueNode,
  variables: Variables,
): Json {
  if (node.kind === 'variable') {
    const value = variables.get(node.name) ?? null;
    if (type.kind === 'non-null' && value === null) {
      throw new Unfit(`Expected ${shown(type)}, found null in $${node.name}.`);
    }
    return value;
  }
  if (type.kind === 'non-null') {
    if (node.kind === 'null') throw new Unfit(`Expected ${shown(type)}, found null.`);
    return fromLiteral(schema, type.of, node, variables);
  }
  if (node.kind === 'null') return null;
  if (type.kind === 'list') {
    const nodes = node.kind === 'list' ? node.values : [node];
    return nodes.map((one) => fromLiteral(schema, type.of, one, variables));
  }
  const named = schema.get(type.name);
  switch (named?.kind) {
    case 'scalar':
      return scalarFromLiteral(type.name, node, variables);
    case 'enum':
      if (node.kind === 'enum' && named.values.includes(node.text)) return node.text;
      throw new Unfit(`Expected a value of ${type.name}.`);
    case 'input': {
      if (node.kind !== 'object') throw new Unfit(`Expected ${type.name} to be an object.`);
      const { fields } = node;
      const names = fields.map((field) => field.name);
      const extra = names.find((one) => !named.fields.has(one));
      if (extra !== undefined) {
        throw new Unfit(`Field "${extra}" is not defined by type "${type.name}".`);
      }
      if (new Set(names).size < names.length) throw new Unfit('A field is given twice.');
      return gathered(type.name, named.fields, (field) => {
        const found = fields.find((one) => one.name === field.name)?.value;
        if (found === undefined || isMissing(found, variables)) return undefined;
        return fromLiteral(schema, field.type, found, variables);
      });
    }
    case 'object':
    case undefined:
      throw new Unfit(`${type.name} is no type of a value that is given.`);
  }
}

/** Arguments and input objects alike: presets are put in, and what is required must be there. */
export function gathered(
  owner: string,
  fields: ReadonlyMap<string, InputValue>,
  given: (field: InputValue) => Json | undefined,
): JsonObject {
  const made: { [name: string]: Json } = Object.create(null);
  for (const field of fields.values()) {
    const value = given(field);
    if (value !== undefined) made[field.name] = value;
    else if (field.preset !== undefined) made[field.name] = field.preset;
    else if (isRequired(field)) {
      throw new Unfit(`"${field.name}" of ${owner} is required (${shown(field.type)}).`);
    }
  }
  return made;
}

function scalarOf(name: string, value: Json): Json {
  const fits = (is: boolean): Json => {
    if (is) return value;
    throw new Unfit(`Expected ${name}, found ${JSON.stringify(value).slice(0, 100)}.`);
  };
  switch (name) {
    case 'Int':
      return fits(Number.isInteger(value) && Number(value) >= INT_MIN && Number(value) <= INT_MAX);
    case 'Float':
      return fits(typeof value === 'number' && Number.isFinite(value));
    case 'String':
      return fits(typeof value === 'string');
    case 'Boolean':
      return fits(typeof value === 'boolean');
    case 'ID':
      if (Number.isInteger(value)) return String(value);
      return fits(typeof value === 'string');
    case 'DateTime':
      return fits(typeof value === 'string' && !Number.isNaN(Date.parse(value)));
    case 'BigInt':
      return fits(Number.isInteger(value) || (typeof value === 'string' && /^-?\d+$/.test(value)));
    case 'Upload':
      throw new Unfit('A file comes by multipart, which the stand-in does not take.');
    default:
      // JSON under any of Railway's names for it.
      return value;
  }
}

function scalarFromLiteral(name: string, node: ValueNode, variables: Variables): Json {
  const isKind = (...kinds: readonly string[]): boolean => kinds.includes(node.kind);
  const wrong = (): never => {
    throw new Unfit(`Expected ${name}, found another literal.`);
  };
  switch (name) {
    case 'Int':
      return isKind('int') ? scalarOf(name, constantOf(node)) : wrong();
    case 'Float':
      return isKind('int', 'float') ? scalarOf(name, constantOf(node)) : wrong();
    case 'Boolean':
      return isKind('boolean') ? constantOf(node) : wrong();
    case 'String':
    case 'DateTime':
      return isKind('string') ? scalarOf(name, constantOf(node)) : wrong();
    case 'ID':
      if (node.kind === 'int') return node.text;
      return isKind('string') ? constantOf(node) : wrong();
    default:
      return scalarOf(name, constantOf(node, variables));
  }
}
