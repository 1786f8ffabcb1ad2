/** The parts of an executable GraphQL document. */
export type TypeNode =
  | { readonly kind: 'named'; readonly name: string }
  | { readonly kind: 'list'; readonly of: TypeNode }
  | { readonly kind: 'non-null'; readonly of: TypeNode };

export type ValueNode =
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'int' | 'float' | 'enum'; readonly text: string }
  | { readonly kind: 'string'; readonly text: string; readonly isBlock: boolean }
  | { readonly kind: 'boolean'; readonly is: boolean }
  | { readonly kind: 'null' }
  | { readonly kind: 'list'; readonly values: readonly ValueNode[] }
  | { readonly kind: 'object'; readonly fields: readonly NamedValue[] };

/** An argument, or a field of an object. */
export interface NamedValue {
  readonly name: string;
  readonly value: ValueNode;
}

export interface DirectiveNode {
  readonly name: string;
  readonly args: readonly NamedValue[];
}

export interface FieldNode {
  readonly kind: 'field';
  /** What it is called in the answer. */
  readonly answerName: string;
  readonly name: string;
  readonly args: readonly NamedValue[];
  readonly directives: readonly DirectiveNode[];
  /** Null: it has no braces. */
  readonly selections: readonly SelectionNode[] | null;
}

export type SelectionNode =
  | FieldNode
  | {
      readonly kind: 'spread';
      readonly name: string;
      readonly directives: readonly DirectiveNode[];
    }
  | {
      readonly kind: 'inline';
      /** Null: on whatever it stands in. */
      readonly on: string | null;
      readonly directives: readonly DirectiveNode[];
      readonly selections: readonly SelectionNode[];
    };

export interface VariableNode {
  readonly name: string;
  readonly type: TypeNode;
  readonly preset: ValueNode | null;
  readonly directives: readonly DirectiveNode[];
}

export interface OperationNode {
  readonly kind: 'operation';
  readonly operation: 'query' | 'mutation' | 'subscription';
  readonly name: string | null;
  readonly variables: readonly VariableNode[];
  readonly directives: readonly DirectiveNode[];
  readonly selections: readonly SelectionNode[];
}

export interface FragmentNode {
  readonly kind: 'fragment';
  readonly name: string;
  readonly on: string;
  readonly directives: readonly DirectiveNode[];
  readonly selections: readonly SelectionNode[];
}

export type DefinitionNode = OperationNode | FragmentNode;

/** A document, its names looked up. */
export interface Parts {
  readonly operations: readonly OperationNode[];
  readonly fragments: ReadonlyMap<string, FragmentNode>;
}
