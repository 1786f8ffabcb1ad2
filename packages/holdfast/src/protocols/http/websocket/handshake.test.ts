/** Openings of a WebSocket, by raw bytes: who is let in, and what is never taken for one. */
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../model/clock.ts';
import { SOCKETS_NOBODYS_MAX, SOCKETS_PER_TOKEN_MAX } from '../../../model/limits.ts';
import {
  type GatewayBefore,
  startGatewayBefore,
  startHttpGateway,
} from '../../../testing/http-gateway.ts';
import { PlainTokens } from '../../../testing/plain-tokens.ts';
import { scratchFolder } from '../../../testing/scratch-folder.ts';
import { SocketClient } from '../../../testing/socket-client.ts';
import { SocketProvider, SocketServer } from '../../../testing/socket-provider.ts';
import { Authority } from '../authority.ts';

const authority = await Authority.load(scratchFolder('authority'), systemClock);
let server: SocketServer;
let gateway: GatewayBefore;

beforeEach(async () => {
  server = new SocketServer();
  gateway = await startGatewayBefore(new SocketProvider(await server.start()), authority);
});
afterEach(async () => {
  await gateway.protocol.close();
  await server.stop();
});

/** Sends bytes and gives back all that came until the gateway ended the connection. */
function raw(text: string, port = gateway.port): Promise<string> {
  return new Promise((done) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
      if (answer.startsWith('HTTP/1.1 101')) socket.destroy();
    });
    socket.on('error', () => {});
    socket.on('end', () => socket.end());
    socket.on('close', () => done(answer));
  });
}

interface Opening {
  readonly line?: string;
  readonly headers?: Readonly<Record<string, string | null>>;
  /** Lines as they are. */
  readonly more?: string;
  readonly behind?: string;
}

/** A whole and right handshake, but for what is said. */
function opening({ line, headers = {}, more = '', behind = '' }: Opening = {}): string {
  const all: Readonly<Record<string, string | null>> = {
    Host: 'x',
    Authorization: `Bearer ${gateway.token}`,
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Protocol': 'graphql-transport-ws',
    ...headers,
  };
  const lines = Object.entries(all).flatMap(([name, value]) =>
    value === null ? [] : [`${name}: ${value}\r\n`],
  );
  return `${line ?? 'GET /plain/graphql HTTP/1.1'}\r\n${lines.join('')}${more}\r\n${behind}`;
}

const statuses = (answer: string): string[] =>
  [...answer.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, code = '']) => code);

const FOREIGN = 'rw_Fe26.2**0123456789abcdef';

it.each<readonly [story: string, opening: Opening]>([
  ['the newer subprotocol', {}],
  ['the older one', { headers: { 'Sec-WebSocket-Protocol': 'graphql-ws' } }],
  ['both', { headers: { 'Sec-WebSocket-Protocol': 'graphql-ws, graphql-transport-ws' } }],
  ['keep-alive besides', { headers: { Connection: 'keep-alive, Upgrade' } }],
  ['an Origin, which gives no right and takes none', { more: 'Origin: https://evil.test\r\n' }],
  ['nobody: a browser can set no header', { headers: { Authorization: null } }],
])('opens with %s', async (_story, text) => {
  const answer = await raw(opening(text));
  expect(statuses(answer)).toEqual(['101']);
  expect(answer.toLowerCase()).not.toContain('sec-websocket-extensions');
});

it('packs no frames, whatever is offered', async () => {
  const more = 'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n';
  const answer = await raw(opening({ more }));
  expect(statuses(answer)).toEqual(['101']);
  expect(answer.toLowerCase()).not.toContain('sec-websocket-extensions');
});

