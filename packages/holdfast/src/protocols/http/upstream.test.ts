import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { systemClock } from '../../model/clock.ts';
import type { Outcome } from '../../model/outcome.ts';
import { ManualClock } from '../../testing/manual-clock.ts';
import { PlainProvider, PlainServer } from '../../testing/plain-provider.ts';
import { makeCertificate } from '../x509.ts';
import { Upstream, wasSent } from './upstream.ts';

/** Two hosts behind one provider: what begins with `/v1/` is on the second. */
class TwoHosts extends PlainProvider {
  readonly #second: string;

  constructor(first: string, second: string) {
    super(first);
    this.#second = second;
  }

  originOf(path: string): string {
    return path.startsWith('/v1/') ? this.#second : this.origin;
  }
}

it('sends a request to the host that its path is of', async () => {
  const first = new PlainServer();
  const second = new PlainServer();
  const upstream = new Upstream(new TwoHosts(await first.start(), await second.start()));
  const outcomes: Outcome[] = [];
  const gateway = createServer(async (request, response) => {
    const { url: path = '' } = request;
    const headers = {};
    await upstream.send(
      { method: 'GET', path, headers, body: Buffer.alloc(0) },
      { response, failed: () => response.end(), report: (outcome) => outcomes.push(outcome) },
    );
  });
  await new Promise<void>((done) => gateway.listen(0, '127.0.0.1', done));
  const base = `http://127.0.0.1:${(gateway.address() as AddressInfo).port}`;
  try {
    for (const path of ['/graphql?/v1/', '/v1/apps?x=1', '/v1'])
      await (await fetch(base + path)).text();
    expect(first.seen.map(({ url }) => url)).toEqual(['/graphql?/v1/', '/v1']);
    expect(second.seen.map(({ url }) => url)).toEqual(['/v1/apps?x=1']);
    expect(outcomes.map(({ kind }) => kind)).toEqual(['done', 'done', 'done']);
  } finally {
    gateway.closeAllConnections();
    gateway.close();
    await upstream.close();
    await first.stop();
    await second.stop();
  }
});

const DAY_MS = 24 * 60 * 60 * 1000;

it.each([
  ['that nobody vouches for', systemClock],
  ['that has expired', new ManualClock('2020-01-01T00:00:00Z')],
])(
  'sends neither request nor credential to a host with a certificate %s',
  async (_story, clock) => {
    const wish = { name: 'CN=127.0.0.1', hosts: ['127.0.0.1'], lifeMs: DAY_MS, isAuthority: false };
    const { certificate, key } = await makeCertificate({ ...wish, clock }, null);
    const seen: string[] = [];
    const server = createTlsServer({ cert: certificate, key }, ({ url = '' }, response) => {
      seen.push(url);
      response.end();
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const upstream = new Upstream(new PlainProvider(origin));
    try {
      const request = { method: 'POST', path: '/destroy', headers: {}, body: Buffer.from('{}') };
      const outcome = await upstream.run(request);
      expect(outcome).toMatchObject({
        kind: 'not-forwarded',
        reason: expect.stringMatching(/^plain was not reached: .*certificate/),
      });
      expect(seen).toEqual([]);
    } finally {
      await upstream.close();
      server.closeAllConnections();
      server.close();
    }
  },
);

it.each<readonly [story: string, error: unknown, isSent: boolean]>([
  ['a port that nobody listens on', fault('ECONNREFUSED', 'connect'), false],
  ['no way to a host that was not reached yet', fault('EHOSTUNREACH', 'connect'), false],
  ['no way to a host any more, in the midst of it', fault('EHOSTUNREACH', 'write'), true],
  ['no way to a network any more', fault('ENETUNREACH', 'read'), true],
  ['a certificate that has expired', fault('CERT_HAS_EXPIRED'), false],
  ['a connection that was reset', fault('ECONNRESET', 'read'), true],
  ['something else', 'a word', true],
])('says whether it may have been sent: %s', (_story, error, isSent) => {
  expect(wasSent(error)).toBe(isSent);
});

function fault(code: string, syscall?: string): Error {
  return Object.assign(new Error(code), { code, ...(syscall === undefined ? {} : { syscall }) });
}
