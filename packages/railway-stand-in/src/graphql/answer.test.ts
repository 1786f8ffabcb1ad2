/** The engine as a client meets it: what runs, in which order, with which values, and what does not. */
import { describe, expect, it } from 'vitest';
import { answer } from './answer.ts';
import { type Answer, Refusal } from './execute.ts';
import { type Json, objectOf } from './json.ts';
import { readSchema } from './sdl.ts';

const SCHEMA = readSchema([
  `scalar JSON
   enum Color { RED, GREEN }
   input In { a: Int!, b: String = "preset", list: [Int!], deep: In }
   type Thing { id: ID!, name: String, color: Color!, self: Thing, must: Thing!, all: [Thing!]! }
   type Query { thing(id: ID!): Thing, must: Thing!, echo(v: JSON): JSON, n(i: Int = 7): Int! }
   type Mutation { act(id: String!, input: In, color: Color, on: Boolean): Boolean!, fail: Boolean! }`,
]);

interface Ran {
  readonly status: number;
  readonly data: Json | undefined;
  readonly errors: readonly string[];
  readonly runs: readonly string[];
}

async function run(
  query: string,
  variables: { readonly [name: string]: Json } = {},
  operationName: string | null = null,
): Promise<Ran> {
  const runs: string[] = [];
  const given = objectOf(Object.entries(variables));
  const { status, body } = await answer(
    SCHEMA,
    { query, variables: given, operationName },
    (_operation, field, args): Answer => {
      runs.push(`${field} ${JSON.stringify(args)}`);
      if (field === 'fail') throw new Refusal('no');
      if (field === 'echo') return args['v'] ?? null;
      if (field === 'n') return args['i'] ?? null;
      if (field === 'act') return true;
      return { id: 1, self: () => ({ id: 2 }), must: () => null, all: [{ id: 3 }] };
    },
  );
  const errors = (body.errors ?? []).map(({ message, path }) =>
    path === undefined ? message : `${path.join('.')}: ${message}`,
  );
  return { status, data: body.data, errors, runs };
}

describe('a document that runs', () => {
  it('runs aliases, fragments and several roots in order', async () => {
    const { runs, data } = await run(
      'mutation { b: act(id: "1") ...F ... on Mutation { c: act(id: "3") } } ' +
        'fragment F on Mutation { a: act(id: "2") }',
    );
    expect(runs).toEqual(['act {"id":"1"}', 'act {"id":"2"}', 'act {"id":"3"}']);
    expect(JSON.stringify(data)).toBe('{"b":true,"a":true,"c":true}');
  });

  it('merges equal fields into one act', async () => {
    const { runs } = await run('mutation { act(id: "1") ... { act(id: "1") } }');
    expect(runs).toEqual(['act {"id":"1"}']);
  });

  it('puts in variables, presets and defaults', async () => {
    const query =
      'mutation($i: Int!, $s: String = "d", $none: [Int!], $c: Color) ' +
      '{ act(id: $s, input: { a: $i, list: $none }, color: $c) }';
    const { runs } = await run(query, { i: 3, c: 'GREEN' });
    expect(runs).toEqual(['act {"id":"d","input":{"a":3,"b":"preset"},"color":"GREEN"}']);
  });

  it('makes a list of one value, and gives null where null was said', async () => {
    const { runs } = await run('mutation { act(id: "1", input: { a: 1, b: null, list: 5 }) }');
    expect(runs).toEqual(['act {"id":"1","input":{"a":1,"b":null,"list":[5]}}']);
  });

  it('skips and includes', async () => {
    const query =
      'mutation($v: Boolean!) { a: act(id: "1") @skip(if: $v) b: act(id: "2") @include(if: $v) }';
    expect((await run(query, { v: true })).runs).toEqual(['act {"id":"2"}']);
    expect((await run(query, { v: false })).runs).toEqual(['act {"id":"1"}']);
  });

  it('reads unicode escapes, block strings and comments', async () => {
    const { runs } = await run('mutation{ #{\n act(id:"\\u0041\\u{42}") b:act(id:"""\n  x\n""")}');
    expect(runs).toEqual(['act {"id":"AB"}', 'act {"id":"x"}']);
  });

  it('runs the operation that is named', async () => {
    const query = 'query A { n } mutation B { act(id: "1") }';
    expect((await run(query, {}, 'B')).runs).toEqual(['act {"id":"1"}']);
    expect((await run(query, {}, 'A')).runs).toEqual(['n {"i":7}']);
  });

  it('takes JSON with variables in it, and leaves out what nobody gave', async () => {
    const query = 'query($a: Int, $b: Int) { echo(v: { x: [$a, 1.5], y: $b, __proto__: RED }) }';
    expect((await run(query, { a: 1 })).runs).toEqual([
      'echo {"v":{"x":[1,1.5],"__proto__":"RED"}}',
    ]);
  });

  it('fills what must not be null, and lets null climb to where it may be', async () => {
    const { data, errors } = await run(
      '{ thing(id: 1) { __typename id color self { must { id } } } }',
    );
    expect(JSON.stringify(data)).toBe(
      '{"thing":{"__typename":"Thing","id":1,"color":"RED","self":{"must":{"id":""}}}}',
    );
    expect(errors).toEqual([]);
    const climbed = await run('{ thing(id: "1") { must { id } } }');
    expect(JSON.stringify(climbed.data)).toBe('{"thing":null}');
    expect(climbed.errors).toEqual(['thing.must: A field that cannot be null is.']);
  });

  it('answers a failure with 200, a path and what came before it done', async () => {
    const { status, data, errors, runs } = await run('mutation { act(id: "1") x: fail }');
    expect([status, data, errors]).toEqual([200, null, ['x: no']]);
    expect(runs).toHaveLength(2);
  });
});

