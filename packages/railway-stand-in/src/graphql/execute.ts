/**
 * Runs one validated operation (GraphQL specification, section 6): variables, skip and include, merged
 * fields, errors with paths, null that climbs to the next field that may be null. Fields of the root of
 * a mutation run one after the other; so do all others here, since nothing is gained by hurry.
 */
import type { DirectiveNode, FieldNode, OperationNode, Parts, SelectionNode } from './ast.ts';
import { fromJson, fromLiteral, gathered, Unfit } from './coerce.ts';
import { isObject, type Json, type JsonObject } from './json.ts';
import { isMissing, type Variables } from './literal.ts';
import { type Field, innermost, type ObjectType, type Schema, type TypeRef } from './schema.ts';
import { rootOf } from './validate.ts';

export type Args = JsonObject;

/** What a resolver gives: JSON in which a field may be a function of its arguments. */
export type Answer = Json | readonly Answer[] | AnswerObject;
export interface AnswerObject {
  readonly [name: string]: Answer | undefined | ((args: Args) => Answer | Promise<Answer>);
}

export type OperationKind = 'query' | 'mutation' | 'subscription';

/** Runs a field of the root; a refusal is thrown. */
export type RunRoot = (
  operation: OperationKind,
  field: string,
  args: Args,
) => Answer | Promise<Answer>;

export interface Problem {
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly extensions: JsonObject;
}

export interface Result {
  readonly data: Json;
  readonly errors: readonly Problem[];
}

/** An error that says its code to the client. */
export class Refusal extends Error {
  readonly code: string;

  constructor(message: string, code = 'BAD_REQUEST') {
    super(message);
    this.code = code;
  }
}

type Path = readonly (string | number)[];

/** Thrown past fields that cannot be null; what happened is written down already. */
class Climb extends Error {}

/** Throws `Unfit` when the variables do not fit: nothing has run then. */
export async function execute(
  schema: Schema,
  parts: Parts,
  operation: OperationNode,
  given: JsonObject,
  run: RunRoot,
): Promise<Result> {
  const root = rootOf(schema, operation.operation);
  if (root === null) throw new Unfit(`Nothing here answers a ${operation.operation}.`);
  const variables = variablesOf(schema, operation, given);
  const execution = new Execution(schema, parts, variables);
  const kind = operation.operation;
  const { selections } = operation;
  try {
    const data = await execution.fields(selections, root, [], (field, args) =>
      run(kind, field.name, args),
    );
    return { data, errors: execution.errors };
  } catch (error) {
    if (!(error instanceof Climb)) throw error;
    return { data: null, errors: execution.errors };
  }
}

function variablesOf(schema: Schema, operation: OperationNode, given: JsonObject): Variables {
  const values = new Map<string, Json>();
  for (const { name, type, preset } of operation.variables) {
    const value = Object.hasOwn(given, name) ? given[name] : undefined;
    if (value !== undefined)
      values.set(
        name,
        named(name, () => fromJson(schema, type, value)),
      );
    else if (preset !== null) {
      values.set(name, fromLiteral(schema, type, preset, new Map()));
    } else if (type.kind === 'non-null') {
      throw new Unfit(`Variable "$${name}" is required.`);
    }
  }
  return values;
}

function named<T>(name: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof Unfit)) throw error;
    throw new Unfit(`Variable "$${name}" got a value that does not fit: ${error.message}`);
  }
}

type Resolve = (field: Field, args: Args) => Answer | Promise<Answer | undefined> | undefined;

class Execution {
  readonly errors: Problem[] = [];
  readonly #schema: Schema;
  readonly #parts: Parts;
  readonly #variables: Variables;

  constructor(schema: Schema, parts: Parts, variables: Variables) {
    this.#schema = schema;
    this.#parts = parts;
    this.#variables = variables;
  }

  async fields(
    selections: readonly SelectionNode[],
    on: ObjectType,
    path: Path,
    resolve: Resolve,
  ): Promise<Json> {
    const collected = new Map<string, FieldNode[]>();
    this.#collect(selections, collected, new Set());
    const made: { [name: string]: Json } = Object.create(null);
    for (const [name, nodes] of collected) {
      made[name] = await this.#field(nodes, on, [...path, name], resolve);
    }
    return made;
  }

