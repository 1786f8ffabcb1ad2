/** The forward proxy, with real TLS clients: what can be looked into, and what cannot be reached at all. */
import { readFileSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../../model/clock.ts';
import type { FakeRecorder } from '../../testing/fake-parts.ts';
import { type HttpGateway, startHttpGateway } from '../../testing/http-gateway.ts';
import { type PlainServer, REAL_CREDENTIAL } from '../../testing/plain-provider.ts';
import { scratchFolder } from '../../testing/scratch-folder.ts';
import { Authority } from './authority.ts';

const authority = await Authority.load(scratchFolder('authority'), systemClock);
const ca = readFileSync(authority.certificateFile);
let server: PlainServer;
let gateway: HttpGateway;
let recorder: FakeRecorder;
let token: string;
let port: number;

beforeEach(async () => {
  gateway = await startHttpGateway(authority, ['allowed.test']);
  ({ server, recorder, token, port } = gateway);
});
afterEach(() => gateway.close());

/** The first line that the proxy answers, and the socket behind it. */
async function tunnel(host: string, headers = ''): Promise<{ line: string; socket: Socket }> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(`CONNECT ${host} HTTP/1.1\r\nHost: ${host}\r\n${headers}\r\n`);
  const answer = await new Promise<string>((done) => {
    socket.once('data', (chunk: Buffer) => done(chunk.toString()));
    socket.once('close', () => done(''));
  });
  return { line: answer.split('\r\n')[0] ?? '', socket };
}

async function secured(host: string, servername: string, alpn: string): Promise<TLSSocket> {
  const { line, socket } = await tunnel(host);
  expect(line).toContain('200');
  // That it names another than the one we show is what some of these are about.
  const checkServerIdentity = (): undefined => undefined;
  const options = { socket, servername, ca, ALPNProtocols: [alpn], checkServerIdentity };
  const tls = connectTls(options);
  tls.on('error', () => {});
  await new Promise<void>((done) => {
    tls.once('secureConnect', done);
    tls.once('close', () => done());
  });
  return tls;
}

