/**
 * A document, once parsed, as what each of its operations would run: fragments put in place, constant
 * arguments worked out, conditions kept beside the fields they leave out. Made once per text; `run.ts`
 * then needs the variables only.
 *
 * Where the specification (GraphQL October 2021, section 5) calls a document invalid because it could
 * be read in two ways, it is not read: a server that does not validate would pick one of them.
 */
import {
  type ArgumentNode,
  type DirectiveNode,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValueNode,
} from 'graphql';
import type { CouldNotTell } from '../../model/effect.ts';
import { GRAPHQL_ALIASES_MAX, GRAPHQL_DEPTH_MAX, GRAPHQL_FIELDS_MAX } from '../../model/limits.ts';
import type { Json } from '../json/json-text.ts';
import type { GraphqlArguments, GraphqlField, GraphqlOperation } from './graphql-reading.ts';

export interface Plan {
  readonly operation: GraphqlOperation;
  readonly name: string | null;
  /** Every variable that is defined, with its default; undefined: it has none. */
  readonly variables: ReadonlyMap<string, Json | undefined>;
  readonly roots: readonly PlannedRoot[];
  /** Neither arguments nor conditions ask for a variable. */
  readonly isConstant: boolean;
}

export interface PlannedField {
  readonly name: string;
  /** Worked out, when no variable is in them. */
  readonly args: GraphqlArguments | readonly ArgumentNode[];
  /** All must hold. */
  readonly conditions: readonly Condition[];
}

export interface PlannedRoot extends PlannedField {
  readonly key: string;
  readonly below: readonly PlannedField[];
  /** All of them as they would run, where no variable and no condition is in them; else null. */
  readonly belowAlways: readonly GraphqlField[] | null;
}

export interface Condition {
  readonly wanted: boolean;
  /** True or false, or the name of a variable. */
  readonly on: boolean | { readonly variable: string };
}

/** Thrown inside this room only. */
export class Unreadable extends Error {
  readonly reason: CouldNotTell;

  constructor(code: CouldNotTell['code'], message: string) {
    super(message);
    this.reason = { code, message, position: null };
  }
}

/** Throws `Unreadable`. */
export function plansOf(document: DocumentNode): readonly Plan[] {
  const fragments = new Map<string, FragmentDefinitionNode>();
  const operations: OperationDefinitionNode[] = [];
  for (const definition of document.definitions) {
    if (definition.kind === Kind.OPERATION_DEFINITION) operations.push(definition);
    else if (definition.kind === Kind.FRAGMENT_DEFINITION) {
      once(fragments, definition.name.value, 'fragment');
      fragments.set(definition.name.value, definition);
    } else {
      throw new Unreadable(
        'unknown-statement',
        `Expected operations and fragments, found ${definition.kind}.`,
      );
    }
  }
  return operations.map((operation) => new Planner(operation, fragments).plan());
}

class Planner {
  readonly #operation: OperationDefinitionNode;
  readonly #fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  readonly #variables = new Map<string, Json | undefined>();
  #fields = 0;
  #aliases = 0;
  #isConstant = true;

  constructor(
    operation: OperationDefinitionNode,
    fragments: ReadonlyMap<string, FragmentDefinitionNode>,
  ) {
    this.#operation = operation;
    this.#fragments = fragments;
  }