describe('a document that does not run', () => {
  const cases: [why: string, query: string, variables?: { v: Json }][] = [
    ['is no GraphQL', 'mutation {'],
    ['is empty', ''],
    ['has no operation', 'fragment F on Query { n }'],
    ['names an unknown field', 'mutation { act(id: "1") drop }'],
    ['names an unknown argument', 'mutation { act(id: "1", x: 1) }'],
    ['leaves out an argument', 'mutation { act }'],
    ['gives an argument twice', 'mutation { act(id: "1", id: "2") }'],
    ['gives a field of an input twice', 'mutation { act(id: "1", input: { a: 1, a: 2 }) }'],
    ['gives a field of JSON twice', '{ echo(v: { a: 1, a: 2 }) }'],
    ['leaves out a field of an input', 'mutation { act(id: "1", input: { b: "x" }) }'],
    ['has an unknown field of an input', 'mutation { act(id: "1", input: { a: 1, z: 1 }) }'],
    ['has a number for a string', 'mutation { act(id: 1) }'],
    ['has a string for a number', 'mutation { act(id: "1", input: { a: "1" }) }'],
    ['has a number too large', 'mutation { act(id: "1", input: { a: 2147483648 }) }'],
    ['has a string for an enum', 'mutation { act(id: "1", color: "RED") }'],
    ['has an unknown enum value', 'mutation { act(id: "1", color: BLUE) }'],
    ['has null for what is required', 'mutation { act(id: null) }'],
    ['asks for fields of a scalar', 'mutation { act(id: "1") { x } }'],
    ['asks for an object without fields', '{ thing(id: 1) }'],
    ['uses a variable nobody declared', 'mutation { act(id: $v) }'],
    ['declares a variable nobody uses', 'mutation($v: Int) { act(id: "1") }'],
    ['declares a variable of an object type', 'mutation($v: Thing) { act(id: $v) }'],
    ['declares a variable of no type', 'mutation($v: Nope) { act(id: $v) }'],
    ['puts a variable where it does not fit', 'mutation($v: Int!) { act(id: $v) }', { v: 1 }],
    [
      'puts a nullable one where null may not be',
      'mutation($v: String) { act(id: $v) }',
      { v: 'x' },
    ],
    ['is not given a required variable', 'mutation($v: String!) { act(id: $v) }'],
    ['is given one of the wrong type', 'mutation($v: String!) { act(id: $v) }', { v: 1 }],
    [
      'is given an unknown field',
      'mutation($v: In) { act(id: "1", input: $v) }',
      { v: { a: 1, z: 1 } },
    ],
    [
      'is given null in a list',
      'mutation($v: [Int!]) { act(id: "", input: {a:1, list:$v}) }',
      { v: [null] },
    ],
    ['spreads an unknown fragment', 'mutation { ...F }'],
    ['spreads a fragment on another type', 'mutation { ... on Query { n } }'],
    [
      'has a fragment nobody uses',
      'mutation { act(id: "1") } fragment F on Mutation { act(id: "2") }',
    ],
    ['has a fragment in itself', 'mutation { ...F } fragment F on Mutation { ...F }'],
    ['has two fields of one name', 'mutation { act(id: "1") act(id: "2") }'],
    ['has two operations and no name', 'query A { n } query B { n }'],
    ['has an anonymous one beside another', '{ n } query B { n }'],
    ['has an unknown directive', 'mutation { act(id: "1") @live }'],
    ['has skip with no condition', 'mutation { act(id: "1") @skip }'],
    ['subscribes', 'subscription { n }'],
    ['defines a type', 'type A { a: Int } query { n }'],
  ];
  it.each(cases)('%s', async (...[, query, variables]) => {
    const ran = await run(query, variables ?? {});
    expect(ran.runs).toEqual([]);
    expect(ran.status).toBe(400);
    expect(ran.errors.length).toBeGreaterThan(0);
  });

  it('names an operation that is not there', async () => {
    expect((await run('query A { n }', {}, 'B')).runs).toEqual([]);
  });
});