async function ask(tls: TLSSocket, method: string, path: string, host: string): Promise<string> {
  tls.write(
    `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
  );
  let answer = '';
  for await (const chunk of tls) answer += String(chunk);
  return answer;
}

it.each([
  ['by its name', 'api.plain.test:443', 'api.plain.test'],
  ['by its old name', 'api.old-plain.test:443', 'api.old-plain.test'],
  ['in capitals, with a dot at the end', 'API.Plain.Test.:443', 'api.plain.test'],
])('looks into a tunnel to a provider %s', async (_story, host, name) => {
  const tls = await secured(host, name, 'http/1.1');
  expect(await ask(tls, 'POST', '/change', `${name}:443`)).toContain('"changes":1');
  expect(server.seen[0]?.headers.authorization).toBe(`Bearer ${REAL_CREDENTIAL}`);
  const held = await ask(await secured(host, name, 'http/1.1'), 'POST', '/destroy', name);
  expect(held).toContain('hold_0000000000000000');
  expect(server.changes).toBe(1);
});

it('looks into HTTP/2 as well', async () => {
  const tls = await secured('api.plain.test:443', 'api.plain.test', 'h2');
  expect(tls.alpnProtocol).toBe('h2');
  const session = connectHttp2('https://api.plain.test', { createConnection: () => tls });
  const go = (method: string, path: string): Promise<string> =>
    new Promise((done, fail) => {
      const stream = session.request({
        ':method': method,
        ':path': path,
        authorization: `Bearer ${token}`,
      });
      let text = '';
      stream.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      stream.on('end', () => done(text));
      stream.on('error', fail);
      stream.end();
    });
  const [changed, held] = await Promise.all([go('POST', '/change'), go('POST', '/destroy')]);
  expect(changed).toContain('"changes":1');
  expect(held).toContain('hold_0000000000000000');
  expect(server.changes).toBe(1);
  session.destroy();
});

it('does not overtake the body of a request that it refuses: a client of HTTP/2 would see a reset', async () => {
  const tls = await secured('api.plain.test:443', 'api.plain.test', 'h2');
  const session = connectHttp2('https://api.plain.test', { createConnection: () => tls });
  for (let count = 0; count < 20; count += 1) {
    const stream = session.request({
      ':method': 'POST',
      ':path': '/destroy',
      authorization: 'Bearer rw_found_in_a_file',
    });
    stream.write('{"the first":');
    await new Promise((done) => setTimeout(done, 5));
    stream.end(' "and the rest"}');
    let text = '';
    for await (const chunk of stream) text += String(chunk);
    expect(text).toContain('A credential that is not');
    expect(stream.rstCode).toBe(0);
  }
  expect(server.seen).toEqual([]);
  session.destroy();
});

it('refuses a real credential in a tunnel, and sends nothing on', async () => {
  const tls = await secured('api.plain.test:443', 'api.plain.test', 'http/1.1');
  tls.write(
    'POST /destroy HTTP/1.1\r\nHost: api.plain.test\r\nAuthorization: Bearer rw_found_in_a_file\r\nContent-Length: 0\r\nConnection: close\r\n\r\n',
  );
  let answer = '';
  for await (const chunk of tls) answer += String(chunk);
  expect(answer).toContain('HF_CREDENTIAL_FOREIGN');
  expect(server.seen).toEqual([]);
  expect(recorder.events.map(({ kind }) => kind)).toContain('foreign-credential');
});

it.each([
  ['another host inside', 'other.test', '400'],
  ['the other name of the same provider', 'api.old-plain.test', '400'],
  ['two hosts', 'api.plain.test\r\nHost: api.plain.test', '400'],
])('does not serve %s', async (_story, host, status) => {
  const tls = await secured('api.plain.test:443', 'api.plain.test', 'http/1.1');
  expect(await ask(tls, 'POST', '/change', host)).toContain(`HTTP/1.1 ${status}`);
  expect(server.seen).toEqual([]);
});

it('ends a tunnel whose handshake names another host', async () => {
  const tls = await secured('api.plain.test:443', 'other.test', 'http/1.1');
  tls.write('GET /read HTTP/1.1\r\nHost: api.plain.test\r\n\r\n');
  let answer = '';
  for await (const chunk of tls) answer += String(chunk);
  expect(answer).toBe('');
  expect(server.seen).toEqual([]);
});

it.each([
  ['a host that is not declared', 'example.test:443', '404'],
  ['a host that only ends like a provider', 'evil-api.plain.test:443', '404'],
  ['a host below a provider', 'x.api.plain.test:443', '404'],
  ['an address', '127.0.0.1:443', '400'],
  ['an address of IPv6', '[::1]:443', '400'],
  ['an address as one number', '2130706433:443', '404'],
  ['another port', 'api.plain.test:8443', '400'],
  ['no port', 'api.plain.test', '400'],
  ['a user in the authority', 'a@api.plain.test:443', '400'],
  ['a path', 'api.plain.test:443/x', '400'],
])('opens no tunnel to %s', async (_story, host, status) => {
  const { line, socket } = await tunnel(host, `Proxy-Authorization: Bearer ${token}\r\n`);
  expect(line).toContain(status);
  socket.destroy();
});

it('asks who it is before it passes a tunnel on that it does not look into', async () => {
  const { line } = await tunnel('allowed.test:443');
  expect(line).toContain('407');
});

it('takes a real credential for the proxy for what it is', async () => {
  const { line } = await tunnel('allowed.test:443', 'Proxy-Authorization: Basic eDpzZWNyZXQ=\r\n');
  expect(line).toContain('403');
  expect(recorder.events.map(({ kind }) => kind)).toContain('foreign-credential');
});

it('makes no certificate that a client takes without being told of our authority', async () => {
  const { socket } = await tunnel('api.plain.test:443');
  const tls = connectTls({ socket, servername: 'api.plain.test' });
  const error = await new Promise<Error>((done) => tls.once('error', done));
  expect(error.message).toMatch(/self.signed|issuer|verify/i);
});

it('keeps its authority, and one that others can read stops the start', async () => {
  const folder = scratchFolder('authority');
  const made = await Authority.load(folder, systemClock);
  const again = await Authority.load(folder, systemClock);
  expect(readFileSync(again.certificateFile)).toEqual(readFileSync(made.certificateFile));
  const { chmodSync } = await import('node:fs');
  chmodSync(`${folder}/authority.key`, 0o640);
  await expect(Authority.load(folder, systemClock)).rejects.toMatchObject({
    code: 'HF_CONFIG_INVALID',
  });
});
