/**
 * A way to the stand-in that can be stood in: what passes is told, and may be answered otherwise, or not at
 * all. For what no API does by itself: an answer that is lost, a change at the worst moment.
 */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { RailwayStandIn } from '../../src/stand-in.ts';

/** `pass`: as ever. `lose`: it is done, and the answer never comes. `stop`: it never arrives. */
export type Way = 'pass' | 'lose' | 'stop' | { readonly status: number };

export interface Between {
  readonly origin: string;
  /** Asked for each request, with its body. */
  way: (body: string) => Way | Promise<Way>;
  stop(): Promise<void>;
}

export async function standBetween(standIn: RailwayStandIn): Promise<Between> {
  const waiting = new Set<ServerResponse>();
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(Buffer.from(chunk));
    const body = Buffer.concat(chunks);
    const way = await between.way(body.toString());
    if (typeof way === 'object') {
      response.writeHead(way.status, { 'content-type': 'application/json', 'retry-after': '1' });
      response.end('{"errors":[{"message":"no"}],"data":null}');
      return;
    }
    if (way === 'stop') {
      waiting.add(response);
      return;
    }
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
    );
    const { method = 'GET', url: target = '/' } = request;
    const answer = await standIn.answer({ method, target, headers, body });
    if (way === 'lose') response.destroy();
    else response.writeHead(answer.status, answer.headers).end(answer.body);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const between: Between = {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    way: () => 'pass',
    stop: async () => {
      for (const response of waiting) response.destroy();
      const stopped = new Promise<void>((done) => server.close(() => done()));
      server.closeAllConnections();
      await stopped;
    },
  };
  return between;
}