  plan(): Plan {
    const { operation, name, selectionSet, variableDefinitions = [] } = this.#operation;
    for (const { variable, defaultValue } of variableDefinitions) {
      once(this.#variables, variable.name.value, 'variable');
      const usual = defaultValue && jsonOf(defaultValue, NO_VARIABLES);
      this.#variables.set(variable.name.value, usual);
    }
    this.#refuseDirectives(this.#operation.directives ?? []);
    const roots: PlannedRoot[] = [];
    this.#walk(selectionSet, [], [], 1, (field, conditions, path) => {
      const below: PlannedField[] = [];
      if (field.selectionSet !== undefined) {
        this.#walk(field.selectionSet, conditions, path, 2, (inner, under) => {
          below.push(this.#planned(inner, under));
        });
      }
      const { args, name } = this.#planned(field, conditions);
      const belowAlways = alwaysRun(below);
      roots.push({ name, args, conditions, key: keyOf(field), below, belowAlways });
    });
    return {
      operation,
      name: name?.value ?? null,
      variables: this.#variables,
      roots,
      isConstant: this.#isConstant,
    };
  }

  /** Calls `found` for each field of the set; below the root (`depth` 2) for those inside them too. */
  #walk(
    set: SelectionSetNode,
    conditions: readonly Condition[],
    path: readonly string[],
    depth: number,
    found: (field: FieldNode, conditions: readonly Condition[], path: readonly string[]) => void,
  ): void {
    if (depth > GRAPHQL_DEPTH_MAX) {
      throw new Unreadable(
        'too-complex',
        `Expected at most ${GRAPHQL_DEPTH_MAX} levels, found more.`,
      );
    }
    for (const selection of set.selections) {
      const under = this.#conditionsOf(selection.directives ?? [], conditions);
      switch (selection.kind) {
        case Kind.FIELD:
          this.#count(selection);
          found(selection, under, path);
          if (depth > 1 && selection.selectionSet !== undefined) {
            this.#walk(selection.selectionSet, under, path, depth + 1, found);
          }
          break;
        case Kind.INLINE_FRAGMENT:
          this.#walk(selection.selectionSet, under, path, depth, found);
          break;
        case Kind.FRAGMENT_SPREAD: {
          const name = selection.name.value;
          const fragment = this.#fragments.get(name);
          if (fragment === undefined) {
            throw new Unreadable('ambiguous', `Expected a fragment ${name}, found none.`);
          }
          if (path.includes(name)) {
            throw new Unreadable(
              'ambiguous',
              `Expected fragments to end, found ${name} in itself.`,
            );
          }
          const inside = this.#conditionsOf(fragment.directives ?? [], under);
          this.#walk(fragment.selectionSet, inside, [...path, name], depth, found);
          break;
        }
        default:
          selection satisfies never;
      }
    }
  }

  #count(field: FieldNode): void {
    this.#fields += 1;
    if (field.alias !== undefined) this.#aliases += 1;
    if (this.#fields > GRAPHQL_FIELDS_MAX || this.#aliases > GRAPHQL_ALIASES_MAX) {
      throw new Unreadable(
        'too-complex',
        `Expected at most ${GRAPHQL_FIELDS_MAX} fields and ${GRAPHQL_ALIASES_MAX} aliases, found more.`,
      );
    }
  }

  #planned(field: FieldNode, conditions: readonly Condition[]): PlannedField {
    const written = field.arguments ?? [];
    if (written.length === 0) return { name: field.name.value, args: NO_ARGUMENTS, conditions };
    const names = new Set<string>();
    for (const { name } of written) {
      once(names, name.value, `argument of ${field.name.value}`);
      names.add(name.value);
    }
    const usesVariables = written.some(({ value }) => this.#asksForVariable(value));
    if (usesVariables) this.#isConstant = false;
    const args = usesVariables ? written : argumentsOf(written, NO_VARIABLES);
    return { name: field.name.value, args, conditions };
  }

  #asksForVariable(value: ValueNode): boolean {
    switch (value.kind) {
      case Kind.VARIABLE:
        this.#known(value.name.value);
        return true;
      case Kind.LIST:
        return value.values.filter((one) => this.#asksForVariable(one)).length > 0;
      case Kind.OBJECT:
        return value.fields.filter((one) => this.#asksForVariable(one.value)).length > 0;
      default:
        return false;
    }
  }

  #known(variable: string): void {
    if (this.#variables.has(variable)) return;
    throw new Unreadable('ambiguous', `Expected $${variable} to be defined, found no definition.`);
  }

  #conditionsOf(
    directives: readonly DirectiveNode[],
    before: readonly Condition[],
  ): readonly Condition[] {
    if (directives.length === 0) return before;
    let conditions = before;
    const names = new Set<string>();
    for (const { name, arguments: written = [] } of directives) {
      once(names, name.value, 'directive');
      names.add(name.value);
      if (name.value !== 'skip' && name.value !== 'include') {
        throw new Unreadable(
          'unknown-statement',
          `Expected the directives skip and include, found @${name.value}.`,
        );
      }
      const [first] = written;
      if (first === undefined || written.length > 1 || first.name.value !== 'if') {
        throw new Unreadable('ambiguous', `Expected @${name.value}(if: ...), found another form.`);
      }
      conditions = [...conditions, this.#condition(first.value, name.value === 'include')];
    }
    return conditions;
  }

  #condition(value: ValueNode, wanted: boolean): Condition {
    if (value.kind === Kind.BOOLEAN) return { wanted, on: value.value };
    if (value.kind === Kind.VARIABLE) {
      this.#known(value.name.value);
      this.#isConstant = false;
      return { wanted, on: { variable: value.name.value } };
    }
    throw new Unreadable('ambiguous', `Expected a condition to be true or false, found another.`);
  }

  /** No directive has a meaning on an operation that every server shares. */
  #refuseDirectives(directives: readonly DirectiveNode[]): void {
    const [first] = directives;
    if (first === undefined) return;
    throw new Unreadable(
      'unknown-statement',
      `Expected no directive on the operation, found @${first.name.value}.`,
    );
  }
}

