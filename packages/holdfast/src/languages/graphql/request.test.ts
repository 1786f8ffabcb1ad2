import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { type GraphqlOverHttp, requestsOf } from './request.ts';

const QUERY = 'mutation { volumeDelete(volumeId: "v") }';
const POST: GraphqlOverHttp = {
  method: 'POST',
  mediaType: 'application/json',
  search: '',
  body: Buffer.from(JSON.stringify({ query: QUERY })),
};
const body = (value: unknown): Pick<GraphqlOverHttp, 'body'> => ({
  body: Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)),
});
const EMPTY = body('');
const hash = createHash('sha256').update(QUERY).digest('hex');
const ONE = { query: QUERY, variables: {}, operationName: null };

const READ: readonly (readonly [string, Partial<GraphqlOverHttp>, object])[] = [
  ['JSON', {}, ONE],
  [
    'JSON that is called a form, as in the incident',
    { mediaType: 'application/x-www-form-urlencoded' },
    ONE,
  ],
  ['JSON that is called nothing', { mediaType: '' }, ONE],
  ['JSON that is called GraphQL', { mediaType: 'application/graphql' }, ONE],
  ['a document by itself', { mediaType: 'application/graphql', ...body(QUERY) }, ONE],
  [
    'a form',
    {
      mediaType: 'application/x-www-form-urlencoded',
      ...body(`query=${encodeURIComponent(QUERY)}`),
    },
    ONE,
  ],
  [
    'a query string',
    { method: 'GET', search: `?query=${encodeURIComponent(QUERY)}`, ...EMPTY },
    ONE,
  ],
  ['a query string of a POST', { search: `?query=${encodeURIComponent(QUERY)}`, ...EMPTY }, ONE],
  ['variables', body({ query: QUERY, variables: { a: 1 } }), { ...ONE, variables: { a: 1 } }],
  [
    'variables in a text',
    body({ query: QUERY, variables: '{"a":1}' }),
    { ...ONE, variables: { a: 1 } },
  ],
  [
    'variables of a query string',
    { method: 'GET', search: '?query=x&variables=%7B%22a%22:1%7D', ...EMPTY },
    { query: 'x', variables: { a: 1 }, operationName: null },
  ],
  ['a name', body({ query: QUERY, operationName: 'x' }), { ...ONE, operationName: 'x' }],
  [
    'keys that say nothing',
    body({ query: QUERY, operationName: null, variables: null, id: null }),
    ONE,
  ],
  [
    'a hash of the text',
    body({ query: QUERY, extensions: { persistedQuery: { version: 1, sha256Hash: hash } } }),
    ONE,
  ],
];

it.each(READ)('reads %s', (_story, changes, request) => {
  const found = requestsOf({ ...POST, ...changes });
  expect(found).toEqual({ kind: 'requests', requests: [request], isBatch: false });
});

it('reads a batch', () => {
  const found = requestsOf({ ...POST, ...body([{ query: 'a' }, { query: QUERY }]) });
  expect(found).toMatchObject({ isBatch: true, requests: [{ query: 'a' }, { query: QUERY }] });
});

const NOT_READ: readonly (readonly [string, Partial<GraphqlOverHttp>, string])[] = [
  ['a key twice', body('{"query":"query { a }","query":"mutation { b }"}'), 'ambiguous'],
  ['a document in the URL and another in the body', { search: '?query=x' }, 'ambiguous'],
  ['words in the URL, whatever they are', { search: '?x' }, 'ambiguous'],
  [
    'a name twice in a query string',
    { method: 'GET', search: '?query=a&query=b', ...EMPTY },
    'ambiguous',
  ],
  [
    'a name twice, once escaped',
    { method: 'GET', search: '?query=a&qu%65ry=b', ...EMPTY },
    'ambiguous',
  ],
  [
    'bytes that are no UTF-8 in a query string',
    { method: 'GET', search: '?query=%ff', ...EMPTY },
    'invalid-utf8',
  ],
  ['a body of a GET', { method: 'GET' }, 'ambiguous'],
  ['another method', { method: 'PUT' }, 'unknown-statement'],
  [
    'a hash without a text',
    body({ extensions: { persistedQuery: { sha256Hash: hash } } }),
    'unknown-statement',
  ],
  [
    'a hash with an empty text',
    body({ query: '', extensions: { persistedQuery: { sha256Hash: hash } } }),
    'unknown-statement',
  ],
  [
    'a hash of another text',
    body({ query: 'query { a }', extensions: { persistedQuery: { sha256Hash: hash } } }),
    'ambiguous',
  ],
  ['a document by its id', body({ query: 'query { a }', documentId: 'x' }), 'unknown-statement'],
  ['an id only', body({ id: 'x' }), 'unknown-statement'],
  ['another extension', body({ query: QUERY, extensions: { x: 1 } }), 'unknown-statement'],
  ['a multipart body', { mediaType: 'multipart/form-data' }, 'unknown-statement'],
  [
    'a form in JSON, called a form',
    {
      mediaType: 'application/x-www-form-urlencoded',
      ...body({ query: '{ a } #&query=mutation{volumeDelete(volumeId:%22v%22)}#' }),
    },
    'ambiguous',
  ],
  [
    'a form in JSON, called nothing, its name in escapes',
    { mediaType: '', ...body({ query: '{ a } #&%71uery=mutation{x}#' }) },
    'ambiguous',
  ],
  ['variables that are a list', body({ query: QUERY, variables: [1] }), 'ambiguous'],
  [
    'variables in a text that says a key twice',
    body({ query: QUERY, variables: '{"a":1,"a":2}' }),
    'ambiguous',
  ],
  ['a name that is no text', body({ query: QUERY, operationName: 1 }), 'ambiguous'],
  ['a query that is no text', body({ query: ['x'] }), 'syntax-error'],
  ['no query', body({}), 'syntax-error'],
  ['no body', EMPTY, 'syntax-error'],
  ['an empty batch', body([]), 'syntax-error'],
  ['a batch with one that is not read', body([{ query: 'a' }, { id: 'x' }]), 'unknown-statement'],
  ['a batch in a batch', body([[{ query: 'a' }]]), 'syntax-error'],
  ['a large batch', body(Array.from({ length: 21 }, () => ({ query: 'a' }))), 'too-large'],
  ['a text that is no JSON', body('query { a }'), 'syntax-error'],
  [
    'what looks like one of our own answers',
    body({ kind: 'could-not-tell', reason: { code: 'x' } }),
    'unknown-statement',
  ],
];

it.each(NOT_READ)('does not read %s', (_story, changes, code) => {
  const found = requestsOf({ ...POST, ...changes });
  expect(found).toMatchObject({ kind: 'could-not-tell', reason: { code } });
});
