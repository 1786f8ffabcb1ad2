import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import type { Outcome } from '../../model/outcome.ts';
import { PlainProvider, PlainServer } from '../../testing/plain-provider.ts';
import { Upstream } from './upstream.ts';

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
    outcomes.push(
      await upstream.send({ method: 'GET', path, headers, body: Buffer.alloc(0) }, response, () => {
        response.end();
      }),
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