const NO_ARGUMENTS: GraphqlArguments = Object.freeze({});

function alwaysRun(below: readonly PlannedField[]): readonly GraphqlField[] | null {
  const fields: GraphqlField[] = [];
  for (const { args, conditions, name } of below) {
    if (conditions.length > 0 || isWritten(args)) return null;
    fields.push({ name, args });
  }
  return fields;
}

/** Arguments that are still to be worked out. */
export function isWritten(
  args: PlannedField['args'],
): args is Extract<PlannedField['args'], readonly unknown[]> {
  return Array.isArray(args);
}

export const NO_VARIABLES: ReadonlyMap<string, Json> = new Map();

/** Arguments whose variable has no value are left out (specification 6.4.1). */
export function argumentsOf(
  written: readonly ArgumentNode[],
  variables: ReadonlyMap<string, Json>,
): GraphqlArguments {
  const args = new Map<string, Json>();
  for (const { name, value } of written) {
    if (value.kind === Kind.VARIABLE && !variables.has(value.name.value)) continue;
    args.set(name.value, jsonOf(value, variables));
  }
  return Object.fromEntries(args);
}

function jsonOf(node: ValueNode, variables: ReadonlyMap<string, Json>): Json {
  switch (node.kind) {
    case Kind.VARIABLE:
      return variables.get(node.name.value) ?? null;
    case Kind.NULL:
      return null;
    case Kind.BOOLEAN:
    case Kind.STRING:
    case Kind.ENUM:
      return node.value;
    case Kind.INT:
    case Kind.FLOAT:
      return Number(node.value);
    case Kind.LIST:
      return node.values.map((one) => jsonOf(one, variables));
    case Kind.OBJECT: {
      const fields = new Map<string, Json>();
      for (const { name, value } of node.fields) {
        once(fields, name.value, 'field of an object');
        if (value.kind === Kind.VARIABLE && !variables.has(value.name.value)) continue;
        fields.set(name.value, jsonOf(value, variables));
      }
      return Object.fromEntries(fields);
    }
    default:
      return node satisfies never;
  }
}

export function keyOf(field: FieldNode): string {
  return (field.alias ?? field.name).value;
}

function once(seen: { has(name: string): boolean }, name: string, what: string): void {
  if (!seen.has(name)) return;
  throw new Unreadable('ambiguous', `Expected each ${what} once, found ${name} twice.`);
}
