/**
 * What Holdfast's reader says a request would run against what the stand-in ran of it. They share no
 * code: another parser, another JSON and form reading, another idea of values. The reader may say that
 * it could not tell, and may name what a schema then refuses; it may never miss or misread a call.
 */
import { Readable } from 'node:stream';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GraphqlReader } from '../../holdfast/src/languages/graphql/reader.ts';
import { requestsOf } from '../../holdfast/src/languages/graphql/request.ts';
import { HoldfastError } from '../../holdfast/src/model/errors.ts';
import { mediaTypeOf, readBody } from '../../holdfast/src/protocols/http/body.ts';
import { isObject } from '../src/graphql/json.ts';
import type { Incoming } from '../src/stand-in.ts';
import { startTown, type Town } from './support/town.ts';

const REQUESTS = Number(process.env['DIFFERENTIAL_REQUESTS'] ?? 20_000);
const SEED = Number(process.env['DIFFERENTIAL_SEED'] ?? 4);

const one = fc.constantFrom;

/** Nearly always of the first kind, so that most requests run; else of the second. */
function mostly<T>(right: readonly T[], wrong: readonly T[]): fc.Arbitrary<T> {
  return fc.oneof(
    { weight: 40, arbitrary: one(...right) },
    { weight: 1, arbitrary: one(...wrong) },
  );
}

/** Literals for a string: plain, escaped, in a block, from a variable; of a wrong kind. */
const text = mostly(
  [
    ...[
      '"v1"',
      '"\\u0076\\u{31}"',
      '"""v1"""',
      '"""\n  v1\n    x\n"""',
      '"""\t\n\tv1\r\n"""',
      '""',
    ],
    ...['$s', '$d', '"\\uD83D\\uDE00"', '"a\\"}{b"', '"#"', '"""\\""" }"""'],
  ],
  ['$o', '$b', 'null', '7', 'V1', '["v1"]', '"\\uD83D"'],
);
const json = mostly(
  [
    ...['{}', '{ volumes: { v: { isDeleted: true } } }', '{ a: [$s, 1.5, { b: $o }] }', '$j'],
    ...['{ a: null, b: RED, c: """x""" }', '[1]', '"{}"', '{ a: $o }'],
  ],
  ['$o', '{ a: 1, a: 2 }', '{ __proto__: { x: 1 } }'],
);
const when = mostly(
  ['', '', '', ' @skip(if: $b)', ' @include(if: $b)', ' @include(if: true) @skip(if: false)'],
  [' @x', ' @skip(if: $o)', ' @skip', ' @include(if: "true")'],
);
const name = mostly(
  ['a: ', 'b: ', 'c: ', 'd: ', 'e: ', '_1: '],
  ['', 'volumeDelete: ', '__proto__: '],
);
const place = 'environmentId: "e", projectId: "p"';
const call = fc
  .tuple(name, text, json, when, fc.integer({ min: 0, max: 9 }))
  .map(([alias, value, document, directive, which]) => {
    switch (which) {
      case 0:
        return `${alias}environmentStageChanges(environmentId: ${value}, input: ${document})${directive} { id }`;
      case 1:
        return `${alias}variableUpsert(input: { ${place}, name: "n", value: ${value} })${directive}`;
      case 2:
        return `${alias}volumeInstanceUpdate(volumeId: ${value}, input: { state: DELETED })${directive}`;
      case 3:
        return `${alias}userDelete${directive}`;
      case 4:
        return `${alias}variableUpsert(input: $in)${directive}`;
      case 5:
        return `...F${directive}`;
      case 6:
        return `... on Mutation${directive} { ${alias}volumeDelete(volumeId: ${value}) }`;
      case 7:
        return `...${directive} { ${alias}volumeDelete(volumeId: ${value}) userDelete }`;
      case 8:
        return `${alias}environmentDelete(id: ${value}),#}\n`;
      default:
        return `${alias}volumeDelete(volumeId: ${value})${directive}`;
    }
  });

