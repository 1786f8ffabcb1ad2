/**
 * Each way of sending the incident so that a filter misses it (shared facts, and our own). Alone, the
 * stand-in carries it out, so that the row is worth something; through Holdfast none reaches it.
 */
import { request as httpRequest } from 'node:http';
import { text } from 'node:stream/consumers';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { type Guarded, startGuarded } from './support/guarded.ts';
import { startTown, type Town } from './support/town.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

/** Railway may take batches and GET; whether it does is not known. */
const GENEROUS = { batching: true, get: true };

let town: Town;
let guarded: Guarded;

beforeAll(async () => {
  town = await startTown(GENEROUS);
  guarded = await startGuarded(town, null);
});
afterAll(async () => {
  await guarded?.stop();
  await town?.stop();
});

interface Sent {
  readonly method?: string;
  readonly search?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
  /** In pieces, without a length. */
  readonly isChunked?: boolean;
}

interface Row {
  readonly name: string;
  readonly sent: (id: string) => Sent;
  /** What Holdfast says; a hold where nothing is said. */
  readonly said?: RegExp;
  /** Whether the stand-in alone carries it out. */
  readonly runs?: false;
}

const JSON_TYPE = { 'content-type': 'application/json' };
const call = (id: string): string => `volumeDelete(volumeId: "${id}")`;
const json = (query: string, more: object = {}): Sent => {
  return { headers: JSON_TYPE, body: JSON.stringify({ query, ...more }) };
};
const packed = (coding: string, pack: (bytes: string) => Buffer): ((id: string) => Sent) => {
  return (id) => {
    const body = pack(JSON.stringify({ query: `mutation { ${call(id)} }` }));
    return { headers: { ...JSON_TYPE, 'content-encoding': coding }, body };
  };
};
const incident = (id: string): string =>
  `{"query":"mutation { ${call(id).replaceAll('"', '\\"')} }"}`;
const form = { 'content-type': 'application/x-www-form-urlencoded' };

