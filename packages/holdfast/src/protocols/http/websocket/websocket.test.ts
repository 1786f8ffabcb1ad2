/** What an agent may do over a WebSocket, and the ways round it, with real sockets on both sides. */
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../../model/clock.ts';
import {
  SOCKET_IDLE_MS_MAX,
  SOCKET_INIT_MS_MAX,
  SOCKET_MESSAGE_BYTES_MAX,
  SOCKET_MESSAGES_PER_SECOND_MAX,
  SOCKET_OPERATIONS_MAX,
  SOCKET_PING_MS,
} from '../../../model/limits.ts';
import { type GatewayBefore, startGatewayBefore } from '../../../testing/http-gateway.ts';
import { REAL_CREDENTIAL } from '../../../testing/plain-provider.ts';
import { scratchFolder } from '../../../testing/scratch-folder.ts';
import { SocketClient, type SocketClientOptions } from '../../../testing/socket-client.ts';
import { SocketProvider, SocketServer } from '../../../testing/socket-provider.ts';
import { Authority } from '../authority.ts';

const authority = await Authority.load(scratchFolder('authority'), systemClock);
const OLD = 'graphql-ws';
const LARGE = 'x'.repeat(200 * 1024);
let server: SocketServer;
let gateway: GatewayBefore;

beforeEach(async () => {
  server = new SocketServer();
  gateway = await startGatewayBefore(new SocketProvider(await server.start()), authority);
});
afterEach(async () => {
  vi.useRealTimers();
  await gateway.protocol.close();
  await server.stop();
});

const bearer = (): Record<string, string> => ({ authorization: `Bearer ${gateway.token}` });

async function opened(options: SocketClientOptions = {}): Promise<SocketClient> {
  const url = `ws://127.0.0.1:${gateway.port}/plain/graphql`;
  const client = new SocketClient(url, { headers: bearer(), ...options });
  expect(await client.opened()).toBe(true);
  return client;
}

async function acked(options: SocketClientOptions = {}): Promise<SocketClient> {
  const client = await opened(options);
  client.send({ type: 'connection_init' });
  await client.until('connection_ack');
  return client;
}

const start = (id: string, query: string, more: object = {}): object => ({
  id,
  type: 'subscribe',
  payload: { query, ...more },
});
const kinds = (): readonly string[] => gateway.recorder.events.map(({ kind }) => kind);

