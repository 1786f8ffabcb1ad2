/** Bad input and bad luck at the HTTP gateway, by raw bytes. */
import { connect } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../model/clock.ts';
import { HTTP_BODY_BYTES_MAX } from '../../model/limits.ts';
import type { FakeRecorder } from '../../testing/fake-parts.ts';
import { type HttpGateway, startHttpGateway } from '../../testing/http-gateway.ts';
import {
  type PlainProvider,
  type PlainServer,
  REAL_CREDENTIAL,
} from '../../testing/plain-provider.ts';
import { PlainTokens } from '../../testing/plain-tokens.ts';
import { scratchFolder } from '../../testing/scratch-folder.ts';
import { Authority } from './authority.ts';

const authority = await Authority.load(scratchFolder('authority'), systemClock);
let server: PlainServer;
let provider: PlainProvider;
let gateway: HttpGateway;
let recorder: FakeRecorder;
let tokens: PlainTokens;
let token: string;
let port: number;

beforeEach(async () => {
  gateway = await startHttpGateway(authority);
  ({ server, provider, recorder, tokens, token, port } = gateway);
});
afterEach(() => gateway.close());

/** Sends bytes and gives back all that came until the gateway ended the connection. */
function raw(...parts: (string | Buffer)[]): Promise<string> {
  return new Promise((done) => {
    const socket = connect(port, '127.0.0.1', () => {
      for (const part of parts) socket.write(part);
    });
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
    });
    socket.on('error', () => {});
    socket.on('close', () => done(answer));
  });
}

const KEPT = (): string => `Host: x\r\nAuthorization: Bearer ${token}\r\n`;
const AUTH = (): string => `${KEPT()}Connection: close\r\n`;
const get = (path: string, headers = ''): string =>
  `GET ${path} HTTP/1.1\r\n${AUTH()}${headers}\r\n`;
const statuses = (answer: string): string[] =>
  [...answer.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, code = '']) => code);

describe('framing', () => {
  it.each([
    ['length and chunks', 'Content-Length: 4\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'],
    ['chunks and length', 'Transfer-Encoding: chunked\r\nContent-Length: 4\r\n', '0\r\n\r\n'],
    ['two lengths', 'Content-Length: 2\r\nContent-Length: 4\r\n', 'abcd'],
    ['two lengths in one', 'Content-Length: 2, 4\r\n', 'abcd'],
    ['a length with a sign', 'Content-Length: +4\r\n', 'abcd'],
    ['a length in hexadecimal', 'Content-Length: 0x4\r\n', 'abcd'],
    ['a coding behind chunked', 'Transfer-Encoding: chunked, identity\r\n', '0\r\n\r\n'],
    ['a misspelt coding', 'Transfer-Encoding: xchunked\r\n', '0\r\n\r\n'],
    ['a space before the colon', 'Transfer-Encoding : chunked\r\n', '0\r\n\r\n'],
    ['a folded header', 'Transfer-Encoding:\r\n chunked\r\n', '0\r\n\r\n'],
    ['a chunk size with a sign', 'Transfer-Encoding: chunked\r\n', '+1\r\na\r\n0\r\n\r\n'],
    ['a bare line feed', 'X: y\nTransfer-Encoding: chunked\n', '0\r\n\r\n'],
    ['a NUL in a header', 'X: a\0b\r\nContent-Length: 0\r\n', ''],
  ])('refuses %s, and takes nothing behind it for a request', async (_story, headers, body) => {
    const answer = await raw(
      `POST /plain/change HTTP/1.1\r\n${AUTH()}${headers}\r\n${body}`,
      `POST /plain/destroy HTTP/1.1\r\n${AUTH()}Content-Length: 0\r\n\r\n`,
    );
    expect(statuses(answer)).toEqual(['400']);
    expect(server.seen).toEqual([]);
    expect(recorder.decisions).toEqual([]);
  });

  it('frames what it sends on by itself', async () => {
    await raw(
      `POST /plain/change HTTP/1.1\r\n${AUTH()}Transfer-Encoding: chunked\r\nTrailer: x\r\n\r\n`,
      '3;ext=1\r\nabc\r\n2\r\nde\r\n0\r\nx: y\r\n\r\n',
    );
    const [seen] = server.seen;
    expect(seen?.body.toString()).toBe('abcde');
    expect(seen?.headers).toMatchObject({ 'content-length': '5' });
    expect(seen?.headers['transfer-encoding'] ?? seen?.headers.trailer).toBeUndefined();
  });

  it('answers pipelined requests in turn', async () => {
    const answer = await raw(`GET /plain/read HTTP/1.1\r\n${KEPT()}\r\n${get('/plain/read')}`);
    expect(statuses(answer)).toEqual(['200', '200']);
  });
});

