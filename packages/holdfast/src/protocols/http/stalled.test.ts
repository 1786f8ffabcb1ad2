/** Agents that stop taking their answers: what they hold of the way to the provider is everybody's. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { type AddressInfo, connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { Pool } from 'undici';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../../model/clock.ts';
import { PROVIDER_CONNECTIONS_MAX } from '../../model/limits.ts';
import { type HttpGateway, startHttpGateway } from '../../testing/http-gateway.ts';
import { scratchFolder } from '../../testing/scratch-folder.ts';
import { Answering } from './answering.ts';
import { Authority } from './authority.ts';

const HOST = 'api.plain.test';
const LARGE = Buffer.alloc(8 * 1024 * 1024, 'x');
const authority = await Authority.load(scratchFolder('authority'), systemClock);
const ca = readFileSync(authority.certificateFile);
let gateway: HttpGateway;

beforeEach(async () => {
  gateway = await startHttpGateway(authority, []);
  gateway.server.answer = (response, { url }) => {
    response.end(url.startsWith('/large') || url === '/change' ? LARGE : 'small');
  };
});
afterEach(() => gateway.close());

it.each([
  ['reads', 'GET', '/large'],
  ['changes', 'POST', '/change'],
])(
  'streams of HTTP/2 that are reset amid their answers leave the way to others: %s',
  async (_of, method, path) => {
    const socket = connect(gateway.port, '127.0.0.1');
    socket.write(`CONNECT ${HOST}:443 HTTP/1.1\r\nHost: ${HOST}:443\r\n\r\n`);
    await new Promise((done) => socket.once('data', done));
    const tls = connectTls({ socket, servername: HOST, ca, ALPNProtocols: ['h2'] });
    await new Promise((done) => tls.once('secureConnect', done));
    const session = connectHttp2(`https://${HOST}`, { createConnection: () => tls });
    const authorization = `Bearer ${gateway.token}`;
    const resets = Array.from({ length: PROVIDER_CONNECTIONS_MAX }, async () => {
      const stream = session.request({ ':method': method, ':path': path, authorization });
      stream.on('error', () => {});
      stream.end();
      await new Promise((done) => stream.once('response', done));
      stream.close(8);
    });
    await Promise.all(resets);
    const answer = await fetch(`http://127.0.0.1:${gateway.port}/plain/small`, {
      headers: { authorization },
      signal: AbortSignal.timeout(20_000),
    });
    expect(await answer.text()).toBe('small');
    const { recorder } = gateway;
    // What was changed has its outcome, although its agent has gone.
    const changes = method === 'POST' ? PROVIDER_CONNECTIONS_MAX : 0;
    await expect.poll(() => recorder.outcomes.length, { timeout: 20_000 }).toBe(changes);
    expect(new Set(recorder.outcomes.map(({ outcome }) => outcome.kind)).size).toBe(
      changes === 0 ? 0 : 1,
    );
    session.destroy();
  },
  60_000,
);

it('an agent that takes nothing of its answer is cut off, and the rest of the answer is read', async () => {
  const origin = gateway.provider.origin;
  const pool = new Pool(origin, { connections: 1, pipelining: 1 });
  const kinds: string[] = [];
  const small = createServer((_request, response) => {
    const ended = ({ kind }: { readonly kind: string }): void => {
      kinds.push(kind);
    };
    const wish = { method: 'GET', path: '/large' } as const;
    pool.dispatch(wish, new Answering({ response, isLookedAt: true, stallMsMax: 50, ended }));
  });
  await new Promise<void>((done) => small.listen(0, '127.0.0.1', done));
  const agent = connect((small.address() as AddressInfo).port, '127.0.0.1');
  agent.on('error', () => {});
  agent.pause();
  agent.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await expect.poll(() => kinds, { timeout: 20_000 }).toEqual(['whole']);
  agent.destroy();
  small.close();
  await pool.destroy();
}, 60_000);