describe('ordinary work', () => {
  it('passes a query, records it like a read, and puts the real credential on', async () => {
    const client = await acked({ headers: { ...bearer(), 'x-kept': '1', 'x-forwarded-for': '1' } });
    client.send(start('a', '{ n }'));
    expect(JSON.parse(await client.until('"next"'))).toEqual({
      id: 'a',
      type: 'next',
      payload: { data: { n: 1 } },
    });
    expect(JSON.parse(await client.until('"complete"'))).toEqual({ id: 'a', type: 'complete' });
    expect(gateway.recorder.reads).toEqual(['POST /graphql\n{"query":"{ n }"}']);
    expect(kinds()).toContain('session-opened');
    const [headers = {}] = server.handshakes;
    expect(headers).toMatchObject({
      authorization: `Bearer ${REAL_CREDENTIAL}`,
      'x-kept': '1',
      'sec-websocket-protocol': 'graphql-transport-ws',
    });
    expect(Object.keys(headers)).not.toContain('x-forwarded-for');
    expect(Object.keys(headers)).not.toContain('sec-websocket-extensions');
    expect(server.heard[0]).toBe('{"type":"connection_init"}');
    expect(JSON.stringify([headers, server.heard])).not.toContain(gateway.token);
  });

  it('passes the older subprotocol, whose clients do not wait for the acknowledgement', async () => {
    const client = await opened({ protocols: OLD });
    client.send(
      { type: 'connection_init', payload: {} },
      { id: '1', type: 'start', payload: { query: '{ n }' } },
    );
    expect(JSON.parse(await client.until('"data"'))).toMatchObject({ id: '1', type: 'data' });
    await client.until('"complete"');
    expect(server.handshakes[0]?.['sec-websocket-protocol']).toBe(OLD);
    client.send({ type: 'connection_terminate' });
    expect(await client.closed).toMatchObject({ code: 1000 });
  });

  it.each([
    ['Authorization', (token: string) => ({ Authorization: `Bearer ${token}` })],
    ['authorization', (token: string) => ({ authorization: token })],
    ["the API's own header", (token: string) => ({ 'Plain-Token': token })],
    [
      'headers, a level deeper',
      (token: string) => ({ headers: { Authorization: `Bearer ${token}` } }),
    ],
    ['authToken', (token: string) => ({ authToken: token })],
  ])('takes the token from connection_init: %s', async (_story, payload) => {
    const client = await opened({ headers: {} });
    client.send({ type: 'connection_init', payload: { ...payload(gateway.token), other: 'x' } });
    await client.until('connection_ack');
    client.send(start('a', 'subscription { n }'));
    await client.until('"next"');
    // Nothing of the payload is sent on: nobody could say what it means there.
    expect(server.heard[0]).toBe('{"type":"connection_init"}');
    expect(server.handshakes[0]?.authorization).toBe(`Bearer ${REAL_CREDENTIAL}`);
  });

  it('sends on what was judged, to the letter', async () => {
    const client = await acked();
    const payload =
      '{ "query" : "query Q($a: Int) { n(a: $a) }" ,"variables":{"a":12345678901234567890}}';
    client.send(`{"payload":${payload},"id":"a","type":"subscribe"}`);
    await client.until('"next"');
    expect(server.operations).toEqual([`{"id":"1","type":"subscribe","payload":${payload}}`]);
    expect(gateway.recorder.reads).toEqual([`POST /graphql\n${payload}`]);
  });

  it('answers pings by itself, and ends what the agent ends', async () => {
    const client = await acked();
    server.answer = () => {};
    client.send({ type: 'ping', payload: { x: 1 } }, start('a', 'subscription { n }'));
    expect(await client.until('pong')).toBe('{"type":"pong"}');
    await vi.waitFor(() => expect(server.operations).toHaveLength(1));
    client.send({ id: 'a', type: 'complete' }, { id: 'never', type: 'complete' });
    await vi.waitFor(() => expect(server.heard.at(-1)).toBe('{"id":"1","type":"complete"}'));
    // An id is free again once its operation has ended, and late answers to that one go nowhere.
    client.send(start('a', 'subscription { m }'));
    await vi.waitFor(() => expect(server.operations).toHaveLength(2));
    server.sockets[0]?.send('{"id":"1","type":"next","payload":{"data":"late"}}');
    server.sockets[0]?.send('{"id":"2","type":"next","payload":{"data":"right"}}');
    await client.until('right');
    expect(client.heard.join()).not.toContain('late');
  });
});

const HELD = 'hold_0000000000000000';

