/** An executable document from its words (specification of October 2021, section 2). */
import type {
  DefinitionNode,
  DirectiveNode,
  FieldNode,
  NamedValue,
  OperationNode,
  SelectionNode,
  TypeNode,
  ValueNode,
  VariableNode,
} from './ast.ts';
import { SyntaxFault, type Token, tokensOf } from './tokens.ts';

/** Throws `SyntaxFault`. */
export function parse(text: string): readonly DefinitionNode[] {
  return new Parser(tokensOf(text)).document();
}

const END: Token = { kind: 'end' };

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  document(): readonly DefinitionNode[] {
    const definitions: DefinitionNode[] = [];
    do definitions.push(this.#definition());
    while (this.#token.kind !== 'end');
    return definitions;
  }

  #definition(): DefinitionNode {
    if (this.#is('{')) return this.#shorthand();
    const word = this.#name();
    switch (word) {
      case 'query':
      case 'mutation':
      case 'subscription':
        return this.#operation(word);
      case 'fragment': {
        const name = this.#name();
        if (name === 'on') throw this.#unexpected();
        return {
          kind: 'fragment',
          name,
          on: this.#typeCondition(),
          directives: this.#directives(false),
          selections: this.#selections(),
        };
      }
      default:
        throw new SyntaxFault(`Syntax Error: nothing that runs begins with "${word}".`);
    }
  }

  #shorthand(): OperationNode {
    const selections = this.#selections();
    return {
      kind: 'operation',
      operation: 'query',
      name: null,
      variables: [],
      directives: [],
      selections,
    };
  }

  #operation(operation: OperationNode['operation']): OperationNode {
    return {
      kind: 'operation',
      operation,
      name: this.#token.kind === 'name' ? this.#name() : null,
      variables: this.#is('(') ? this.#block('(', ')', () => this.#variable()) : [],
      directives: this.#directives(false),
      selections: this.#selections(),
    };
  }

  #variable(): VariableNode {
    this.#expect('$');
    const name = this.#name();
    this.#expect(':');
    return {
      name,
      type: this.#type(),
      preset: this.#has('=') ? this.#value(true) : null,
      directives: this.#directives(true),
    };
  }

  #type(): TypeNode {
    let type: TypeNode;
    if (this.#has('[')) {
      type = { kind: 'list', of: this.#type() };
      this.#expect(']');
    } else {
      type = { kind: 'named', name: this.#name() };
    }
    return this.#has('!') ? { kind: 'non-null', of: type } : type;
  }

  #selections(): readonly SelectionNode[] {
    return this.#block('{', '}', () => this.#selection());
  }

  #selection(): SelectionNode {
    if (!this.#has('...')) return this.#field();
    if (this.#token.kind === 'name' && this.#token.text !== 'on') {
      return { kind: 'spread', name: this.#name(), directives: this.#directives(false) };
    }
    return {
      kind: 'inline',
      on: this.#token.kind === 'name' ? this.#typeCondition() : null,
      directives: this.#directives(false),
      selections: this.#selections(),
    };
  }

  #typeCondition(): string {
    const word = this.#name();
    if (word !== 'on') throw new SyntaxFault(`Syntax Error: "${word}" in the place of "on".`);
    return this.#name();
  }

  #field(): FieldNode {
    const answerName = this.#name();
    return {
      kind: 'field',
      answerName,
      name: this.#has(':') ? this.#name() : answerName,
      args: this.#args(false),
      directives: this.#directives(false),
      selections: this.#is('{') ? this.#selections() : null,
    };
  }

  #args(isConstant: boolean): readonly NamedValue[] {
    if (!this.#is('(')) return [];
    return this.#block('(', ')', () => this.#namedValue(isConstant));
  }

  #namedValue(isConstant: boolean): NamedValue {
    const name = this.#name();
    this.#expect(':');
    return { name, value: this.#value(isConstant) };
  }

  #directives(isConstant: boolean): readonly DirectiveNode[] {
    const directives: DirectiveNode[] = [];
    while (this.#has('@')) {
      directives.push({ name: this.#name(), args: this.#args(isConstant) });
    }
    return directives;
  }

  #value(isConstant: boolean): ValueNode {
    if (!isConstant && this.#has('$')) return { kind: 'variable', name: this.#name() };
    if (this.#has('[')) {
      const values: ValueNode[] = [];
      while (!this.#has(']')) values.push(this.#value(isConstant));
      return { kind: 'list', values };
    }
    if (this.#has('{')) {
      const fields: NamedValue[] = [];
      while (!this.#has('}')) fields.push(this.#namedValue(isConstant));
      return { kind: 'object', fields };
    }
    const token = this.#token;
    if (token.kind === 'mark' || token.kind === 'end') throw this.#unexpected();
    this.#at += 1;
    if (token.kind !== 'name') return token;
    const { text } = token;
    if (text === 'true' || text === 'false') return { kind: 'boolean', is: text === 'true' };
    return text === 'null' ? { kind: 'null' } : { kind: 'enum', text };
  }

  /** At least one. */
  #block<T>(open: string, close: string, read: () => T): readonly T[] {
    this.#expect(open);
    const all: T[] = [];
    do all.push(read());
    while (!this.#has(close));
    return all;
  }

  get #token(): Token {
    return this.#tokens[this.#at] ?? END;
  }

  #is(mark: string): boolean {
    return this.#token.kind === 'mark' && this.#token.text === mark;
  }

  #has(mark: string): boolean {
    if (!this.#is(mark)) return false;
    this.#at += 1;
    return true;
  }

  #expect(mark: string): void {
    if (!this.#has(mark)) throw this.#unexpected(mark);
  }

  #name(): string {
    const token = this.#token;
    if (token.kind !== 'name') throw this.#unexpected('a name');
    this.#at += 1;
    return token.text;
  }

  #unexpected(wanted = 'something else'): SyntaxFault {
    const token = this.#token;
    const found = token.kind === 'end' ? 'the end' : JSON.stringify(token.text);
    return new SyntaxFault(`Syntax Error: Expected ${wanted}, found ${found}.`);
  }
}
