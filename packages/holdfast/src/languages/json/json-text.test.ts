import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readJson } from './json-text.ts';

const read = (text: string | Uint8Array) => readJson(Buffer.from(text), 8);

it.each([
  ['an object', '{"a": [1, {"b": null}], "c": "\\"}"}', { a: [1, { b: null }], c: '"}' }],
  ['the same key in two objects', '[{"a":1},{"a":2}]', [{ a: 1 }, { a: 2 }]],
  ['a key and a value that are alike', '{"a":"a","b":"a"}', { a: 'a', b: 'a' }],
  ['a string that looks like keys', '{"a":"\\"a\\":1,"}', { a: '"a":1,' }],
  ['a number', '1', 1],
  ['a string with a backslash at its end', '{"a":"\\\\","b":1}', { a: '\\', b: 1 }],
])('reads %s', (_story, text, value) => {
  expect(read(text)).toEqual({ kind: 'json', value });
});

it.each([
  ['a key twice', '{"a":1,"a":2}', 'ambiguous'],
  ['a key twice, once escaped', '{"query":1,"qu\\u0065ry":2}', 'ambiguous'],
  ['a key twice, with white space before the colon', '{"a"\n:1,"a" \t:1}', 'ambiguous'],
  ['a key twice inside', '{"a":[{"b":{"c":1,"d":{},"c":2}}]}', 'ambiguous'],
  ['a byte order mark', '\ufeff{}', 'syntax-error'],
  ['a comment', '{/**/}', 'syntax-error'],
  ['two values', '{}{}', 'syntax-error'],
  ['nothing', '', 'syntax-error'],
  ['too many levels', '[[[[[[[[[1]]]]]]]]]', 'too-complex'],
  ['bytes that are no UTF-8', Buffer.from([0x22, 0xff, 0x22]), 'invalid-utf8'],
])('does not read %s', (_story, text, code) => {
  expect(read(text)).toMatchObject({ kind: 'could-not-tell', reason: { code } });
});

it('keeps __proto__ as a key like any other', () => {
  const found = read('{"__proto__": {"query": 1}}');
  expect(found.kind === 'json' && Object.keys(found.value ?? {})).toEqual(['__proto__']);
});

/** A value as it is written: members in their order, each of them, however often its key stands there. */
type Written =
  | { readonly members: readonly (readonly [key: string, value: Written])[] }
  | { readonly items: readonly Written[] }
  | { readonly text: string };

const KEYS = ['a', 'b', 'a:', '"a":', '\\', '__proto__', ''];
const leaf = fc.constantFrom('1', 'null', '"a"', '"a\\":1"', '"\\"a\\" :"', '":"', '"{\\"a\\":1}"');
const { written } = fc.letrec<{ written: Written }>((tie) => ({
  written: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf.map((text) => ({ text })),
    fc.record({
      members: fc.array(fc.tuple(fc.constantFrom(...KEYS), tie('written')), { maxLength: 4 }),
    }),
    fc.record({ items: fc.array(tie('written'), { maxLength: 3 }) }),
  ),
}));

function textOf(value: Written, space: string): string {
  if ('text' in value) return value.text;
  if ('items' in value) return `[${value.items.map((one) => textOf(one, space)).join(',')}]`;
  const escaped = (key: string): string => JSON.stringify(key).replace('a', '\\u0061');
  const members = value.members.map(([key, one], at) => {
    const shown = at % 2 === 0 ? JSON.stringify(key) : escaped(key);
    return `${shown}${space}:${textOf(one, space)}`;
  });
  return `{${members.join(`,${space}`)}}`;
}

function hasTwice(value: Written): boolean {
  if ('text' in value) return false;
  if ('items' in value) return value.items.some(hasTwice);
  const keys = value.members.map(([key]) => key);
  return new Set(keys).size < keys.length || value.members.some(([, one]) => hasTwice(one));
}

it('finds a key that stands twice, wherever and however it is written, and no other', () => {
  const space = fc.constantFrom('', ' ', '\n\t ');
  const property = fc.property(written, space, (value, between) => {
    const found = readJson(Buffer.from(textOf(value, between)), 64);
    const said = found.kind === 'json' ? 'json' : found.reason.code;
    expect(said).toBe(hasTwice(value) ? 'ambiguous' : 'json');
  });
  fc.assert(property, { numRuns: 5_000 });
});