describe('policy', () => {
  it('holds a query that hands out a secret, and lets it pass once approved', async () => {
    const client = await acked();
    client.send(start('a', '{ secret }'));
    const { id, type, payload } = JSON.parse(await client.until(HELD));
    expect({ id, type }).toEqual({ id: 'a', type: 'error' });
    expect(payload[0].extensions.code).toBe('HF_HELD');
    expect(server.operations).toEqual([]);
    gateway.desk.standing = 'signed';
    client.send(start('a', '{ secret }'));
    await client.until('"complete"');
    expect(server.operations).toHaveLength(1);
    expect(gateway.recorder.outcomes.map(({ outcome }) => outcome.kind)).toEqual([
      'not-forwarded',
      'done',
    ]);
  });

  it('gives a hold to the older subprotocol as one error', async () => {
    const client = await opened({ protocols: OLD });
    client.send(
      { type: 'connection_init' },
      { id: '1', type: 'start', payload: { query: '{secret}' } },
    );
    expect(JSON.parse(await client.until(HELD)).payload.extensions.code).toBe('HF_HELD');
  });

  it.each([
    ['fails', '{"id":"1","type":"error","payload":[{"message":"no"}]}', 'failed'],
    ['completes without an event', '{"id":"1","type":"complete"}', 'done'],
    ['says nonsense', 'x', 'unknown'],
    ['speaks of another operation', '{"id":"7","type":"next","payload":{}}', 'unknown'],
    ['goes away', null, 'unknown'],
  ])('records one outcome when the provider %s', async (_story, text, outcome) => {
    gateway.desk.standing = 'signed';
    server.answer = (socket) => {
      if (text === null) socket.terminate();
      else socket.send(text);
    };
    const client = await acked();
    client.send(start('a', '{ secret }'));
    await vi.waitFor(() => expect(server.operations).toHaveLength(1));
    if (text?.includes('"7"') === true) client.send({ id: 'a', type: 'complete' });
    await vi.waitFor(() => expect(gateway.recorder.outcomes).toHaveLength(1));
    expect(gateway.recorder.outcomes[0]?.outcome.kind).toBe(outcome);
  });

  it('sends nothing on that could not be recorded', async () => {
    gateway.recorder.isLost = true;
    const client = await acked();
    client.send(start('a', '{ n }'));
    expect(await client.until('"error"')).toContain('HF_TRAIL_UNAVAILABLE');
    expect(server.operations).toEqual([]);
  });
});

describe('mutations', () => {
  it.each<readonly [story: string, payload: object]>([
    ['plain', { query: 'mutation { volumeDelete(volumeId: "1") }' }],
    ['under an alias', { query: 'mutation { n: volumeDelete(volumeId: "1") }' }],
    ['in a fragment', { query: 'mutation { ...F } fragment F on Mutation { volumeDelete }' }],
    ['in an inline fragment', { query: 'mutation { ... on Mutation { volumeDelete } }' }],
    [
      'picked by its name',
      { query: 'query A { n } mutation B { volumeDelete }', operationName: 'B' },
    ],
    ['left out by a directive', { query: 'mutation { volumeDelete @skip(if: true) }' }],
    [
      'by a variable',
      { query: 'mutation M($v: String!) { volumeDelete(volumeId: $v) }', variables: { v: '1' } },
    ],
    ['behind a comment', { query: '# query { n }\nmutation { volumeDelete }' }],
    ['behind a byte order mark', { query: '\ufeffmutation { volumeDelete }' }],
    ['that does nothing', { query: 'mutation { __typename }' }],
  ])('are refused %s', async (_story, payload) => {
    const client = await acked();
    client.send({ id: 'a', type: 'subscribe', payload });
    const { type, payload: errors } = JSON.parse(await client.until('"id":"a"'));
    expect(type).toBe('error');
    expect(errors[0].extensions).toMatchObject({ code: 'HF_UNSUPPORTED' });
    expect(errors[0].extensions.hint).toContain('POST /graphql');
    expect(server.operations).toEqual([]);
    // The connection goes on: one answer was no.
    client.send(start('b', '{ n }'));
    await client.until('"next"');
  });

  it.each<readonly [story: string, payload: object]>([
    ['one of two operations, without its name', { query: 'query A { n } mutation B { x }' }],
    ['an operation that is not there', { query: 'query A { n }', operationName: 'B' }],
    [
      'a hash instead of a text',
      { extensions: { persistedQuery: { version: 1, sha256Hash: 'x' } } },
    ],
    [
      'a hash of another text',
      { query: '{ n }', extensions: { persistedQuery: { sha256Hash: 'x' } } },
    ],
    ['an id instead of a text', { id: '1', query: '{ n }' }],
    ['a directive nobody knows', { query: '{ n @mutate }' }],
    ['no text', {}],
    ['no GraphQL', { query: 'mutation' }],
    ['a definition of types', { query: '{ n } extend type Query { m: Int }' }],
  ])('might be, and so are refused: %s', async (_story, payload) => {
    const client = await acked();
    client.send({ id: 'a', type: 'subscribe', payload });
    const error = JSON.parse(await client.until('"error"'));
    expect(error.payload[0].extensions.code).toMatch(/^HF_(UNSUPPORTED|SYNTAX)$/);
    expect(server.operations).toEqual([]);
    expect(kinds()).toContain('session-refused');
  });

  it('are refused in the older subprotocol, too', async () => {
    const client = await opened({ protocols: OLD });
    client.send(
      { type: 'connection_init' },
      { id: '1', type: 'start', payload: { query: 'mutation { x }' } },
    );
    expect(JSON.parse(await client.until('"error"')).payload.extensions.code).toBe(
      'HF_UNSUPPORTED',
    );
    expect(server.operations).toEqual([]);
  });
});

