/**
 * Does a document fit the schema? The rules of the GraphQL specification, section 5, over the whole
 * document and before anything runs. Says the first thing wrong with it, in words, or null.
 */
import {
  type DirectiveNode,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  Kind,
  type OperationDefinitionNode,
  type SelectionNode,
} from '@0no-co/graphql.web';
import { Unfit } from './coerce.ts';
import { mergeConflict } from './merging.ts';
import { innermost, isRequired, type ObjectType, type Schema } from './schema.ts';
import { checkValue, checkVariables, type Declared, DIRECTIVE_IF } from './validate-values.ts';

export interface Parts {
  readonly operations: readonly OperationDefinitionNode[];
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>;
}

/** Which object type a kind of operation starts at. */
export function rootOf(schema: Schema, operation: string): ObjectType | null {
  const name = operation === 'mutation' ? 'Mutation' : operation === 'query' ? 'Query' : null;
  const type = name === null ? undefined : schema.get(name);
  return type?.kind === 'object' ? type : null;
}

/** Throws `Unfit`. */
export function validate(schema: Schema, document: DocumentNode): Parts {
  const parts = partsOf(document);
  const used = new Set<string>();
  for (const operation of parts.operations) {
    const root = rootOf(schema, operation.operation);
    if (root === null) throw new Unfit(`Nothing here answers a ${operation.operation}.`);
    const declared = checkVariables(schema, operation);
    const walk = new Walk(schema, parts, declared);
    if ((operation.directives ?? []).length > 0) throw new Unfit('A directive is out of place.');
    walk.selections(operation.selectionSet.selections, root, []);
    const idle = [...declared.keys()].find((name) => !walk.variablesUsed.has(name));
    if (idle !== undefined) throw new Unfit(`Variable "$${idle}" is never used.`);
    const conflict = mergeConflict(parts, operation.selectionSet.selections);
    if (conflict !== null) throw new Unfit(`Fields "${conflict}" conflict; use different aliases.`);
    for (const name of walk.fragmentsUsed) used.add(name);
  }
  const idle = [...parts.fragments.keys()].find((name) => !used.has(name));
  if (idle !== undefined) throw new Unfit(`Fragment "${idle}" is never used.`);
  return parts;
}

function partsOf(document: DocumentNode): Parts {
  const operations: OperationDefinitionNode[] = [];
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const node of document.definitions) {
    if (node.kind === Kind.OPERATION_DEFINITION) operations.push(node);
    else if (node.kind !== Kind.FRAGMENT_DEFINITION) throw new Unfit('It defines types.');
    else if (fragments.has(node.name.value)) throw new Unfit('Two fragments have one name.');
    else fragments.set(node.name.value, node);
  }
  const names = operations.map((one) => one.name?.value);
  if (operations.length > 1 && names.includes(undefined)) {
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
        case Kind.FIELD:
          this.#field(node, on, path);
          break;
        case Kind.INLINE_FRAGMENT:
          this.#condition(node.typeCondition?.name.value ?? on.name, on);
          this.selections(node.selectionSet.selections, on, path);
          break;
        case Kind.FRAGMENT_SPREAD: {
          const name = node.name.value;
          const fragment = this.#parts.fragments.get(name);
          if (fragment === undefined) throw new Unfit(`Unknown fragment "${name}".`);
          if (path.includes(name)) throw new Unfit(`Fragment "${name}" contains itself.`);
          this.#condition(fragment.typeCondition.name.value, on);
          // Once is enough: its variables are those of the same operation.
          if (this.fragmentsUsed.has(name)) break;
          if ((fragment.directives ?? []).length > 0)
            throw new Unfit('A directive is out of place.');
          this.selections(fragment.selectionSet.selections, on, [...path, name]);
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
    const name = node.name.value;
    if (name === '__typename') {
      if (node.selectionSet !== undefined) throw new Unfit('"__typename" has no fields.');
      if ((node.arguments ?? []).length > 0) throw new Unfit('"__typename" takes no argument.');
      return;
    }
    const field = on.fields.get(name);
    if (field === undefined) {
      throw new Unfit(`Cannot query field "${name}" on type "${on.name}".`);
    }
    const given = (node.arguments ?? []).map((one) => one.name.value);
    if (new Set(given).size < given.length) throw new Unfit(`An argument of "${name}" is twice.`);
    for (const argument of node.arguments ?? []) {
      const known = field.args.get(argument.name.value);
      if (known === undefined) {
        throw new Unfit(`Unknown argument "${argument.name.value}" on field "${on.name}.${name}".`);
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
      if (node.selectionSet === undefined) throw new Unfit(`Field "${name}" needs fields of it.`);
      this.selections(node.selectionSet.selections, below, path);
    } else if (node.selectionSet !== undefined) {
      throw new Unfit(`Field "${name}" has no fields.`);
    }
  }

  directives(nodes: readonly DirectiveNode[] | undefined): void {
    const seen = new Set<string>();
    for (const { name, arguments: args = [] } of nodes ?? []) {
      if (name.value !== 'skip' && name.value !== 'include') {
        throw new Unfit(`Unknown directive "@${name.value}".`);
      }
      if (seen.has(name.value)) throw new Unfit(`Directive "@${name.value}" is there twice.`);
      seen.add(name.value);
      const [first] = args;
      if (first === undefined || args.length > 1 || first.name.value !== 'if') {
        throw new Unfit(`Directive "@${name.value}" takes "if" and nothing else.`);
      }
      this.#value(DIRECTIVE_IF, first.value);
    }
  }

  #value(at: Parameters<typeof checkValue>[1], node: Parameters<typeof checkValue>[2]): void {
    checkValue(this.#schema, at, node, this.#declared, this.variablesUsed);
  }
}