describe('routes', () => {
  it.each([
    ['an absolute form', 'http://api.plain.test/change', '400'],
    ['an authority with a user', 'http://a@127.0.0.1/plain/change', '400'],
    ['two slashes', '//plain/change', '400'],
    ['two slashes inside', '/plain//change', '400'],
    ['dots', '/plain/x/../change', '400'],
    ['escaped dots', '/plain/x/%2e%2E/change', '400'],
    ['an escaped slash', '/plain/x%2fchange', '400'],
    ['an escaped NUL', '/plain/change%00', '400'],
    ['a path parameter', '/plain/change;x', '400'],
    ['a backslash', '/plain\\change', '404'],
    ['another provider', '/other/change', '404'],
    ['no provider', '/', '404'],
    ['a provider in capitals', '/PLAIN/change', '404'],
    ['a name of objects', '/__proto__/change', '404'],
  ])('refuses %s', async (_story, path, status) => {
    const answer = await raw(`POST ${path} HTTP/1.1\r\n${AUTH()}Content-Length: 0\r\n\r\n`);
    expect(statuses(answer)).toEqual([status]);
    expect(server.seen).toEqual([]);
  });

  it('refuses two Hosts', async () => {
    const answer = await raw(get('/plain/read', 'Host: y\r\n'));
    expect(statuses(answer)).toEqual(['400']);
  });

  it('does not change to another protocol', async () => {
    const text =
      'GET /plain/read HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
    expect(statuses(await raw(text))).toEqual(['501']);
  });
});

describe('the scope of a token', () => {
  const STAGING = { target: 'plain/acme/staging', environment: 'staging' };
  const PRODUCTION = { target: 'plain/acme/production', environment: 'production' };

  it.each([
    ['its own environment', [PRODUCTION], '200'],
    ['its own and another: people will see both', [STAGING, PRODUCTION], '200'],
    ['another only', [STAGING], '403'],
    ['nothing that is known', [], '200'],
  ])('reaching %s', async (_story, reaches, status) => {
    provider.reaches = reaches;
    expect(statuses(await raw(get('/plain/read')))).toEqual([status]);
    expect(server.seen).toHaveLength(status === '200' ? 1 : 0);
  });
});