describe('what is no message of the subprotocol ends the connection', () => {
  it.each<readonly [story: string, text: string, code: number]>([
    ['no JSON', 'x', 4400],
    ['nothing', '', 4400],
    ['two messages in one', '{"type":"ping"}{"type":"ping"}', 4400],
    ['a list', '[{"type":"ping"}]', 4400],
    ['a word of nobody', '{"type":"mutate"}', 4400],
    [
      'a word of the other subprotocol',
      '{"id":"a","type":"start","payload":{"query":"{n}"}}',
      4400,
    ],
    ['a word of the server', '{"id":"a","type":"next","payload":{}}', 4400],
    ['a key twice', '{"type":"ping","type":"subscribe","id":"a","payload":{"query":"{n}"}}', 4400],
    [
      'the payload twice',
      '{"type":"subscribe","id":"a","payload":{"query":"{n}"},"payload":{"query":"mutation{x}"}}',
      4400,
    ],
    [
      'the query twice',
      '{"type":"subscribe","id":"a","payload":{"query":"{n}","query":"mutation{x}"}}',
      4400,
    ],
    [
      'the query twice, once escaped',
      '{"type":"subscribe","id":"a","payload":{"query":"{n}","qu\\u0065ry":"mutation{x}"}}',
      4400,
    ],
    [
      'a key nobody knows',
      '{"type":"subscribe","id":"a","payload":{"query":"{n}"},"query":"mutation{x}"}',
      4400,
    ],
    [
      'a payload that is a list',
      '{"type":"subscribe","id":"a","payload":[{"query":"mutation{x}"}]}',
      4400,
    ],
    [
      'a payload that is text',
      '{"type":"subscribe","id":"a","payload":"{\\"query\\":\\"{n}\\"}"}',
      4400,
    ],
    ['no payload', '{"type":"subscribe","id":"a"}', 4400],
    ['no id', '{"type":"subscribe","payload":{"query":"{n}"}}', 4400],
    ['an empty id', '{"type":"subscribe","id":"","payload":{"query":"{n}"}}', 4400],
    ['a number for an id', '{"type":"subscribe","id":1,"payload":{"query":"{n}"}}', 4400],
    ['a long id', `{"type":"subscribe","id":"${'a'.repeat(129)}","payload":{"query":"{n}"}}`, 4400],
    ['too many levels', `{"type":"ping","payload":${'['.repeat(100)}${']'.repeat(100)}}`, 4400],
    ['a byte order mark', '\ufeff{"type":"ping"}', 4400],
    [
      'too large a message',
      JSON.stringify({ type: 'ping', payload: 'a'.repeat(SOCKET_MESSAGE_BYTES_MAX) }),
      1009,
    ],
  ])('%s', async (_story, text, code) => {
    const client = await acked();
    client.send(text);
    client.send(start('b', '{ n }'));
    expect(await client.closed).toMatchObject({ code });
    expect(server.operations).toEqual([]);
    expect(gateway.recorder.reads).toEqual([]);
  });

  it.each([
    ['a binary message', 'binary', 1003],
    ['text that is no UTF-8', 'utf8', 1007],
    ['a packed frame', 'rsv1', 1002],
    ['an unmasked frame', 'unmasked', 1002],
    ['a frame nobody knows', 'opcode', 1002],
    ['a continuation of nothing', 'continuation', 1002],
    ['a request', 'request', 1002],
  ])('%s', async (_story, kind, code) => {
    const message = Buffer.from(JSON.stringify(start('a', '{ n }')));
    const frames: Readonly<Record<string, Buffer>> = {
      binary: frame(0x82, message),
      utf8: frame(0x81, Buffer.concat([message, Buffer.from([0xff])])),
      rsv1: frame(0xc1, message),
      unmasked: Buffer.concat([Buffer.from([0x81, message.length]), message]),
      opcode: frame(0x83, message),
      continuation: frame(0x80, message),
      request: Buffer.from('POST /plain/destroy HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n'),
    };
    const init = frame(0x81, Buffer.from('{"type":"connection_init"}'));
    const answer = await bytes([init, frames[kind] ?? Buffer.alloc(0)]);
    expect(answer).toMatchObject({ code });
    expect(server.operations).toEqual([]);
    expect(kinds()).toContain('protocol-error');
  });

  it('and a credential that came as a message is repeated nowhere', async () => {
    const client = await acked();
    client.send('rw_Fe26_found_in_a_file');
    const { reason } = await client.closed;
    expect(reason + JSON.stringify(gateway.recorder.events)).not.toContain('Fe26');
  });

  it('but a message may come in many frames, and is judged whole', async () => {
    const client = await acked();
    const text = JSON.stringify(start('a', 'mutation { volumeDelete }'));
    const at = text.indexOf('mutation') + 3;
    client.socket.send(text.slice(0, at), { fin: false });
    client.socket.ping();
    client.socket.send(text.slice(at), { fin: true });
    expect(await client.until('"error"')).toContain('HF_UNSUPPORTED');
    expect(server.operations).toEqual([]);
  });
});

