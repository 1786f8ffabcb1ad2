import { createServer, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Outcome } from '../../model/outcome.ts';
import { PlainProvider, PlainServer } from '../../testing/plain-provider.ts';
import { Upstream } from './upstream.ts';

const LARGE = Buffer.alloc(8 * 1024 * 1024, 'x');
let server: PlainServer;
let upstream: Upstream;
let gateway: Server;
let port: number;
let outcomes: Outcome[];

beforeEach(async () => {
  server = new PlainServer();
  upstream = new Upstream(new PlainProvider(await server.start()));
  outcomes = [];
  gateway = createServer(({ url: path = '' }, response) => {
    const request = { method: 'POST', path, headers: {}, body: Buffer.from('{}') };
    const report = path === '/read' ? null : (outcome: Outcome) => outcomes.push(outcome);
    void upstream.send(request, { response, failed: () => response.end('no answer'), report });
  });
  await new Promise<void>((done) => gateway.listen(0, '127.0.0.1', done));
  ({ port } = gateway.address() as AddressInfo);
});
afterEach(async () => {
  gateway.closeAllConnections();
  gateway.close();
  await upstream.close();
  await server.stop();
});

const answerWith = (answer: (response: ServerResponse) => void): void => {
  server.answer = answer;
};

it.each(['/read', '/change'])('comes whole to an agent that takes it slowly: %s', async (path) => {
  answerWith((response) => response.end(LARGE));
  const answer = await fetch(`http://127.0.0.1:${port}${path}`);
  const reader = answer.body?.getReader();
  let bytes = 0;
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
    if (done) break;
    bytes += value?.length ?? 0;
    await new Promise((next) => setImmediate(next));
  }
  expect(bytes).toBe(LARGE.length);
  expect(outcomes.map(({ kind }) => kind)).toEqual(path === '/read' ? [] : ['done']);
});

it('is read to its end although the agent has gone, so that its outcome is known', async () => {
  answerWith((response) => response.end(LARGE));
  const agent = connect(port, '127.0.0.1');
  agent.write('GET /change HTTP/1.1\r\nHost: x\r\n\r\n');
  await new Promise((done) => agent.once('data', done));
  agent.destroy();
  await vi.waitFor(() => expect(outcomes.map(({ kind }) => kind)).toEqual(['done']), 5_000);
});

it('is not the word before it (status 103)', async () => {
  answerWith((response) => {
    response.writeEarlyHints({ link: '</style.css>; rel=preload' });
    response.writeHead(201, { 'x-real': 'yes' }).end('made');
  });
  const answer = await fetch(`http://127.0.0.1:${port}/change`);
  expect([answer.status, answer.headers.get('x-real'), await answer.text()]).toEqual([
    201,
    'yes',
    'made',
  ]);
  expect(outcomes).toEqual([{ kind: 'done', tag: '201', transaction: 'ended' }]);
});

it('that breaks off does not look whole, and is unknown', async () => {
  answerWith((response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('half', () => response.destroy());
  });
  const answer = await fetch(`http://127.0.0.1:${port}/change`);
  await expect(answer.text()).rejects.toThrow();
  expect(outcomes.map(({ kind }) => kind)).toEqual(['unknown']);
});

it('keeps no header of its connection, nor one that its connection lists', async () => {
  answerWith((response) => {
    response.writeHead(200, {
      connection: 'keep-alive, x-listed',
      'x-listed': '1',
      'x-kept': '1',
      'set-cookie': 'a=b',
    });
    response.end();
  });
  const { headers } = await fetch(`http://127.0.0.1:${port}/read`);
  expect([headers.get('x-kept'), headers.get('x-listed')]).toEqual(['1', null]);
  expect(headers.get('set-cookie')).toBeNull();
});
