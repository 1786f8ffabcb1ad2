import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../testing/manual-clock.ts';
import { restRequest } from '../../testing/provider-requests.ts';
import type { ApiRule } from '../provider.ts';
import { OpenapiProvider } from './provider.ts';

const BEARER = 'components: { securitySchemes: { b: { type: http, scheme: bearer } } }';
const file = (paths: string, rest = '') =>
  `openapi: 3.0.3\nservers: [{ url: "https://api.example.com" }]\n${BEARER}\n${rest}\npaths: ${paths}`;

function make(text: string, rules: readonly ApiRule[] = []): OpenapiProvider {
  return new OpenapiProvider({
    origin: null,
    clock: new ManualClock(),
    kind: 'account',
    description: { name: 'example', path: 'api.yaml', text, rules },
    sql: {
      read: () => {
        throw new Error('no SQL goes here');
      },
    },
    secret: async () => 's',
    placeOf: () => null,
    databaseOf: async () => null,
  });
}

const PATHS =
  '{ "/a": { get: {}, post: {}, put: {} }, "/a/{id}": { get: {}, delete: {}, patch: {} } }';
const kindOf = async (provider: OpenapiProvider, line: string, body?: unknown) => {
  const { reading } = await provider.read(restRequest(line, body));
  return reading.kind === 'could-not-tell' ? reading.reason.code : reading.effects[0]?.kind;
};

describe('without a rule', () => {
  it.each([
    ['GET /a', 'read'],
    ['HEAD /a/1', 'read'],
    ['OPTIONS /a', 'read'],
    ['DELETE /a/1', 'destroy'],
    ['POST /a', 'unknown'],
    ['PUT /a', 'unknown'],
    ['PATCH /a/1', 'unknown'],
    ['GET /b', 'unknown'],
    ['GET /a/', 'ambiguous'],
    ['POST /a/1:purge', 'ambiguous'],
  ])('%s is %s', async (line, kind) => {
    expect(await kindOf(make(file(PATHS)), line)).toBe(kind);
  });
});

it('takes the word of a rule, for exactly what it names', async () => {
  const provider = make(file(PATHS), [
    { call: 'POST /a', kind: 'write' },
    { call: 'GET /a/{id}', kind: 'grant' },
  ]);
  expect(await kindOf(provider, 'POST /a', {})).toBe('write');
  expect(await kindOf(provider, 'GET /a/1')).toBe('grant');
  expect(await kindOf(provider, 'HEAD /a/1')).toBe('grant');
  expect(await kindOf(provider, 'PUT /a', {})).toBe('unknown');
  // What was sent as a form is not what was read as JSON.
  expect(await kindOf(provider, 'POST /a?_method=DELETE', {})).toBe('ambiguous');
});

it('is one place, and an undeclared one has a name that no target has', async () => {
  const { place } = await make(file(PATHS)).read(restRequest('DELETE /a/1'));
  expect(place.asked).toBe('example api of example');
});

it('reads the prefix and the host from the first server', async () => {
  const text = file(PATHS).replace('https://api.example.com', 'https://API.example.com/v2/');
  const provider = make(text);
  expect(provider.hosts).toEqual(['api.example.com']);
  expect(provider.origin).toBe('https://api.example.com');
  expect(await kindOf(provider, 'GET /v2/a')).toBe('read');
  expect(await kindOf(provider, 'GET /a')).toBe('unknown');
});

it('carries the credential in the header that the file names', async () => {
  const text = file(PATHS).replace(
    '{ type: http, scheme: bearer }',
    '{ type: apiKey, in: header, name: X-Key }',
  );
  expect(await make(text).credential()).toEqual({ 'x-key': 's' });
  expect(await make(file(PATHS)).credential()).toEqual({ authorization: 'Bearer s' });
});

it.each([
  ['a file that is no YAML', '{', 'YAML or JSON'],
  ['a key twice', file('{ "/a": { get: {} }, "/a": { delete: {} } }'), 'YAML or JSON'],
  ['another version', file(PATHS).replace('3.0.3', '2.0'), 'OpenAPI 3'],
  ['a path by reference', file('{ "/a": { $ref: "x.yaml" } }'), '$ref'],
  [
    'an operation elsewhere',
    file('{ "/a": { get: { servers: [{ url: https://b }] } } }'),
    'servers',
  ],
  ['half a segment', file('{ "/a/{id}:purge": { post: {} } }'), 'whole segment'],
  ['two paths that are one', file('{ "/a/{x}": { get: {} }, "/a/{y}": { get: {} } }'), 'two'],
  ['a server with variables', file(PATHS).replace('api.example', '{region}.example'), 'variables'],
  ['no server', file(PATHS).replace(/servers.*\n/, ''), 'url'],
  ['a server in clear', file(PATHS).replace('https:', 'http:'), 'https'],
  ['no credential in a header', file(PATHS).replace('bearer', 'basic'), 'security scheme'],
  [
    'a bomb of aliases',
    file(PATHS, `x: &a [1,1]\ny: &b [${'*a,'.repeat(40)}*a]\nz: [${'*b,'.repeat(40)}*b]`),
    'aliases',
  ],
])('does not start with %s', (_story, text, words) => {
  expect(() => make(text)).toThrow(words);
});

it('does not start with a rule for what is not there', () => {
  expect(() => make(file(PATHS), [{ call: 'POST /b', kind: 'write' }])).toThrow('POST /b');
  expect(() => make(file(PATHS), [{ call: 'POST /constructor', kind: 'read' }])).toThrow('none');
  const twice: readonly ApiRule[] = [
    { call: 'POST /a', kind: 'write' },
    { call: 'POST /a', kind: 'read' },
  ];
  expect(() => make(file(PATHS), twice)).toThrow('two');
});
