/**
 * Reads a schema from its text (GraphQL specification, section 3): scalar, enum, input, type and
 * `extend type`. No directive, description or interface; the texts are ours and have none.
 */
import type { Json } from './json.ts';
import type { Field, InputValue, NamedType, Schema, TypeRef } from './schema.ts';

const BUILT_IN = ['Int', 'Float', 'String', 'Boolean', 'ID'];
/** Commas are white space. */
const TOKEN = /[\s,]+|([A-Za-z_]\w*|-?\d+|"[^"\\\n]*"|[{}()[\]!:=])/gy;

/** Types may be written in several texts; `extend type` adds to a type of any text before. */
export function readSchema(texts: readonly string[]): Schema {
  const types = new Map<string, NamedType>();
  for (const name of BUILT_IN) types.set(name, { kind: 'scalar', name });
  for (const text of texts) {
    const tokens = new Tokens(text);
    while (!tokens.isAtEnd) define(tokens, types);
  }
  return types;
}

function define(tokens: Tokens, types: Map<string, NamedType>): void {
  const word = tokens.next();
  if (word === 'extend') tokens.expect('type');
  const name = tokens.next();
  switch (word) {
    case 'scalar':
      types.set(name, { kind: 'scalar', name });
      break;
    case 'enum':
      types.set(name, { kind: 'enum', name, values: tokens.block('{', '}', () => tokens.next()) });
      break;
    case 'input':
      types.set(name, { kind: 'input', name, fields: inputs(tokens, '{', '}') });
      break;
    case 'type':
    case 'extend': {
      const before = types.get(name);
      const fields = new Map(before?.kind === 'object' ? before.fields : []);
      for (const field of tokens.block('{', '}', () => fieldOf(tokens))) {
        fields.set(field.name, field);
      }
      types.set(name, { kind: 'object', name, fields });
      break;
    }
    default:
      throw new Error(`the schema defines a ${word}, which nothing here reads`);
  }
}

function fieldOf(tokens: Tokens): Field {
  const name = tokens.next();
  const args = tokens.peek() === '(' ? inputs(tokens, '(', ')') : new Map<string, InputValue>();
  tokens.expect(':');
  return { name, args, type: typeOf(tokens) };
}

function inputs(tokens: Tokens, open: string, close: string): ReadonlyMap<string, InputValue> {
  const all = tokens.block(open, close, (): InputValue => {
    const name = tokens.next();
    tokens.expect(':');
    const type = typeOf(tokens);
    if (tokens.peek() !== '=') return { name, type, preset: undefined };
    tokens.expect('=');
    return { name, type, preset: presetOf(tokens.next()) };
  });
  return new Map(all.map((one) => [one.name, one]));
}

function presetOf(token: string): Json {
  if (token === 'true' || token === 'false') return token === 'true';
  if (token === 'null') return null;
  if (token.startsWith('"')) return token.slice(1, -1);
  return /^-?\d+$/.test(token) ? Number(token) : token;
}

function typeOf(tokens: Tokens): TypeRef {
  let type: TypeRef;
  if (tokens.peek() === '[') {
    tokens.expect('[');
    type = { kind: 'list', of: typeOf(tokens) };
    tokens.expect(']');
  } else {
    type = { kind: 'named', name: tokens.next() };
  }
  if (tokens.peek() !== '!') return type;
  tokens.expect('!');
  return { kind: 'non-null', of: type };
}

class Tokens {
  readonly #tokens: readonly string[];
  #at = 0;

  constructor(text: string) {
    const tokens: string[] = [];
    let end = 0;
    for (const match of text.matchAll(TOKEN)) {
      end = match.index + match[0].length;
      if (match[1] !== undefined) tokens.push(match[1]);
    }
    if (end < text.length) throw new Error(`the schema has a ${text.slice(end, end + 10)}`);
    this.#tokens = tokens;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#tokens.length;
  }

  peek(): string | undefined {
    return this.#tokens[this.#at];
  }

  next(): string {
    const token = this.peek();
    if (token === undefined) throw new Error('the schema ends too early');
    this.#at += 1;
    return token;
  }

  expect(wanted: string): void {
    const found = this.next();
    if (found !== wanted) throw new Error(`the schema has ${found} in the place of ${wanted}`);
  }

  block<T>(open: string, close: string, read: () => T): T[] {
    this.expect(open);
    const all: T[] = [];
    while (this.peek() !== close) all.push(read());
    this.expect(close);
    return all;
  }
}
