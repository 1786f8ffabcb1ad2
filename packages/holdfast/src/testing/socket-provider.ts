/**
 * A provider with GraphQL by POST and by WebSocket, and a server behind it that keeps every message as it
 * came and answers as it is told; for tests of WebSockets through Holdfast.
 */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import type { GraphqlCall } from '../languages/graphql/graphql-reading.ts';
import { GraphqlReader } from '../languages/graphql/reader.ts';
import { requestsOf } from '../languages/graphql/request.ts';
import type { Effect, Reading } from '../model/effect.ts';
import type { ProviderAct, ProviderRequest } from '../providers/provider.ts';
import { PlainProvider } from './plain-provider.ts';

export class SocketServer {
  /** Texts, as they came, of all connections. */
  readonly heard: string[] = [];
  readonly handshakes: IncomingMessage['headers'][] = [];
  readonly sockets: WebSocket[] = [];
  /** Answers instead of the usual one. */
  answer: ((socket: WebSocket, id: string) => void) | null = null;
  /** Null: `connection_init` is not answered. */
  ack: string | null = '{"type":"connection_ack"}';
  readonly #server: Server = createServer((_request, response) => response.end('{}'));
  readonly #sockets: WebSocketServer;

  /** `isDeaf`: it does not answer pings. */
  constructor(isDeaf = false) {
    this.#sockets = new WebSocketServer({ noServer: true, autoPong: !isDeaf });
  }

  async start(): Promise<string> {
    this.#server.on('upgrade', (request, socket, head) => {
      this.handshakes.push(request.headers);
      this.#sockets.handleUpgrade(request, socket, head, (websocket) => this.#serve(websocket));
    });
    await new Promise<void>((done) => this.#server.listen(0, '127.0.0.1', done));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The operations that reached it: what came of kind `subscribe` and `start`. */
  get operations(): readonly string[] {
    return this.heard.filter((text) => /"type":"(subscribe|start)"/.test(text));
  }

  async stop(): Promise<void> {
    const stopped = new Promise<void>((done) => this.#server.close(() => done()));
    for (const socket of this.sockets) socket.terminate();
    this.#server.closeAllConnections();
    await stopped;
  }

  #serve(socket: WebSocket): void {
    this.sockets.push(socket);
    const isOld = socket.protocol === 'graphql-ws';
    socket.on('error', () => {});
    socket.on('message', (data) => {
      const text = String(data);
      this.heard.push(text);
      const { type, id } = JSON.parse(text);
      if (type === 'connection_init' && this.ack !== null) socket.send(this.ack);
      if (type !== 'subscribe' && type !== 'start') return;
      if (this.answer !== null) return this.answer(socket, id);
      socket.send(
        JSON.stringify({ id, type: isOld ? 'data' : 'next', payload: { data: { n: 1 } } }),
      );
      socket.send(JSON.stringify({ id, type: 'complete' }));
    });
  }
}

/** Fields named `secret` hand one out, those of a mutation destroy, all others read. */
export class SocketProvider extends PlainProvider {
  readonly socketPath: string = '/graphql';
  readonly #reader = new GraphqlReader();

  override async read(request: ProviderRequest): Promise<ProviderAct> {
    return { ...(await super.read(request)), reading: this.#readingOf(request) };
  }

  #readingOf(request: ProviderRequest): Reading {
    const found = requestsOf(request);
    if (found.kind === 'could-not-tell') return { ...found, effects: [] };
    const effects: Effect[] = [];
    for (const one of found.requests) {
      const reading = this.#reader.read(one);
      if (reading.kind === 'could-not-tell') return { ...reading, effects };
      effects.push(...reading.calls.map((call) => effectOf(reading.operation, call)));
    }
    return { kind: 'understood', effects };
  }
}

function effectOf(operation: string, { name }: GraphqlCall): Effect {
  const kind = operation === 'mutation' ? 'destroy' : name === 'secret' ? 'grant' : 'read';
  return { kind, verb: name, object: null, reach: 'whole', additive: false, why: null };
}