describe('connection_init', () => {
  const FOREIGN = 'rw_Fe26.2**0123456789abcdef';

  it.each<readonly [story: string, payload: (token: string) => object]>([
    ['Authorization', () => ({ Authorization: `Bearer ${FOREIGN}` })],
    ["the API's own header, in capitals", () => ({ 'PLAIN-TOKEN': FOREIGN })],
    ['a level deeper', () => ({ context: { headers: [{ authorization: FOREIGN }] } })],
    ['behind the right one', (token) => ({ Authorization: token, 'x-api-key': FOREIGN })],
    ['in a list with the right one', (token) => ({ authorization: [token, FOREIGN] })],
    ['under a key below one that names it', () => ({ token: { value: FOREIGN } })],
  ])(
    'refuses a real credential in %s, and tells of it by its fingerprint',
    async (_story, payload) => {
      const client = await opened();
      client.send({ type: 'connection_init', payload: payload(gateway.token) });
      const closed = await client.closed;
      expect(closed).toMatchObject({ code: 4403 });
      expect(closed.reason).toContain('HF_CREDENTIAL_FOREIGN');
      const alarm = gateway.recorder.events.find(({ kind }) => kind === 'foreign-credential');
      expect(alarm?.facts['header']).toContain('connection_init.');
      expect(alarm?.facts['fingerprint']).toMatch(/^sha256:[0-9a-f]{16}$/);
      expect(JSON.stringify(gateway.recorder.events)).not.toContain(FOREIGN);
      expect(server.handshakes).toEqual([]);
    },
  );

  it.each<readonly [story: string, second: (token: string) => object, code: number]>([
    ['the same', () => ({ type: 'connection_init' }), 4429],
    ['another token', (token) => ({ type: 'connection_init', payload: { token } }), 4403],
  ])('comes once, with %s or not', async (_story, second, code) => {
    const client = await acked();
    client.send(second(gateway.tokens.issue('token_b')), start('a', '{ n }'));
    expect(await client.closed).toMatchObject({ code });
    expect(server.operations).toEqual([]);
  });

  it('names nobody: no connection to the provider is made', async () => {
    const client = await opened({ headers: {} });
    client.send({ type: 'connection_init', payload: { Authorization: '' } });
    expect(await client.closed).toMatchObject({
      code: 4403,
      reason: expect.stringMatching(/HF_AUTH_FAILED/),
    });
    expect(server.handshakes).toEqual([]);
  });

  it.each([
    ['before it', []],
    ['before it is acknowledged', [{ type: 'connection_init' }]],
  ])('nothing runs %s', async (_story, before) => {
    const client = await opened();
    client.send(...before, start('a', '{ n }'));
    expect(await client.closed).toMatchObject({ code: 4401 });
    expect(server.operations).toEqual([]);
  });

  it('does not come for ever', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
    const client = await opened({ headers: {} });
    await vi.advanceTimersByTimeAsync(SOCKET_INIT_MS_MAX);
    expect(await client.closed).toMatchObject({ code: 4408 });
  });

  it.each<readonly [story: string, ack: string | null]>([
    ['says no', '{"type":"connection_error"}'],
    ['says something else', '{"id":"1","type":"next","payload":{}}'],
    ['says no JSON', 'x'],
  ])('ends it when the provider %s', async (_story, ack) => {
    server.ack = ack;
    const client = await opened();
    client.send({ type: 'connection_init' });
    expect(await client.closed).toMatchObject({
      code: 1014,
      reason: expect.stringMatching(/HF_UPSTREAM_UNREACHABLE/),
    });
  });

  it('ends it when there is no provider', async () => {
    await server.stop();
    const client = await opened();
    client.send({ type: 'connection_init' });
    expect(await client.closed).toMatchObject({
      code: 1014,
      reason: expect.stringMatching(/HF_UPSTREAM_UNREACHABLE/),
    });
  });
});