  #collect(
    selections: readonly SelectionNode[],
    into: Map<string, FieldNode[]>,
    spread: Set<string>,
  ): void {
    for (const node of selections) {
      if (!this.#isWanted(node.directives)) continue;
      if (node.kind === 'field') {
        const name = node.answerName;
        const there = into.get(name);
        if (there) there.push(node);
        else into.set(name, [node]);
      } else if (node.kind === 'inline') {
        this.#collect(node.selections, into, spread);
      } else if (!spread.has(node.name)) {
        spread.add(node.name);
        const fragment = this.#parts.fragments.get(node.name);
        if (fragment) this.#collect(fragment.selections, into, spread);
      }
    }
  }

  #isWanted(directives: readonly DirectiveNode[]): boolean {
    return directives.every(({ name, args }) => {
      const type: TypeRef = { kind: 'named', name: 'Boolean' };
      const node = args[0]?.value;
      if (node === undefined) return true;
      const is = fromLiteral(this.#schema, type, node, this.#variables) === true;
      return name === 'skip' ? !is : is;
    });
  }

  async #field(
    nodes: readonly FieldNode[],
    on: ObjectType,
    path: Path,
    resolve: Resolve,
  ): Promise<Json> {
    const [first] = nodes;
    if (first === undefined) return null;
    if (first.name === '__typename') return on.name;
    const field = on.fields.get(first.name);
    if (field === undefined) return null;
    try {
      const value = await resolve(field, this.#argsOf(field, first));
      return await this.#complete(field.type, value, nodes, path);
    } catch (error) {
      if (!(error instanceof Climb)) this.errors.push(problemOf(error, path));
      if (field.type.kind === 'non-null') throw new Climb();
      return null;
    }
  }

  #argsOf(field: Field, node: FieldNode): Args {
    return gathered(`"${field.name}"`, field.args, ({ name, type }) => {
      const found = node.args.find((one) => one.name === name)?.value;
      if (found === undefined || isMissing(found, this.#variables)) return undefined;
      return fromLiteral(this.#schema, type, found, this.#variables);
    });
  }

  async #complete(
    type: TypeRef,
    value: Answer | undefined,
    nodes: readonly FieldNode[],
    path: Path,
  ): Promise<Json> {
    if (type.kind === 'non-null') {
      const whole = value === undefined ? this.#filled(type.of) : value;
      const done = await this.#complete(type.of, whole, nodes, path);
      if (done === null) throw new Refusal('A field that cannot be null is.', 'INTERNAL_ERROR');
      return done;
    }
    if (value === undefined || value === null) return null;
    if (type.kind === 'list') {
      const items: Json[] = [];
      for (const [place, one] of Array.isArray(value) ? value.entries() : []) {
        items.push(await this.#complete(type.of, one, nodes, [...path, place]));
      }
      return items;
    }
    const named = this.#schema.get(type.name);
    if (named?.kind !== 'object') return plain(value);
    const object = isAnswerObject(value) ? value : {};
    const selections = nodes.flatMap((node) => node.selections ?? []);
    return this.fields(selections, named, path, (field, args) => {
      const found = Object.hasOwn(object, field.name) ? object[field.name] : undefined;
      return typeof found === 'function' ? found(args) : found;
    });
  }

  /** For fields that nobody here keeps and that Railway never leaves out. */
  #filled(type: TypeRef): Answer {
    if (type.kind !== 'named') return [];
    const named = this.#schema.get(innermost(type));
    if (named?.kind === 'object') return {};
    if (named?.kind === 'enum') return named.values[0] ?? '';
    switch (type.name) {
      case 'Int':
      case 'Float':
        return 0;
      case 'Boolean':
        return false;
      case 'String':
      case 'ID':
        return '';
      case 'BigInt':
        return '0';
      case 'DateTime':
        return new Date(0).toISOString();
      default:
        return {};
    }
  }
}

function isAnswerObject(value: Answer): value is AnswerObject {
  return isObject(value);
}

/** A scalar's value: nothing in it is a function. */
function plain(value: Answer): Json {
  if (Array.isArray(value)) return value.map(plain);
  if (!isAnswerObject(value)) return typeof value === 'object' ? null : value;
  const made: { [name: string]: Json } = Object.create(null);
  for (const [name, one] of Object.entries(value)) {
    if (one !== undefined && typeof one !== 'function') made[name] = plain(one);
  }
  return made;
}

function problemOf(error: unknown, path: Path): Problem {
  if (error instanceof Refusal) {
    return { message: error.message, path, extensions: { code: error.code } };
  }
  if (error instanceof Unfit) {
    return { message: error.message, path, extensions: { code: 'BAD_USER_INPUT' } };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { message, path, extensions: { code: 'INTERNAL_SERVER_ERROR' } };
}