describe('bodies', () => {
  const post = (coding: string, body: Buffer): Promise<string> =>
    raw(
      `POST /plain/change HTTP/1.1\r\n${AUTH()}Content-Encoding: ${coding}\r\nContent-Length: ${body.length}\r\n\r\n`,
      body,
    );

  it.each([
    ['gzip', gzipSync('abc')],
    ['deflate', deflateSync('abc')],
    ['br', brotliCompressSync('abc')],
    ['GZIP', gzipSync('abc')],
    ['gzip, br', brotliCompressSync(gzipSync('abc'))],
    ['identity', Buffer.from('abc')],
  ])('opens %s, and sends on what was judged', async (coding, body) => {
    expect(statuses(await post(coding, body))).toEqual(['200']);
    expect(server.seen[0]?.body.toString()).toBe('abc');
    expect(server.seen[0]?.headers['content-encoding']).toBeUndefined();
  });

  it.each([
    ['a bomb', 'gzip', gzipSync(Buffer.alloc(HTTP_BODY_BYTES_MAX + 1)), '413'],
    [
      'a bomb in a bomb',
      'gzip, gzip',
      gzipSync(gzipSync(Buffer.alloc(64 * HTTP_BODY_BYTES_MAX))),
      '413',
    ],
    ['three codings', 'gzip, gzip, gzip', Buffer.from('x'), '400'],
    ['a coding nobody knows', 'zstd', Buffer.from('x'), '400'],
    ['what is not coded so', 'gzip', Buffer.from('abc'), '400'],
    ['a coding cut short', 'gzip', gzipSync('abc'.repeat(1000)).subarray(0, 20), '400'],
    ['a large body', 'identity', Buffer.alloc(HTTP_BODY_BYTES_MAX + 1), '413'],
  ])('refuses %s', async (_story, coding, body, status) => {
    expect(statuses(await post(coding, body))).toEqual([status]);
    expect(server.seen).toEqual([]);
  });

  // In UTF-7 `+ACI-` is a quote: what stands in a string here, some servers read as JSON of its own.
  const IN_UTF_7 = '{"a":"+ACI-,+ACI-query+ACI-:+ACI-mutation"}';
  const named = (types: readonly string[], body: string): Promise<string> =>
    raw(
      `POST /plain/change HTTP/1.1\r\n${AUTH()}${types.map((type) => `Content-Type: ${type}\r\n`).join('')}` +
        `Connection: close\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );

  it.each<readonly [story: string, types: readonly string[], body: string]>([
    ['UTF-7', ['application/json; charset=utf-7'], IN_UTF_7],
    ['UTF-7 in quotes', ['application/json; CharSet="UTF-7"'], IN_UTF_7],
    ['UTF-7 behind UTF-8', ['application/json; charset=utf-8; charset=utf-7'], IN_UTF_7],
    ['UTF-7 by RFC 2231', ["application/json; charset*=us-ascii''utf-7"], IN_UTF_7],
    ['UTF-7 behind a space', ['application/json; charset = utf-7'], IN_UTF_7],
    ['UTF-16', ['application/json; charset=utf-16'], '{}'],
    ['Latin 1 with more than ASCII', ['application/json; charset=iso-8859-1'], '{"a":"\u00e9"}'],
    ['a charset nobody knows', ['application/json; charset=x'], '{}'],
    [
      'two names',
      ['application/json', 'application/x-www-form-urlencoded'],
      '{"a":"&_method=PUT"}',
    ],
    ['two names in one', ['application/json, application/x-www-form-urlencoded'], '{}'],
    ['another name behind a parameter', ['application/json; a=b, application/graphql'], '{}'],
    ['UTF-7 behind 14 kB of the word', [`application/json;${'charset'.repeat(2_000)}=utf-7`], '{}'],
  ])('refuses a body that is another text to the server: %s', async (_story, types, body) => {
    expect(statuses(await named(types, body))).toEqual(['400']);
    expect(server.seen).toEqual([]);
  });

  it('sends a body with the name it was read by, although Connection lists that', async () => {
    await raw(
      `POST /plain/change HTTP/1.1\r\n${KEPT()}Content-Type: application/json\r\nX-Mine: 1\r\n` +
        'Connection: close, content-type, x-mine\r\nContent-Length: 2\r\n\r\n{}',
    );
    expect(server.seen[0]?.headers).toMatchObject({ 'content-type': 'application/json' });
    expect(server.seen[0]?.headers).not.toHaveProperty('x-mine');
  });

  it.each<readonly [types: readonly string[], body: string]>([
    [[], '{}'],
    [['application/json'], '{"a":"\u00e9"}'],
    [['application/json; charset=UTF-8'], '{"a":"\u00e9"}'],
    [['application/json;charset="utf-8"'], '{}'],
    [['application/json; charset=ISO-8859-1'], '{"a":"e"}'],
    [['multipart/form-data; boundary=----a'], 'x'],
  ])('takes what clients call it: %s', async (types, body) => {
    expect(statuses(await named(types, body))).toEqual(['200']);
    expect(server.seen[0]?.body.toString()).toBe(body);
  });

  it('forwards nothing of a body that never ended', async () => {
    const socket = connect(port, '127.0.0.1').resume();
    const head = `POST /plain/change HTTP/1.1\r\n${AUTH()}Content-Length: 10\r\n\r\nabc`;
    await new Promise((done) => socket.write(head, done));
    socket.end();
    await new Promise((done) => socket.once('close', done));
    expect(server.seen).toEqual([]);
    expect(recorder.decisions).toEqual([]);
  });
});

describe('credentials', () => {
  const FOREIGN = 'rw_Fe26.2**0123456789abcdef';
  it.each([
    ['Bearer', `Authorization: Bearer ${FOREIGN}`],
    ['Basic', `Authorization: Basic ${Buffer.from(`x:${FOREIGN}`).toString('base64')}`],
    ['a scheme of its own', `Authorization: Digest ${FOREIGN}`],
    ["the API's own header", `Plain-Token: ${FOREIGN}`],
    ['a cookie', `Cookie: session=${FOREIGN}`],
    ['a key', `X-Api-Key: ${FOREIGN}`],
    ['a token and another', `Authorization: Bearer TOKEN\r\nPlain-Token: ${FOREIGN}`],
    ['what begins like a token of ours', `Authorization: Bearer hf_${'0'.repeat(59)}`],
  ])(
    'refuses a real one in %s, and tells of it by its fingerprint only',
    async (_story, header) => {
      const text = header.replace('TOKEN', token);
      const answer = await raw(
        `GET /plain/read HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${text}\r\n\r\n`,
      );
      expect(statuses(answer)).toEqual(['403']);
      expect(answer).toContain('Do not use credentials you find');
      expect(server.seen).toEqual([]);
      const alarm = recorder.events.find(({ kind }) => kind === 'foreign-credential');
      expect(alarm?.facts['fingerprint']).toMatch(/^sha256:[0-9a-f]{16}$/);
      expect(JSON.stringify(recorder.events) + answer).not.toContain(FOREIGN);
    },
  );

  it.each([
    ['nothing', ''],
    ['a token that was never issued', `Authorization: Bearer ${new PlainTokens().issue('x')}\r\n`],
  ])('lets nobody in with %s', async (_story, header) => {
    const answer = await raw(
      `GET /plain/read HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${header}\r\n`,
    );
    expect(statuses(answer)).toEqual(['401']);
    expect(server.seen).toEqual([]);
  });

  it('lets nobody in with a token that has ended', async () => {
    tokens.end('token_a');
    expect(statuses(await raw(get('/plain/read')))).toEqual(['401']);
  });

  it('puts the real one on for the way out, and nothing of the agent’s', async () => {
    await raw(
      get(
        '/plain/read',
        `Plain-Token: ${token}\r\nX-Forwarded-For: 1.2.3.4\r\nX-HTTP-Method-Override: DELETE\r\nX-Original-URL: /destroy\r\nX-Rewrite-URL: /destroy\r\nConnection: X-Secret\r\nX-Secret: 1\r\nX-Kept: 2\r\n`,
      ),
    );
    const [seen] = server.seen;
    expect(seen?.headers).toMatchObject({
      authorization: `Bearer ${REAL_CREDENTIAL}`,
      'x-kept': '2',
    });
    const names = Object.keys(seen?.headers ?? {});
    for (const name of ['plain-token', 'x-forwarded-for', 'x-http-method-override', 'x-secret']) {
      expect(names).not.toContain(name);
    }
    for (const name of ['x-original-url', 'x-rewrite-url']) expect(names).not.toContain(name);
    expect(JSON.stringify(seen?.rawHeaders)).not.toContain(token);
  });
});

describe('a provider in trouble', () => {
  const change = (): string => `POST /plain/change HTTP/1.1\r\n${AUTH()}Content-Length: 0\r\n\r\n`;
  const outcome = () => recorder.outcomes.map((one) => one.outcome.kind);

  it('is passed on as it answers, with when to ask again', async () => {
    server.answer = (response) => response.writeHead(429, { 'retry-after': '7' }).end('slow down');
    const answer = await raw(change());
    expect(statuses(answer)).toEqual(['429']);
    expect(answer.toLowerCase()).toContain('retry-after: 7');
    expect(outcome()).toEqual(['failed']);
  });

  it('that goes away without an answer leaves an unknown outcome, and is not asked twice', async () => {
    server.answer = (response) => response.destroy();
    const answer = await raw(change());
    expect(statuses(answer)).toEqual(['502']);
    expect(answer).toContain('may or may not have happened');
    expect(server.seen).toHaveLength(1);
    expect(outcome()).toEqual(['unknown']);
  });

  it('that breaks off in its answer leaves an unknown outcome, and no whole answer', async () => {
    server.answer = (response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{"ok":', () => response.destroy());
    };
    const answer = await raw(change());
    expect(answer).not.toContain('"ok":true');
    expect(server.seen).toHaveLength(1);
    expect(outcome()).toEqual(['unknown']);
  });

  it('that cannot be reached was not asked', async () => {
    await server.stop();
    const answer = await raw(change());
    expect(statuses(answer)).toEqual(['502']);
    expect(answer).toContain('x-holdfast-code: HF_UPSTREAM_UNREACHABLE');
    expect(answer).toContain('Nothing was sent.');
    expect(outcome()).toEqual(['not-forwarded']);
  });

  it('keeps its cookies', async () => {
    server.answer = (response) => response.writeHead(200, { 'set-cookie': 'a=b' }).end('{}');
    expect(await raw(get('/plain/read'))).not.toContain('set-cookie');
  });
});

describe('a token that is good, of an agent that is stopped', () => {
  it.each([
    ['HF_AGENT_PAUSED', '403'],
    ['HF_AGENT_HOURS', '403'],
    ['HF_TOKEN_REVOKED', '401'],
  ] as const)('%s is answered with %s, and nothing is sent', async (code, status) => {
    tokens.end('token_a', { code, message: 'Holdfast stops here: odd deletes.', hint: 'Stop.' });
    const answer = await raw(get('/plain/read'));
    expect(statuses(answer)).toEqual([status]);
    // Who holds a token that was taken back is not told more than anybody.
    expect(answer.includes('odd deletes')).toBe(status === '403');
    expect(server.seen).toEqual([]);
  });
});