describe('limits', () => {
  it('an id is taken while its operation is open, or being judged', async () => {
    server.answer = () => {};
    const client = await acked();
    client.send(start('a', 'subscription { n }'), start('a', 'subscription { m }'));
    expect(await client.closed).toMatchObject({ code: 4409 });
    expect(server.operations).toHaveLength(1);
  });

  it('no more operations are open than may be, held ones among them', async () => {
    server.answer = () => {};
    const client = await acked();
    for (let at = 0; at <= SOCKET_OPERATIONS_MAX; at += 1) client.send(start(`${at}`, '{ n }'));
    const refused = JSON.parse(await client.until('HF_LIMIT'));
    expect(refused).toMatchObject({ id: `${SOCKET_OPERATIONS_MAX}`, type: 'error' });
    expect(server.operations).toHaveLength(SOCKET_OPERATIONS_MAX);
  });

  it('judged operations count until they are judged, although the agent has ended them', async () => {
    gateway.recorder.untilDurable = new Promise(() => {});
    const client = await acked();
    for (let at = 0; at <= SOCKET_OPERATIONS_MAX; at += 1) {
      client.send(start('a', '{ secret }'), { id: 'a', type: 'complete' });
    }
    expect(await client.until('HF_LIMIT')).toContain('"a"');
    expect(gateway.recorder.decisions).toHaveLength(SOCKET_OPERATIONS_MAX);
  });

  it('takes so many messages a second, and the rest after it', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
    const client = await acked();
    const count = SOCKET_MESSAGES_PER_SECOND_MAX + 10;
    client.send(...Array.from({ length: count }, () => ({ type: 'ping' })));
    const pongs = (): number => client.heard.filter((text) => text.includes('pong')).length;
    await vi.waitFor(() => expect(pongs()).toBe(SOCKET_MESSAGES_PER_SECOND_MAX - 1));
    await vi.advanceTimersByTimeAsync(1_000);
    await vi.waitFor(() => expect(pongs()).toBe(count));
  });

  it('is ended when nothing was asked for a long time', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const client = await acked();
    for (let ms = 0; ms < SOCKET_IDLE_MS_MAX; ms += SOCKET_PING_MS) {
      await vi.advanceTimersByTimeAsync(SOCKET_PING_MS);
      // Once this is answered, so is what the gateway asked before it.
      const answered = new Promise((done) => client.socket.once('pong', done));
      if (client.socket.readyState === client.socket.OPEN) client.socket.ping();
      await Promise.race([answered, client.closed]);
    }
    expect(await client.closed).toMatchObject({ code: 1000 });
  });

  it('is ended when the agent gives no sign of life', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const client = await acked({ more: { autoPong: false } });
    await vi.advanceTimersByTimeAsync(2 * SOCKET_PING_MS);
    expect(await client.closed).toMatchObject({ code: 1001 });
  });

  it('is ended when the provider gives no sign of life', async () => {
    const deaf = new SocketServer(true);
    const other = await startGatewayBefore(new SocketProvider(await deaf.start()), authority);
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const headers = { authorization: `Bearer ${other.token}` };
    const client = new SocketClient(`ws://127.0.0.1:${other.port}/plain/graphql`, { headers });
    await client.opened();
    client.send({ type: 'connection_init' });
    await client.until('connection_ack');
    await vi.advanceTimersByTimeAsync(SOCKET_PING_MS);
    // The agent answers meanwhile; the provider does not.
    client.send({ type: 'ping' });
    await client.until('pong');
    await vi.advanceTimersByTimeAsync(SOCKET_PING_MS);
    expect(await client.closed).toMatchObject({ code: 1014 });
    await other.protocol.close();
    await deaf.stop();
  });

  it('reads nothing more from the agent while the provider takes nothing', async () => {
    server.answer = () => {};
    const client = await acked();
    const [far] = server.sockets;
    far?.pause();
    const count = SOCKET_OPERATIONS_MAX;
    for (let at = 0; at < count; at += 1) {
      client.send(start(`${at}`, 'query Q($a: String) { n(a: $a) }', { variables: { a: LARGE } }));
    }
    // Until the kernel's buffers are full, and it stands still.
    const { reads } = gateway.recorder;
    let before = -1;
    while (reads.length !== before) {
      before = reads.length;
      await new Promise((done) => setTimeout(done, 1_000));
    }
    expect(reads.length).toBeLessThan(count);
    far?.resume();
    await vi.waitFor(() => expect(server.operations).toHaveLength(count), 20_000);
  }, 60_000);

  it('reads nothing more from the provider while the agent takes nothing', async () => {
    let sent = 0;
    server.answer = (socket, id) => {
      const more = (): void => {
        if (socket.readyState !== 1 || sent >= 2_000) return;
        sent += 1;
        const payload = { data: 'x'.repeat(64 * 1024) };
        socket.send(JSON.stringify({ id, type: 'next', payload }), more);
      };
      more();
    };
    const client = await acked();
    client.socket.pause();
    client.send(start('a', 'subscription { n }'));
    // Until the kernel's buffers and ours are full, and it stands still.
    let before = -1;
    while (sent !== before) {
      before = sent;
      await new Promise((done) => setTimeout(done, 300));
    }
    expect(sent).toBeLessThan(2_000);
    client.socket.resume();
    await vi.waitFor(() => expect(sent).toBe(2_000), 20_000);
    await vi.waitFor(() => expect(client.heard).toHaveLength(2_001), 20_000);
  }, 60_000);
});

