/** WebSockets inside a tunnel (wss), and what is not offered there: HTTP/2's own way (RFC 8441). */
import { readFileSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { systemClock } from '../../../model/clock.ts';
import { type GatewayBefore, startGatewayBefore } from '../../../testing/http-gateway.ts';
import { REAL_CREDENTIAL } from '../../../testing/plain-provider.ts';
import { scratchFolder } from '../../../testing/scratch-folder.ts';
import { SocketClient } from '../../../testing/socket-client.ts';
import { SocketProvider, SocketServer } from '../../../testing/socket-provider.ts';
import { Authority } from '../authority.ts';

const HOST = 'api.plain.test';
const authority = await Authority.load(scratchFolder('authority'), systemClock);
const ca = readFileSync(authority.certificateFile);
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

async function tunnel(alpn: string): Promise<TLSSocket> {
  const socket = connect(gateway.port, '127.0.0.1');
  socket.write(`CONNECT ${HOST}:443 HTTP/1.1\r\nHost: ${HOST}:443\r\n\r\n`);
  await new Promise((done) => socket.once('data', done));
  const tls = connectTls({ socket, servername: HOST, ca, ALPNProtocols: [alpn] });
  tls.on('error', () => {});
  await new Promise((done) => tls.once('secureConnect', done));
  return tls;
}

async function opened(path: string, secret = gateway.token): Promise<SocketClient> {
  const tls = await tunnel('http/1.1');
  const headers = { authorization: `Bearer ${secret}` };
  const more = { createConnection: () => tls };
  const client = new SocketClient(`wss://${HOST}${path}`, { headers, more });
  await client.opened();
  return client;
}

it('are served by the path of the provider’s own host, and judged', async () => {
  const client = await opened('/graphql');
  client.send({ type: 'connection_init' });
  await client.until('connection_ack');
  client.send(
    { id: 'a', type: 'subscribe', payload: { query: 'mutation { volumeDelete }' } },
    { id: 'b', type: 'subscribe', payload: { query: '{ n }' } },
  );
  expect(await client.until('"id":"a"')).toContain('HF_UNSUPPORTED');
  await client.until('"id":"b"', '"next"');
  expect(server.operations).toHaveLength(1);
  expect(server.handshakes[0]?.authorization).toBe(`Bearer ${REAL_CREDENTIAL}`);
});

it('end with the token, and with the gateway', async () => {
  const [one, other] = [await opened('/graphql'), await opened('/graphql')];
  const match = { tokenId: 'token_a', reason: 'HF_TOKEN_REVOKED' } as const;
  expect(gateway.protocol.endSessions(match)).toBe(2);
  expect(await one.closed).toMatchObject({ code: 4403 });
  await other.closed;
  const third = await opened('/graphql');
  await gateway.protocol.close();
  await third.closed;
});

it.each([
  ['another path', '/plain/graphql', null, 501],
  ['a real credential', '/graphql', 'rw_found_in_a_file', 403],
])('are not opened for %s', async (_story, path, secret, status) => {
  const client = await opened(path, secret ?? gateway.token);
  await client.closed;
  expect(client.refused?.status).toBe(status);
  expect(server.handshakes).toEqual([]);
});

it('are not opened over HTTP/2', async () => {
  const tls = await tunnel('h2');
  expect(tls.alpnProtocol).toBe('h2');
  const session = connectHttp2(`https://${HOST}`, { createConnection: () => tls });
  session.on('error', () => {});
  await new Promise((done) => session.once('remoteSettings', done));
  expect(session.remoteSettings.enableConnectProtocol).not.toBe(true);
  const stream = session.request({
    ':method': 'CONNECT',
    ':protocol': 'websocket',
    ':path': '/graphql',
    ':scheme': 'https',
    'sec-websocket-version': '13',
    'sec-websocket-protocol': 'graphql-transport-ws',
    authorization: `Bearer ${gateway.token}`,
  });
  const statuses: unknown[] = [];
  stream.on('response', (headers) => statuses.push(headers[':status']));
  stream.on('error', () => {});
  await new Promise((done) => stream.once('close', done));
  expect(statuses.filter((one) => one === 200)).toEqual([]);
  expect(server.handshakes).toEqual([]);
  session.destroy();
  await vi.waitFor(() => expect(tls.destroyed).toBe(true));
});
