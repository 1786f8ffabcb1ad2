/**
 * Does a document fit the schema? The rules of the GraphQL specification, section 5, over the whole
 * document and before anything runs. Says the first thing wrong with it, in words, or null.
 */
import type {
  DefinitionNode,
  DirectiveNode,
  FieldNode,
  FragmentNode,
  OperationNode,
  Parts,
  SelectionNode,
  ValueNode,
} from './ast.ts';
import { Unfit } from './coerce.ts';
import { mergeConflict } from './merging.ts';
import { type InputValue, innermost, isRequired, type ObjectType, type Schema } from './schema.ts';
import { checkValue, checkVariables, type Declared, DIRECTIVE_IF } from './validate-values.ts';

const ROOTS = new Map([
  ['query', 'Query'],
  ['mutation', 'Mutation'],
  ['subscription', 'Subscription'],
]);

/** Which object type a kind of operation starts at. */
export function rootOf(schema: Schema, operation: string): ObjectType | null {
  const name = ROOTS.get(operation);
  const type = name === undefined ? undefined : schema.get(name);
  return type?.kind === 'object' ? type : null;
}

/** Throws `Unfit`. */
export function validate(schema: Schema, document: readonly DefinitionNode[]): Parts {
  const parts = partsOf(document);
  const used = new Set<string>();
  for (const operation of parts.operations) {
    const root = rootOf(schema, operation.operation);
    if (root === null) throw new Unfit(`Nothing here answers a ${operation.operation}.`);
    const declared = checkVariables(schema, operation);
    const walk = new Walk(schema, parts, declared);
    if (operation.directives.length > 0) throw new Unfit('A directive is out of place.');
    walk.selections(operation.selections, root, []);
    const idle = [...declared.keys()].find((name) => !walk.variablesUsed.has(name));
    if (idle !== undefined) throw new Unfit(`Variable "$${idle}" is never used.`);
    const conflict = mergeConflict(parts, operation.selections);
    if (conflict !== null) throw new Unfit(`Fields "${conflict}" conflict; use different aliases.`);
    for (const name of walk.fragmentsUsed) used.add(name);
  }
  const idle = [...parts.fragments.keys()].find((name) => !used.has(name));
  if (idle !== undefined) throw new Unfit(`Fragment "${idle}" is never used.`);
  return parts;
}

function partsOf(document: readonly DefinitionNode[]): Parts {
  const operations: OperationNode[] = [];
  const fragments = new Map<string, FragmentNode>();
  for (const node of document) {
    if (node.kind === 'operation') operations.push(node);
    else if (fragments.has(node.name)) throw new Unfit('Two fragments have one name.');
    else fragments.set(node.name, node);
  }
  const names = operations.map((one) => one.name);
  if (operations.length > 1 && names.includes(null)) {
    throw new Unfit('An anonymous operation must be the only one.');
  }
  if (new Set(names).size < names.length) throw new Unfit('Two operations have one name.');
  if (operations.length === 0) throw new Unfit('There is no operation.');
  return { operations, fragments };
}

class Walk {
  readonly variablesUsed = new Set<string>();
  readonly fragmentsUsed = new Set<string>();
  readonly #schema: Schema;
  readonly #parts: Parts;
  readonly #declared: Declared;

  constructor(schema: Schema, parts: Parts, declared: Declared) {
    this.#schema = schema;
    this.#parts = parts;
    this.#declared = declared;
  }

  selections(nodes: readonly SelectionNode[], on: ObjectType, path: readonly string[]): void {
    for (const node of nodes) {
      this.directives(node.directives);
      switch (node.kind) {
        case 'field':
          this.#field(node, on, path);
          break;
        case 'inline':
          this.#condition(node.on ?? on.name, on);
          this.selections(node.selections, on, path);
          break;
        case 'spread': {
          const name = node.name;
          const fragment = this.#parts.fragments.get(name);
          if (fragment === undefined) throw new Unfit(`Unknown fragment "${name}".`);
          if (path.includes(name)) throw new Unfit(`Fragment "${name}" contains itself.`);
          this.#condition(fragment.on, on);
          // Once is enough: its variables are those of the same operation.
          if (this.fragmentsUsed.has(name)) break;
          if (fragment.directives.length > 0) throw new Unfit('A directive is out of place.');
          this.selections(fragment.selections, on, [...path, name]);
          this.fragmentsUsed.add(name);
          break;
        }
      }
    }
  }

  #condition(name: string, on: ObjectType): void {
    if (name === on.name) return;
    throw new Unfit(`A fragment on "${name}" can never apply to "${on.name}".`);
  }

  #field(node: FieldNode, on: ObjectType, path: readonly string[]): void {
    const name = node.name;
    if (name === '__typename') {
      if (node.selections !== null) throw new Unfit('"__typename" has no fields.');
      if (node.args.length > 0) throw new Unfit('"__typename" takes no argument.');
      return;
    }
    const field = on.fields.get(name);
    if (field === undefined) {
      throw new Unfit(`Cannot query field "${name}" on type "${on.name}".`);
    }
    const given = node.args.map((one) => one.name);
    if (new Set(given).size < given.length) throw new Unfit(`An argument of "${name}" is twice.`);
    for (const argument of node.args) {
      const known = field.args.get(argument.name);
      if (known === undefined) {
        throw new Unfit(`Unknown argument "${argument.name}" on field "${on.name}.${name}".`);
      }
      this.#value(known, argument.value);
    }
    for (const known of field.args.values()) {
      if (isRequired(known) && !given.includes(known.name)) {
        throw new Unfit(`Field "${name}" argument "${known.name}" is required.`);
      }
    }
    const below = this.#schema.get(innermost(field.type));
    if (below?.kind === 'object') {
      if (node.selections === null) throw new Unfit(`Field "${name}" needs fields of it.`);
      this.selections(node.selections, below, path);
    } else if (node.selections !== null) {
      throw new Unfit(`Field "${name}" has no fields.`);
    }
  }

  directives(nodes: readonly DirectiveNode[]): void {
    const seen = new Set<string>();
    for (const { name, args } of nodes) {
      if (name !== 'skip' && name !== 'include') {
        throw new Unfit(`Unknown directive "@${name}".`);
      }
      if (seen.has(name)) throw new Unfit(`Directive "@${name}" is there twice.`);
      seen.add(name);
      const [first] = args;
      if (first === undefined || args.length > 1 || first.name !== 'if') {
        throw new Unfit(`Directive "@${name}" takes "if" and nothing else.`);
      }
      this.#value(DIRECTIVE_IF, first.value);
    }
  }

  #value(at: InputValue, node: ValueNode): void {
    checkValue(this.#schema, at, node, this.#declared, this.variablesUsed);
  }
}