describe('the end', () => {
  it.each(['endSessions', 'lookAgain'] as const)('comes with the token: %s', async (how) => {
    server.answer = () => {};
    const client = await acked();
    client.send(start('a', 'subscription { n }'));
    await vi.waitFor(() => expect(server.operations).toHaveLength(1));
    const gone = new Promise((done) => server.sockets[0]?.once('close', done));
    gateway.tokens.end('token_a');
    if (how === 'lookAgain') gateway.protocol.lookAgain();
    else {
      const match = { tokenId: 'token_a', reason: 'HF_TOKEN_REVOKED' } as const;
      expect(gateway.protocol.endSessions(match)).toBe(1);
    }
    expect(await client.closed).toMatchObject({ code: 4403 });
    await gone;
    await vi.waitFor(() => expect(kinds()).toContain('session-closed'));
  });

  it('comes with the first message behind a revocation that nobody has told of yet', async () => {
    const client = await acked();
    gateway.tokens.end('token_a');
    client.send(start('a', '{ n }'));
    expect(await client.closed).toMatchObject({ code: 4403 });
    expect(server.operations).toEqual([]);
  });

  it('comes before what was approved while the token ended', async () => {
    let durable = (): void => {};
    gateway.recorder.untilDurable = new Promise((done) => {
      durable = done;
    });
    gateway.desk.standing = 'signed';
    const client = await acked();
    client.send(start('a', '{ secret }'));
    await vi.waitFor(() => expect(gateway.recorder.decisions).toHaveLength(1));
    gateway.tokens.end('token_a');
    durable();
    await client.closed;
    expect(server.operations).toEqual([]);
    expect(gateway.recorder.outcomes.map(({ outcome }) => outcome.kind)).toEqual(['not-forwarded']);
  });

  it('comes with the gateway, for both sides', async () => {
    const [client, nobody] = [await acked(), await opened({ headers: {} })];
    const gone = new Promise((done) => server.sockets[0]?.once('close', done));
    await gateway.protocol.close();
    await Promise.all([client.closed, nobody.closed, gone]);
  });

  it('comes with the agent, for the provider', async () => {
    const client = await acked();
    const gone = new Promise((done) => server.sockets[0]?.once('close', done));
    client.socket.terminate();
    await gone;
  });

  it('comes with the provider, with its own code', async () => {
    const client = await acked();
    server.sockets[0]?.close(4999, 'maintenance');
    expect(await client.closed).toMatchObject({
      code: 4999,
      reason: expect.stringMatching(/maintenance/),
    });
  });
});