const DECLARED: readonly (readonly [used: RegExp, declaration: string])[] = [
  [/\$s\b/, '$s: String!'],
  [/\$d\b/, '$d: String! = "preset"'],
  [/\$o\b/, '$o: String'],
  [/\$b\b/, '$b: Boolean!'],
  [/\$j\b/, '$j: EnvironmentConfig!'],
  [/\$in\b/, '$in: VariableUpsertInput!'],
];

const FRAGMENT =
  ' fragment F on Mutation { f: volumeDelete(volumeId: "of F") ...G }' +
  ' fragment G on Mutation { g: environmentDelete(id: $s) }';

const document = fc
  .tuple(
    fc.array(call, { minLength: 1, maxLength: 4 }),
    mostly(['mutation', 'mutation M'], ['query', 'subscription M']),
    one('', '', ' query Q { me { id } }', ' mutation N { userDelete }'),
    one('', '', '', '\uFEFF', '# c\n', ','),
  )
  .map(([calls, head, other, lead]) => {
    const body = calls.join(' ');
    const tail = body.includes('...F') ? FRAGMENT : '';
    const all = body + tail;
    const declared = DECLARED.filter(([used]) => used.test(all)).map(([, words]) => words);
    const variables = declared.length > 0 ? `(${declared.join(', ')})` : '';
    return `${lead}${head}${variables} { ${body} }${tail}${other}`;
  });

const variables = fc.record(
  {
    s: mostly<unknown>(['from a variable', ''], [7, null]),
    d: mostly<unknown>(['given'], [null]),
    o: fc.constantFrom<unknown>('o', null),
    b: mostly<unknown>([true, false], ['true']),
    j: mostly<unknown>([{ volumes: { v: { isDeleted: true } } }, {}], [[], 'x']),
    in: mostly<unknown>([{ environmentId: 'e', projectId: 'p', name: 'n', value: 'v' }], [{}]),
  },
  { requiredKeys: ['s', 'b', 'j', 'in'] },
);

/** As a client of one kind or another would send it, and as none should. */
const request = fc
  .tuple(document, variables, mostly([null, 'M'], ['N', 'Q', '']), fc.integer({ min: 0, max: 24 }))
  .map(([query, values, operationName, form]): Incoming => {
    const whole = { query, variables: values, operationName };
    const body = JSON.stringify(whole);
    const post = (type: string, text: string): Incoming => {
      const headers = { 'content-type': type };
      return { method: 'POST', target: '/graphql/v2', headers, body: Buffer.from(text) };
    };
    const params = new URLSearchParams({
      query,
      variables: JSON.stringify(values),
      ...(operationName === null ? {} : { operationName }),
    }).toString();
    switch (form) {
      case 0:
        return post('application/x-www-form-urlencoded', body);
      case 1:
        return post('application/x-www-form-urlencoded', params);
      case 2:
        return post('application/graphql', query);
      case 3:
        return post('application/json', `[${body},${body}]`);
      case 4:
        return post('application/json', `${body.slice(0, -1)},"query":"mutation { userDelete }"}`);
      case 5:
        return post('application/json', `${body.slice(0, -1)},"variables":{"s":"other"}}`);
      case 6:
        return post('text/plain', `\uFEFF${body}`);
      case 7:
        return {
          method: 'GET',
          target: `/graphql/v2?${params}`,
          headers: {},
          body: Buffer.alloc(0),
        };
      case 8:
        return post(
          'application/json',
          JSON.stringify({ ...whole, variables: JSON.stringify(values) }),
        );
      case 9:
        return post('application/x-www-form-urlencoded', `${params}&query=mutation{userDelete}`);
      default:
        return post('application/json', body);
    }
  });

