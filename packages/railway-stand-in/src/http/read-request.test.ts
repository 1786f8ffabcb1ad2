/** What a body is taken for: every form in which a request may come. */
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type Incoming, type ReadingRules, readRequest } from './read-request.ts';

const JSON_BODY = '{"query":"mutation { volumeDelete(volumeId: \\"v\\") }"}';
const QUERY = 'mutation { volumeDelete(volumeId: "v") }';
const CLOSED = { batching: false, get: false };
const OPEN = { batching: true, get: true };

function incoming(body: string | Buffer, headers: Incoming['headers'] = {}): Incoming {
  return { method: 'POST', target: '/graphql/v2', headers, body: Buffer.from(body) };
}

function queriesOf(request: Incoming, rules: ReadingRules = CLOSED): readonly string[] | number {
  const read = readRequest(request, rules);
  return read.kind === 'requests' ? read.list.map(({ query }) => query) : read.status;
}

describe('the body of a request', () => {
  const types = [
    'application/json',
    'application/json; charset=utf-8',
    'application/x-www-form-urlencoded',
    'text/plain',
    'multipart/form-data',
    '',
  ];
  it.each(types)('is JSON under the type %j', (type) => {
    expect(queriesOf(incoming(JSON_BODY, { 'content-type': type }))).toEqual([QUERY]);
  });

  it('is JSON without a type, and behind a byte order mark', () => {
    expect(queriesOf(incoming(JSON_BODY))).toEqual([QUERY]);
    expect(queriesOf(incoming(`\uFEFF${JSON_BODY}`))).toEqual([QUERY]);
  });

  it('is a form, and a document by itself', () => {
    const form = new URLSearchParams({ query: QUERY, variables: '{"a":1}' }).toString();
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const read = readRequest(incoming(form, headers), CLOSED);
    const list = read.kind === 'requests' ? read.list : [];
    expect(list[0]?.query).toBe(QUERY);
    expect({ ...list[0]?.variables }).toEqual({ a: 1 });
    expect(queriesOf(incoming(QUERY, { 'content-type': 'application/graphql' }))).toEqual([QUERY]);
    expect(queriesOf(incoming(QUERY, { 'content-type': 'text/plain' }))).toBe(400);
  });

  const codings: readonly (readonly [name: string, bytes: Buffer])[] = [
    ['gzip', gzipSync(JSON_BODY)],
    ['x-gzip', gzipSync(JSON_BODY)],
    ['br', brotliCompressSync(JSON_BODY)],
    ['deflate', deflateSync(JSON_BODY)],
    ['Deflate', deflateRawSync(JSON_BODY)],
    ['gzip, br', brotliCompressSync(gzipSync(JSON_BODY))],
  ];
  it.each(codings)('is decompressed: %s', (coding, bytes) => {
    expect(queriesOf(incoming(bytes, { 'content-encoding': coding }))).toEqual([QUERY]);
  });

  it('is nothing when it cannot be decompressed, or grows too large', () => {
    expect(queriesOf(incoming('no gzip', { 'content-encoding': 'gzip' }))).toBe(400);
    const bomb = gzipSync(Buffer.alloc(40 * 1024 * 1024));
    expect(queriesOf(incoming(bomb, { 'content-encoding': 'gzip' }))).toBe(400);
  });

  it('means the last of two equal keys', () => {
    expect(
      queriesOf(incoming(`{"query":"{ me { id } }","query":${JSON.stringify(QUERY)}}`)),
    ).toEqual([QUERY]);
  });

  it('may be an array, where batching is on', () => {
    const batch = `[${JSON_BODY},${JSON_BODY}]`;
    expect(queriesOf(incoming(batch))).toBe(400);
    expect(queriesOf(incoming(batch), OPEN)).toEqual([QUERY, QUERY]);
    expect(queriesOf(incoming(`[${JSON_BODY},7]`), OPEN)).toBe(400);
    expect(queriesOf(incoming('[]'), OPEN)).toBe(400);
  });

  it('may be a query string, where GET is on', () => {
    const target = `/graphql/v2?${new URLSearchParams({ query: QUERY })}`;
    const request = { method: 'GET', target, headers: {}, body: Buffer.alloc(0) };
    expect(queriesOf(request)).toBe(405);
    expect(queriesOf(request, OPEN)).toEqual([QUERY]);
  });

  it('is no request without a text, with a name or variables of the wrong kind', () => {
    const hash = '{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"00"}}}';
    expect(queriesOf(incoming(hash))).toBe(200);
    expect(queriesOf(incoming('{"query":7}'))).toBe(400);
    expect(queriesOf(incoming('7'))).toBe(400);
    expect(queriesOf(incoming('{"query":"{a}","variables":[1]}'))).toBe(400);
    expect(queriesOf(incoming('{"query":"{a}","operationName":7}'))).toBe(400);
  });
});
