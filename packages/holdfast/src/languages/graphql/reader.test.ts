import { expect, it } from 'vitest';
import type { GraphqlReading } from './graphql-reading.ts';
import { GraphqlReader } from './reader.ts';

const reader = new GraphqlReader();
const read = (
  query: string,
  variables: Parameters<GraphqlReader['read']>[0]['variables'] = {},
  operationName: string | null = null,
): GraphqlReading => reader.read({ query, variables, operationName });

/** `key=name(args)` of each call. */
function calls(reading: GraphqlReading): readonly string[] {
  if (reading.kind === 'could-not-tell') return [reading.reason.code];
  return reading.calls.map(({ key, name, args }) => `${key}=${name}(${JSON.stringify(args)})`);
}

const GONE = 'volumeDelete=volumeDelete({"volumeId":"v"})';

/** Railway's evasions of the fact sheet, and what was thought up besides. */
const ROWS: readonly (readonly [string, string, object, string | null, readonly string[]])[] = [
  ['the incident', 'mutation { volumeDelete(volumeId: "v") }', {}, null, [GONE]],
  [
    'an alias',
    'mutation { x: volumeDelete(volumeId: "v") }',
    {},
    null,
    ['x=volumeDelete({"volumeId":"v"})'],
  ],
  [
    'an alias that looks harmless',
    'mutation { projectUpdate: volumeDelete(volumeId: "v") }',
    {},
    null,
    ['projectUpdate=volumeDelete({"volumeId":"v"})'],
  ],
  [
    'several fields of the root',
    'mutation { a volumeDelete(volumeId: "v") }',
    {},
    null,
    ['a=a({})', GONE],
  ],
  [
    'a fragment',
    'mutation { ...f } fragment f on Mutation { volumeDelete(volumeId: "v") }',
    {},
    null,
    [GONE],
  ],
  [
    'a fragment in a fragment',
    'mutation { ...f } fragment g on Mutation { volumeDelete(volumeId: "v") } fragment f on Mutation { ...g }',
    {},
    null,
    [GONE],
  ],
  [
    'an inline fragment',
    'mutation { ... on Mutation { ... { volumeDelete(volumeId: "v") } } }',
    {},
    null,
    [GONE],
  ],
  [
    'two operations and a name',
    'query a { x } mutation b { volumeDelete(volumeId: "v") }',
    {},
    'b',
    [GONE],
  ],
  [
    'two operations and the name of the harmless one',
    'query a { x } mutation b { volumeDelete(volumeId: "v") }',
    {},
    'a',
    ['x=x({})'],
  ],
  ['a variable', 'mutation($i: String!) { volumeDelete(volumeId: $i) }', { i: 'v' }, null, [GONE]],
  [
    'a default of a variable',
    'mutation($i: String = "v") { volumeDelete(volumeId: $i) }',
    {},
    null,
    [GONE],
  ],
  [
    'a default that is not used',
    'mutation($i: String = "w") { volumeDelete(volumeId: $i) }',
    { i: 'v' },
    null,
    [GONE],
  ],
  [
    'a variable inside an object',
    'mutation($i: String) { a(input: { b: [$i] }) }',
    { i: 'v' },
    null,
    ['a=a({"input":{"b":["v"]}})'],
  ],
  [
    'a variable that is not given',
    'mutation($i: String) { serviceDelete(id: "s", environmentId: $i) }',
    {},
    null,
    ['serviceDelete=serviceDelete({"id":"s"})'],
  ],
  [
    'a variable that is null',
    'mutation($i: String) { serviceDelete(id: "s", environmentId: $i) }',
    { i: null },
    null,
    ['serviceDelete=serviceDelete({"id":"s","environmentId":null})'],
  ],
  [
    'skip with a literal',
    'mutation { a @skip(if: true) volumeDelete(volumeId: "v") @include(if: true) }',
    {},
    null,
    [GONE],
  ],
  [
    'skip with a variable',
    'mutation($v: Boolean!) { volumeDelete(volumeId: "v") @skip(if: $v) a @include(if: $v) }',
    { v: false },
    null,
    [GONE],
  ],
  [
    'a condition on a fragment',
    'mutation($v: Boolean = true) { ... @include(if: $v) { volumeDelete(volumeId: "v") } }',
    {},
    null,
    [GONE],
  ],
  [
    'skip and include at once',
    'mutation { volumeDelete(volumeId: "v") @skip(if: false) @include(if: true) b @skip(if: true) @include(if: true) }',
    {},
    null,
    [GONE],
  ],
  ['a block string', 'mutation { volumeDelete(volumeId: """\n  v\n""") }', {}, null, [GONE]],
  [
    'a unicode escape in a string',
    'mutation { volumeDelete(volumeId: "\\u0076") }',
    {},
    null,
    [GONE],
  ],
  ['a long unicode escape', 'mutation { volumeDelete(volumeId: "\\u{76}") }', {}, null, [GONE]],
  ['comments and commas', 'mutation#{ a }\n{,volumeDelete,(volumeId:,"v"#)\n),}', {}, null, [GONE]],
  [
    'carriage returns end comments',
    'mutation { #\rvolumeDelete(volumeId: "v") }',
    {},
    null,
    [GONE],
  ],
  ['a byte order mark', '\ufeffmutation { volumeDelete(volumeId: "v") }', {}, null, [GONE]],
  [
    'the same field twice runs once',
    'mutation { volumeDelete(volumeId: "v") volumeDelete(volumeId: "v") }',
    {},
    null,
    [GONE],
  ],
  ['a query by its name', 'query volumeDelete { volumes }', {}, null, ['volumes=volumes({})']],
  [
    'a field of the root called like an operation',
    '{ mutation { volumeDelete } }',
    {},
    null,
    ['mutation=mutation({})'],
  ],
  ['a subscription', 'subscription { logs }', {}, null, ['logs=logs({})']],
];