/** What a client, or somebody who hopes that a reader gives up, packs a body into. */
const CODINGS: readonly (readonly [coding: string, pack: (body: Uint8Array) => Buffer])[] = [
  ['gzip', gzipSync],
  ['x-gzip', gzipSync],
  ['deflate', deflateSync],
  ['deflate', deflateRawSync],
  ['br', brotliCompressSync],
  ['identity', (body) => Buffer.from(body)],
  ['gzip, br', (body) => brotliCompressSync(gzipSync(body))],
  // What it says is not what it is.
  ['gzip', (body) => Buffer.from(body)],
  ['GZIP', gzipSync],
];
const packed = fc
  .tuple(request, fc.option(one(...CODINGS), { freq: 8 }))
  .map(([incoming, coding]): Incoming => {
    if (coding === null || incoming.method !== 'POST') return incoming;
    const [name, pack] = coding;
    const headers = { ...incoming.headers, 'content-encoding': name };
    return { ...incoming, headers, body: pack(incoming.body) };
  });

const named = fc
  .tuple(
    packed,
    fc.option(one('; charset=utf-8', '; charset="UTF-8"', '; charset=utf-16le', ';', ' '), {
      freq: 6,
    }),
  )
  .map(([incoming, more]): Incoming => {
    const type = incoming.headers['content-type'];
    if (more === null || type === undefined) return incoming;
    return { ...incoming, headers: { ...incoming.headers, 'content-type': `${type}${more}` } };
  });

type Calls = readonly string[];

/** Without what only a schema knows: presets of input fields; and null for nothing. */
function shown(field: string, args: unknown): string {
  return `${field} ${JSON.stringify(args, (key, value: unknown) => {
    if (key === 'skipDeploys') return undefined;
    return isObject(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value;
  })}`;
}

const reader = new GraphqlReader();

/** Null: it could not tell, or would not have it, and such a request is held or refused. */
async function foretold({ method, target, headers, body }: Incoming): Promise<Calls | null> {
  const at = target.indexOf('?');
  const search = at < 0 ? '' : target.slice(at);
  const sent = {
    headers: new Map(Object.entries(headers).map(([key, value]) => [key, [value ?? '']])),
    body: Readable.from([body]),
  };
  let plain: Buffer;
  let mediaType: string;
  try {
    plain = await readBody(sent);
    mediaType = mediaTypeOf(sent, plain);
  } catch (error) {
    if (error instanceof HoldfastError) return null;
    throw error;
  }
  const read = requestsOf({ method, mediaType, search, body: plain });
  if (read.kind === 'could-not-tell') return null;
  const calls: string[] = [];
  for (const reading of read.requests.map((each) => reader.read(each))) {
    if (reading.kind === 'could-not-tell') return null;
    calls.push(...reading.calls.map((each) => shown(each.name, each.args)));
  }
  return calls;
}

describe('what is said and what is run', () => {
  let town: Town;
  beforeAll(async () => {
    town = await startTown({ rehearsal: true, batching: true, get: true });
  });
  afterAll(() => town.stop());

  it('are the same, or nothing is said', { timeout: 1_800_000 }, async () => {
    const counts = { ran: 0, agreed: 0, held: 0 };
    const property = fc.asyncProperty(named, async (incoming) => {
      town.standIn.executed.length = 0;
      await town.standIn.answer(incoming);
      const ran = town.standIn.executed.map(({ field, args }) => shown(field, args));
      if (ran.length === 0) return;
      counts.ran += 1;
      const said = await foretold(incoming);
      if (said === null) {
        counts.held += 1;
        return;
      }
      // Of a batch some may be refused by the schema: what ran is there, in its order.
      let from = 0;
      for (const each of ran) {
        const found = said.indexOf(each, from);
        expect(found, `${each} ran; foretold: ${said.join('; ')}`).toBeGreaterThanOrEqual(from);
        from = found + 1;
      }
      counts.agreed += 1;
    });
    await fc.assert(property, { numRuns: REQUESTS, seed: SEED });
    expect(counts.ran).toBeGreaterThan(REQUESTS / 20);
    expect(counts.agreed).toBeGreaterThan(counts.ran / 2);
    if (process.env['DIFFERENTIAL_REQUESTS']) process.stdout.write(`${JSON.stringify(counts)}\n`);
  });
});
