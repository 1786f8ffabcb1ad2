/**
 * The parser against graphql-js, which it shares nothing with: of texts made from the parts of the
 * language and broken at random, both take the same ones and understand the same by them.
 */
import fc from 'fast-check';
import { parse as parseByReference, type ValueNode as ReferenceValue, visit } from 'graphql';
import { describe, expect, it } from 'vitest';
import type { NamedValue, SelectionNode, ValueNode } from './ast.ts';
import { parse } from './parse.ts';

/** Field names, aliases and literals in the order they stand; null: it is no document. */
function mine(text: string): readonly string[] | null {
  const found: string[] = [];
  const values = (args: readonly NamedValue[]): void => {
    for (const { name, value } of args) {
      found.push(`:${name}`);
      literal(value);
    }
  };
  const literal = (node: ValueNode): void => {
    if (node.kind === 'list') node.values.forEach(literal);
    else if (node.kind === 'object') values(node.fields);
    else if (node.kind === 'variable') found.push(`$${node.name}`);
    else if (node.kind === 'boolean') found.push(String(node.is));
    else found.push(node.kind === 'null' ? 'null' : `${node.kind} ${node.text}`);
  };
  const selection = (node: SelectionNode): void => {
    if (node.kind === 'field') {
      found.push(`.${node.answerName}/${node.name}`);
      values(node.args);
    }
    for (const { args } of node.directives) values(args);
    if (node.kind !== 'spread') node.selections?.forEach(selection);
  };
  try {
    for (const definition of parse(text)) {
      if (definition.kind === 'operation') {
        for (const { preset, directives } of definition.variables) {
          if (preset !== null) literal(preset);
          for (const { args } of directives) values(args);
        }
      }
      for (const { args } of definition.directives) values(args);
      definition.selections.forEach(selection);
    }
    return found;
  } catch {
    return null;
  }
}

function reference(text: string): readonly string[] | null {
  const found: string[] = [];
  const shown = (node: ReferenceValue): void => {
    if (node.kind === 'NullValue') found.push('null');
    else if (node.kind === 'BooleanValue') found.push(String(node.value));
    else if (node.kind === 'Variable') found.push(`$${node.name.value}`);
    else if ('value' in node) {
      found.push(`${node.kind.replace('Value', '').toLowerCase()} ${node.value}`);
    }
  };
  try {
    visit(parseByReference(text, { noLocation: true }), {
      enter(node) {
        if (node.kind === 'VariableDefinition') {
          // Its own name and type are not looked at.
          const { defaultValue, directives = [] } = node;
          for (const part of [defaultValue, ...directives]) {
            if (part) visit(part, { enter: (inside) => note(inside) });
          }
          return false;
        }
        return note(node);
      },
    });
    return found;
  } catch {
    return null;
  }
  function note(node: Parameters<typeof parseNode>[0]): undefined {
    return parseNode(node, found, shown);
  }
}

function parseNode(
  node: { readonly kind: string },
  found: string[],
  shown: (node: ReferenceValue) => void,
): undefined {
  if (isField(node)) found.push(`.${(node.alias ?? node.name).value}/${node.name.value}`);
  else if (node.kind === 'Argument' || node.kind === 'ObjectField') {
    if (isNamed(node)) found.push(`:${node.name.value}`);
  } else if (isValue(node)) shown(node);
  return undefined;
}

interface Named {
  readonly kind: string;
  readonly name: { readonly value: string };
  readonly alias?: { readonly value: string } | undefined;
}

function isField(node: { readonly kind: string }): node is Named {
  return node.kind === 'Field';
}

function isNamed(node: { readonly kind: string }): node is Named {
  return 'name' in node;
}

function isValue(node: { readonly kind: string }): node is ReferenceValue {
  return node.kind.endsWith('Value') || node.kind === 'Variable';
}

const PIECES = [
  ...['{', '}', '(', ')', '[', ']', ':', '=', '!', '$', '@', '...', '&', '|', ',', ' ', '\n', '\r'],
  ...['\uFEFF', '\t', '#c\n', '# "\r', 'query', 'mutation', 'subscription', 'fragment', 'on', 'F'],
  ...['{a}', 'a:b', '(x:1)', '($v:Int=1)', '($v:[T!]!)', '...F', '...on M{a}', '@skip(if:$v)'],
  ...['true', 'false', 'null', 'nullable', 'RED', '0', '-1', '01', '1.5', '1e3', '1.', '.5', '1a'],
  ...['""', '"a"', '"\\u0041"', '"\\u{42}"', '"\\uD83D\\uDE00"', '"\\uD83D"', '"\\x"', '"a\nb"'],
  ...[
    '"""',
    '"""a"""',
    '"""\n  a\n    b\n"""',
    '"""\\""""""',
    '"""\t\n\tx\r\n\ty"""',
    '"\\"',
    '\\',
  ],
  ...['é', '\0', '\u0007', '"\u0007"', '\ud800', '"\ud83d\ude00"', '{a:1}', '[1 2]', '{}', '[]'],
];

const TEMPLATES: readonly ((inside: string) => string)[] = [
  (inside) => inside,
  (inside) => `{${inside}}`,
  (inside) => `mutation { act(id: ${inside}) }`,
  (inside) => `mutation M($v: String = ${inside}) { act(id: $v) }`,
  (inside) => `query ${inside} { a }`,
  (inside) => `{ a } fragment F ${inside} { a }`,
];

describe('the parser', () => {
  it('takes and understands what the reference does', () => {
    const texts = fc
      .tuple(fc.constantFrom(...TEMPLATES), fc.array(fc.constantFrom(...PIECES), { maxLength: 6 }))
      .map(([template, pieces]) => template(pieces.join('')));
    let taken = 0;
    fc.assert(
      fc.property(texts, (text) => {
        const found = mine(text);
        expect(found).toEqual(reference(text));
        if (found !== null) taken += 1;
      }),
      { numRuns: 20_000, seed: 4 },
    );
    expect(taken).toBeGreaterThan(1_000);
  });
});