it.each(ROWS)('%s', (_story, query, variables, name, expected) => {
  expect(calls(read(query, { ...variables }, name))).toEqual(expected);
});

const UNREAD: readonly (readonly [string, string, object, string | null, string])[] = [
  ['two operations and no name', 'query a { x } mutation b { y }', {}, null, 'ambiguous'],
  ['two operations of one name', 'query a { x } mutation a { y }', {}, 'a', 'ambiguous'],
  ['a name that no operation has', 'mutation a { x }', {}, 'b', 'ambiguous'],
  ['no operation', 'fragment f on Mutation { a }', {}, null, 'ambiguous'],
  [
    'two fragments of one name',
    '{ ...f } fragment f on Q { a } fragment f on Q { b }',
    {},
    null,
    'ambiguous',
  ],
  ['a fragment that is not there', '{ ...f }', {}, null, 'ambiguous'],
  [
    'a fragment in itself',
    '{ ...f } fragment f on Q { a { ...g } } fragment g on A { ...f }',
    {},
    null,
    'ambiguous',
  ],
  [
    'one key, two fields',
    'mutation { x: a x: volumeDelete(volumeId: "v") }',
    {},
    null,
    'ambiguous',
  ],
  ['one key, two arguments', 'mutation { a(b: 1) a(b: 2) }', {}, null, 'ambiguous'],
  [
    'an argument twice',
    'mutation { volumeDelete(volumeId: "w", volumeId: "v") }',
    {},
    null,
    'ambiguous',
  ],
  ['a field of an object twice', 'mutation { a(b: {c: 1, c: 2}) }', {}, null, 'ambiguous'],
  [
    'a variable defined twice',
    'mutation($a: I = 1, $a: I = 2) { a(b: $a) }',
    {},
    null,
    'ambiguous',
  ],
  ['a variable that is not defined', 'mutation { a(b: $a) }', { a: 1 }, null, 'ambiguous'],
  [
    'a condition that is not given',
    'mutation($a: Boolean) { a @include(if: $a) }',
    {},
    null,
    'ambiguous',
  ],
  [
    'a condition in a text',
    'mutation($a: Boolean) { a @include(if: $a) }',
    { a: 'true' },
    null,
    'ambiguous',
  ],
  ['a condition that is a number', 'mutation { a @include(if: 1) }', {}, null, 'ambiguous'],
  ['a directive twice', 'mutation { a @skip(if: false) @skip(if: true) }', {}, null, 'ambiguous'],
  ['a directive nobody knows', 'mutation { a @defer }', {}, null, 'unknown-statement'],
  ['a directive on the operation', 'mutation @x { a }', {}, null, 'unknown-statement'],
  ['a definition of a type', 'type A { b: C }', {}, null, 'unknown-statement'],
  ['an unclosed selection', 'mutation { volumeDelete', {}, null, 'syntax-error'],
  ['nothing', '', {}, null, 'syntax-error'],
  ['a NUL', 'mutation { a(b: "\u0000") }', {}, null, 'nul-byte'],
  [
    'many aliases',
    `mutation { ${Array.from({ length: 201 }, (_, i) => `a${i}: x`).join(' ')} }`,
    {},
    null,
    'too-complex',
  ],
  [
    '20,000 aliases',
    `mutation { ${Array.from({ length: 20_000 }, (_, i) => `a${i}: x`).join(' ')} }`,
    {},
    null,
    'too-complex',
  ],
  ['deep nesting', `${'{a'.repeat(60)}${'}'.repeat(60)}`, {}, null, 'too-complex'],
  [
    'nesting that ends the stack',
    `${'{a'.repeat(4_900)}${'}'.repeat(4_900)}`,
    {},
    null,
    'too-complex',
  ],
  [
    'lists in lists that end the stack',
    `{a(b:${'['.repeat(4_900)}${']'.repeat(4_900)})}`,
    {},
    null,
    'too-complex',
  ],
  ['fragments that multiply', bomb(), {}, null, 'too-complex'],
  ['a long text', `{ a #${'x'.repeat(300_000)}\n}`, {}, null, 'too-large'],
];

/** 2^20 fields in 21 fragments. */
function bomb(): string {
  const twice = Array.from({ length: 20 }, (_, i) => {
    const next = i === 19 ? 'leaf' : `...f${i + 1}`;
    return `fragment f${i} on Q { a { ${next} } b { ${next} } }`;
  });
  return `{ ...f0 } ${twice.join(' ')}`;
}

it.each(UNREAD)('does not read %s', (_story, query, variables, name, code) => {
  expect(calls(read(query, { ...variables }, name))).toEqual([code]);
});

it('tells what stands below, and leaves out what a directive leaves out', () => {
  const reading = read(
    'query($d: Boolean = false) { environment(id: "e") { ...c config(decryptVariables: $d) @skip(if: $d) } } fragment c on E { id variables @include(if: $d) { edges } }',
    { d: true },
  );
  if (reading.kind !== 'understood') throw new Error(reading.reason.message);
  expect(reading.calls[0]?.below.map(({ name }) => name)).toEqual(['id', 'variables', 'edges']);
});

it('keeps what hangs on no variable', () => {
  const query = 'mutation { volumeDelete(volumeId: "kept") }';
  expect(read(query, { other: 1 })).toBe(read(query));
});

it('treats __proto__ like any other name', () => {
  const found = read('mutation { a(__proto__: {b: 1}) }');
  expect(found.kind === 'understood' && Object.keys(found.calls[0]?.args ?? {})).toEqual([
    '__proto__',
  ]);
});
