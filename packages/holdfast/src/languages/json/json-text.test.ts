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