const ROWS: readonly Row[] = [
  {
    name: 'as it was published, called a form',
    sent: (id) => ({ headers: form, body: incident(id) }),
  },
  { name: 'without a content type', sent: (id) => ({ body: incident(id) }) },
  {
    name: 'called plain text',
    sent: (id) => ({ headers: { 'content-type': 'text/plain' }, body: incident(id) }),
  },
  {
    name: 'as a form indeed',
    sent: (id) => ({
      headers: form,
      body: new URLSearchParams({ query: `mutation { ${call(id)} }` }).toString(),
    }),
  },
  {
    name: 'as application/graphql',
    sent: (id) => ({
      headers: { 'content-type': 'application/graphql' },
      body: `mutation { ${call(id)} }`,
    }),
  },
  { name: 'under an alias', sent: (id) => json(`mutation { domains: ${call(id)} }`) },
  {
    name: 'behind a harmless field of the root',
    sent: (id) => json(`mutation { __typename a: __typename ${call(id)} }`),
  },
  {
    name: 'in a fragment',
    sent: (id) => json(`mutation { ...F } fragment F on Mutation { ${call(id)} }`),
  },
  {
    name: 'in an inline fragment',
    sent: (id) => json(`mutation { ... on Mutation { ... { ${call(id)} } } }`),
  },
  {
    name: 'as the second operation, by its name',
    sent: (id) =>
      json(`query Domains { __typename } mutation M { ${call(id)} }`, { operationName: 'M' }),
  },
  {
    name: 'with the id in a variable',
    sent: (id) =>
      json('mutation($v: String!) { volumeDelete(volumeId: $v) }', { variables: { v: id } }),
  },
  {
    name: 'with the id in the default of a variable',
    sent: (id) => json(`mutation($v: String! = "${id}") { volumeDelete(volumeId: $v) }`),
  },
  {
    name: 'under a condition that holds',
    sent: (id) =>
      json(`mutation($no: Boolean!) { ${call(id)} @skip(if: $no) }`, { variables: { no: false } }),
  },
  {
    name: 'with the id in a block string',
    sent: (id) => json(`mutation { volumeDelete(volumeId: """\n  ${id}\n""") }`),
  },
  {
    name: 'with the id in escapes',
    sent: (id) => {
      const first = id.charCodeAt(0).toString(16).padStart(4, '0');
      return json(`mutation { volumeDelete(volumeId: "\\u${first}${id.slice(1)}") }`);
    },
  },
  {
    name: 'with the name in escapes of JSON',
    sent: (id) => ({
      headers: JSON_TYPE,
      body: incident(id).replace('volumeDelete', 'volume\\u0044elete'),
    }),
  },
  {
    name: 'between comments',
    sent: (id) =>
      json(`# query { domains }\nmutation {# }\n volumeDelete # (\n(volumeId: "${id}") }`),
  },
  {
    name: 'in a batch',
    sent: (id) => ({ headers: JSON_TYPE, body: `[{"query":"{ __typename }"},${incident(id)}]` }),
  },
  {
    name: 'by GET',
    sent: (id) => ({
      method: 'GET',
      search: `?${new URLSearchParams({ query: `mutation { ${call(id)} }` })}`,
      body: '',
    }),
  },
  {
    name: 'as the second of two equal keys',
    sent: (id) => ({
      headers: JSON_TYPE,
      body: `{"query":"{ __typename }",${incident(id).slice(1)}`,
    }),
    said: /HF_HELD|HF_REFUSED|HF_SYNTAX|HF_HTTP/,
  },
  { name: 'packed by gzip', sent: packed('gzip', (body) => gzipSync(body)) },
  { name: 'packed by deflate', sent: packed('deflate', (body) => deflateSync(body)) },
  {
    name: 'packed by deflate without its wrapping',
    sent: packed('deflate', (body) => deflateRawSync(body)),
    said: /HF_HELD|HF_REFUSED|HF_SYNTAX|HF_HTTP/,
  },
  { name: 'packed by brotli', sent: packed('br', (body) => brotliCompressSync(body)) },
  {
    name: 'packed twice',
    sent: packed('gzip, br', (body) => brotliCompressSync(gzipSync(body))),
    said: /HF_HELD|HF_REFUSED|HF_SYNTAX|HF_HTTP/,
  },
  {
    name: 'in pieces without a length',
    sent: (id) => ({ headers: JSON_TYPE, body: incident(id), isChunked: true }),
  },
  {
    name: 'by the hash of a text that is kept elsewhere',
    sent: () => ({
      headers: JSON_TYPE,
      body: JSON.stringify({
        extensions: { persistedQuery: { version: 1, sha256Hash: 'ab'.repeat(32) } },
      }),
    }),
    said: /HF_REFUSED/,
    runs: false,
  },
  {
    name: 'under a mark of byte order',
    sent: (id) => ({ headers: JSON_TYPE, body: `\uFEFF${incident(id)}` }),
    said: /HF_HELD|HF_REFUSED|HF_SYNTAX|HF_HTTP/,
  },
  {
    name: 'by way of the service that the volume is mounted to',
    sent: () => json(`mutation { serviceDelete(id: "${town.ready.serviceId}") }`),
    runs: false,
  },
];

interface Answer {
  readonly status: number;
  readonly body: string;
}

async function send(url: string, token: string, sent: Sent): Promise<Answer> {
  const { method = 'POST', search = '', headers = {}, body, isChunked = false } = sent;
  const length =
    isChunked || method === 'GET' ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  const all = { ...headers, ...length, authorization: `Bearer ${token}` };
  return await new Promise((done, fail) => {
    const asked = httpRequest(`${url}${search}`, { method, headers: all }, (response) => {
      text(response).then((words) => done({ status: response.statusCode ?? 0, body: words }), fail);
    });
    asked.once('error', fail);
    if (isChunked) for (const part of body.toString().match(/.{1,7}/g) ?? []) asked.write(part);
    asked.end(isChunked || method === 'GET' ? undefined : body);
  });
}

const deleted = ({ standIn }: Town): boolean =>
  standIn.executed.some(
    ({ operation, field }) => operation === 'mutation' && field === 'volumeDelete',
  );

it.each(ROWS.map((row): [string, Row] => [row.name, row]))(
  '%s: nothing reaches Railway',
  async (_name, { sent, said = /HF_HELD/, runs = true }) => {
    if (runs) {
      const alone = await startTown(GENEROUS);
      const { tokens, volumeId } = alone.ready;
      const { body } = await send(alone.standIn.url, tokens.account, sent(volumeId));
      expect(body).toContain('true');
      expect(deleted(alone)).toBe(true);
      expect(alone.ready.world.volumes.has(volumeId)).toBe(false);
      await alone.stop();
    }
    const { volumeId } = town.ready;
    const { body } = await send(guarded.base, guarded.tokens.staging, sent(volumeId));
    expect(body).toMatch(said);
    expect(town.standIn.executed.filter(({ operation }) => operation === 'mutation')).toEqual([]);
    expect(town.ready.world.volumes.has(volumeId)).toBe(true);
  },
);
