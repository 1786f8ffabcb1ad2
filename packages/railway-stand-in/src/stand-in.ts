/**
 * Railway's API on this machine, for the demo and for tests: the same operations, names, tokens and
 * errors over a small world, in which what is deleted is gone. A volume may have a folder with a real
 * PostgreSQL in it; an unguarded `volumeDelete` then ends that server and removes its data and every
 * backup, as it did in the incident.
 *
 * It reads HTTP, JSON and GraphQL by means of its own, so that a difference between what Holdfast says
 * a request does and what ran here is worth something. It listens on loopback only.
 */
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Executed } from './calls/index.ts';
import { type HandlerParts, handle, type Outgoing } from './http/handler.ts';
import { RateCounter, type RateLimit } from './http/rate-limit.ts';
import type { Incoming } from './http/read-request.ts';
import { Sockets } from './http/socket.ts';
import { settle } from './world/removal.ts';
import type { World } from './world/world.ts';

export type { Executed } from './calls/index.ts';
export type { VolumeDisk } from './disk/volume-disk.ts';
export type { Outgoing } from './http/handler.ts';
export type { RateLimit } from './http/rate-limit.ts';
export type { Incoming } from './http/read-request.ts';
export { type ReadyOptions, type ReadyWorld, readyWorld } from './ready-world.ts';
export { World } from './world/world.ts';

export interface StandInOptions {
  readonly world: World;
  /** On loopback; 0 for any that is free. */
  readonly port?: number;
  /** HTTPS; the certificate names both of Railway's hosts if clients shall believe it. */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** Null: none. Railway's own: 1,000 an hour and 10 a second, or ten times as many when paid more. */
  readonly rateLimit?: RateLimit | null;
  /** Arrays of requests in one body; whether Railway takes them is not known. */
  readonly batching?: boolean;
  /** Queries and mutations by GET; whether Railway takes them is not known. */
  readonly get?: boolean;
  /**
   * Every request is read and written down as ever, by whomever; nothing is done and all succeeds. For
   * comparing what runs with what somebody said would run.
   */
  readonly rehearsal?: boolean;
}

export interface RailwayStandIn {
  /** Ends in `/graphql/v2`. */
  readonly url: string;
  readonly port: number;
  readonly world: World;
  /** What ran, in order, with what was refused among it. Tests may empty it. */
  readonly executed: Executed[];
  /** Without a socket: for very many requests. */
  answer(incoming: Incoming): Promise<Outgoing>;
  /** Does what 48 hours of grace have run out for, by the world's clock. */
  settle(): Promise<void>;
  /** Lets nobody in any more; the world and its folders stay. Idempotent. */
  stop(): Promise<void>;
}

const BODY_BYTES_MAX = 16 * 1024 * 1024;

export async function startRailwayStandIn(options: StandInOptions): Promise<RailwayStandIn> {
  const { world, port = 0, tls, rateLimit = null, batching = false, get = false } = options;
  const { rehearsal: isRehearsal = false } = options;
  const executed: Executed[] = [];
  const parts: HandlerParts = {
    world,
    rules: { batching, get },
    rates: rateLimit === null ? null : new RateCounter(rateLimit, world.now),
    note: (one) => executed.push(one),
    isRehearsal,
  };
  // One after the other, as a single row of a database would have it: no two acts at once.
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = (incoming: Incoming): Promise<Outgoing> => {
    const mine = last.then(() => handle(parts, incoming));
    last = mine.catch(() => {});
    return mine;
  };
  const listener = listenerOf(inTurn);
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  const sockets = new Sockets({ world, note: parts.note, answer: inTurn });
  server.on('upgrade', (request, socket, head) => sockets.open(request, socket, head));
  const bound = await listen(server, port);
  let stopped: Promise<void> | null = null;
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${bound}/graphql/v2`,
    port: bound,
    world,
    executed,
    answer: inTurn,
    settle: () => settle(world),
    stop: () => {
      sockets.close();
      stopped ??= close(server).then(() => last.then(() => {}));
      return stopped;
    },
  };
}

function listenerOf(answer: (incoming: Incoming) => Promise<Outgoing>): RequestListener {
  return async (request, response) => {
    try {
      const chunks: Buffer[] = [];
      let bytes = 0;
      for await (const chunk of request) {
        const part = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
        bytes += part.length;
        if (bytes > BODY_BYTES_MAX) {
          response.writeHead(413, { Connection: 'close' }).end();
          return;
        }
        chunks.push(part);
      }
      const headers = Object.fromEntries(
        Object.entries(request.headers).map(([name, value]) => [name, firstOf(value)]),
      );
      const { method = 'GET', url: target = '/' } = request;
      const outgoing = await answer({ method, target, headers, body: Buffer.concat(chunks) });
      response.writeHead(outgoing.status, outgoing.headers).end(outgoing.body);
    } catch (error) {
      if (response.headersSent) response.destroy();
      else response.writeHead(500).end(error instanceof Error ? error.message : String(error));
    }
  };
}

function firstOf(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((done, fail) => {
    server.once('error', fail);
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      if (address !== null && typeof address === 'object') done(address.port);
      else fail(new Error('the stand-in has no port'));
    });
  });
}

function close(server: Server): Promise<void> {
  return new Promise((done) => {
    server.close(() => done());
    server.closeAllConnections();
  });
}