/** A frame of a client (RFC 6455 section 5.2), under a mask of zeros: the bytes are the bytes. */
function frame(first: number, payload: Buffer): Buffer {
  const length =
    payload.length < 126
      ? [0x80 | payload.length]
      : [0x80 | 126, payload.length >> 8, payload.length & 255];
  return Buffer.concat([Buffer.from([first, ...length, 0, 0, 0, 0]), payload]);
}

/** Sends bytes after a handshake, and gives the code that the gateway closed with. */
function bytes(parts: readonly Buffer[]): Promise<{ readonly code: number }> {
  return new Promise((done) => {
    const socket = connect(gateway.port, '127.0.0.1');
    let answer = Buffer.alloc(0);
    let sent = 0;
    socket.write(
      'GET /plain/graphql HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n' +
        `Sec-WebSocket-Protocol: graphql-transport-ws\r\nAuthorization: Bearer ${gateway.token}\r\n\r\n`,
    );
    socket.on('data', (chunk) => {
      answer = Buffer.concat([answer, chunk]);
      // Each part waits for an answer to the one before.
      const part = parts[sent];
      if (part !== undefined) socket.write(part);
      sent += 1;
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      const at = answer.lastIndexOf(0x88);
      done({ code: at < 0 ? 0 : answer.readUInt16BE(at + 2) });
    });
  });
}