it.each<readonly [story: string, status: string, opening: Opening]>([
  ['an unknown path', '501', { line: 'GET /plain/other HTTP/1.1' }],
  ['a path that only begins right', '501', { line: 'GET /plain/graphql/ HTTP/1.1' }],
  ['dots', '400', { line: 'GET /plain/x/../graphql HTTP/1.1' }],
  [
    'a query string, in which some put a token',
    '501',
    { line: 'GET /plain/graphql?token=x HTTP/1.1' },
  ],
  ['another provider', '404', { line: 'GET /other/graphql HTTP/1.1' }],
  ['an absolute form', '400', { line: 'GET http://api.plain.test/graphql HTTP/1.1' }],
  ['two Hosts', '400', { more: 'Host: y\r\n' }],
  ['POST', '400', { line: 'POST /plain/graphql HTTP/1.1' }],
  ['HTTP/1.0', '400', { line: 'GET /plain/graphql HTTP/1.0' }],
  ['an upgrade to HTTP/2', '400', { headers: { Upgrade: 'h2c' } }],
  ['two upgrades', '400', { headers: { Upgrade: 'websocket, h2c' } }],
  ['two upgrades in two headers', '400', { more: 'Upgrade: h2c\r\n' }],
  ['an old version', '400', { headers: { 'Sec-WebSocket-Version': '8' } }],
  ['two versions', '400', { more: 'Sec-WebSocket-Version: 8\r\n' }],
  ['no key', '400', { headers: { 'Sec-WebSocket-Key': null } }],
  ['two keys', '400', { more: 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n' }],
  ['a key that is none', '400', { headers: { 'Sec-WebSocket-Key': 'x' } }],
  ['a body', '400', { more: 'Content-Length: 4\r\n', behind: 'abcd' }],
  ['chunks', '400', { more: 'Transfer-Encoding: chunked\r\n', behind: '0\r\n\r\n' }],
  ['no subprotocol', '501', { headers: { 'Sec-WebSocket-Protocol': null } }],
  ['another subprotocol', '501', { headers: { 'Sec-WebSocket-Protocol': 'mqtt' } }],
  ['a subprotocol in capitals', '501', { headers: { 'Sec-WebSocket-Protocol': 'GraphQL-WS' } }],
  ['another one besides', '501', { headers: { 'Sec-WebSocket-Protocol': 'graphql-ws, x' } }],
  ['another one in a second header', '501', { more: 'Sec-WebSocket-Protocol: x\r\n' }],
  ['one twice', '501', { headers: { 'Sec-WebSocket-Protocol': 'graphql-ws, graphql-ws' } }],
  ['an empty one', '501', { headers: { 'Sec-WebSocket-Protocol': 'graphql-ws,,' } }],
  [
    'a request behind it',
    '400',
    { behind: 'POST /plain/destroy HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n' },
  ],
  ['a frame behind it', '400', { behind: '\x81\x00' }],
  [
    'a token that was never issued',
    '401',
    { headers: { Authorization: `Bearer ${new PlainTokens().issue('x')}` } },
  ],
  ['a real credential', '403', { headers: { Authorization: `Bearer ${FOREIGN}` } }],
  ["a real credential in the API's own header", '403', { more: `Plain-Token: ${FOREIGN}\r\n` }],
  ['a real credential in a cookie', '403', { more: `Cookie: session=${FOREIGN}\r\n` }],
])('does not open with %s', async (_story, status, text) => {
  const answer = await raw(opening(text));
  expect(statuses(answer)).toEqual([status]);
  expect(server.handshakes).toEqual([]);
  expect(gateway.recorder.decisions).toEqual([]);
});

it('repeats nothing of a subprotocol that nobody knows: some put a credential there', async () => {
  const offered = `graphql-transport-ws, ${FOREIGN.replaceAll('*', '-')}`;
  const answer = await raw(opening({ headers: { 'Sec-WebSocket-Protocol': offered } }));
  expect(statuses(answer)).toEqual(['501']);
  expect(answer + JSON.stringify(gateway.recorder.events)).not.toContain('Fe26');
});

it('tells of a real credential in the handshake by its fingerprint only', async () => {
  const answer = await raw(opening({ headers: { Authorization: `Bearer ${FOREIGN}` } }));
  expect(answer).toContain('HF_CREDENTIAL_FOREIGN');
  const alarm = gateway.recorder.events.find(({ kind }) => kind === 'foreign-credential');
  expect(alarm?.facts['fingerprint']).toMatch(/^sha256:[0-9a-f]{16}$/);
  expect(answer + JSON.stringify(gateway.recorder.events)).not.toContain(FOREIGN);
});

it('does not open while a request before it is not answered: two answers would be mixed', async () => {
  gateway.recorder.untilDurable = new Promise(() => {});
  const body = '{"query":"mutation{destroy}"}';
  const first =
    `POST /plain/graphql HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${gateway.token}\r\n` +
    `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const answer = await raw(`${first}${opening()}`);
  expect(statuses(answer)).toEqual(['400']);
});

it('lets in no token that has ended', async () => {
  gateway.tokens.end('token_a');
  expect(statuses(await raw(opening()))).toEqual(['401']);
});

it('serves no API that has no GraphQL', async () => {
  const rest = await startHttpGateway(authority);
  try {
    const headers = { Authorization: `Bearer ${rest.token}` };
    const text = opening({ line: 'GET /plain/read HTTP/1.1', headers });
    const answer = await raw(text, rest.port);
    expect(statuses(answer)).toEqual(['501']);
    expect(answer).toContain('HF_UNSUPPORTED');
    expect(rest.server.seen).toEqual([]);
  } finally {
    await rest.close();
  }
});

describe('room', () => {
  const url = (): string => `ws://127.0.0.1:${gateway.port}/plain/graphql`;

  it('is bounded for callers who have not said who they are', async () => {
    const all = Array.from({ length: SOCKETS_NOBODYS_MAX + 1 }, () => new SocketClient(url()));
    const opened = await Promise.all(all.map((one) => one.opened()));
    expect(opened.filter((is) => is)).toHaveLength(SOCKETS_NOBODYS_MAX);
    expect(all.find((one) => one.refused !== null)?.refused?.status).toBe(413);
    for (const one of all) one.socket.terminate();
  });

  it('is bounded for each token, and there again once one has left', async () => {
    const headers = { authorization: `Bearer ${gateway.token}` };
    const enter = async (): Promise<SocketClient> => {
      const client = new SocketClient(url(), { headers });
      await client.opened();
      client.send({ type: 'connection_init' });
      return client;
    };
    const all = await Promise.all(Array.from({ length: SOCKETS_PER_TOKEN_MAX }, enter));
    await Promise.all(all.map((one) => one.until('connection_ack')));
    expect(await (await enter()).closed).toMatchObject({
      code: 4403,
      reason: expect.stringMatching(/HF_LIMIT/),
    });
    const [first] = all;
    first?.socket.close();
    await first?.closed;
    await (await enter()).until('connection_ack');
  });
});
