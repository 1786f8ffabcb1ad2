/**
 * GraphQL over WebSocket, by the subprotocol `graphql-transport-ws`: subscriptions, and queries and
 * mutations too, which run as ever. Who asks is said by the headers of the handshake. It reads messages
 * as generously as a server may: the last of two equal keys, and keys that nobody knows, are fine.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { type Executed, followFor } from '../calls/index.ts';
import { type GraphqlAnswer, prepare } from '../graphql/answer.ts';
import { Refusal } from '../graphql/execute.ts';
import { isObject } from '../graphql/json.ts';
import { subscribe } from '../graphql/subscribe.ts';
import { RAILWAY } from '../schema/index.ts';
import { callerOf } from './caller.ts';
import type { HandlerParts, Outgoing } from './handler.ts';
import { type GraphqlRequest, type Incoming, one } from './read-request.ts';

const SUBPROTOCOL = 'graphql-transport-ws';

export interface SocketParts extends Pick<HandlerParts, 'world' | 'note'> {
  /** As a request that came by POST. */
  answer(incoming: Incoming): Promise<Outgoing>;
}

export class Sockets {
  readonly #parts: SocketParts;
  readonly #server = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
  });

  constructor(parts: SocketParts) {
    this.#parts = parts;
  }

  open(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (request.url !== '/graphql/v2') {
      socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n');
      return;
    }
    this.#server.handleUpgrade(request, socket, head, (websocket) => {
      const headers = Object.fromEntries(
        Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
      );
      new Conversation(this.#parts, websocket, headers);
    });
  }

  close(): void {
    for (const socket of this.#server.clients) socket.terminate();
    this.#server.close();
  }
}

class Conversation {
  readonly #parts: SocketParts;
  readonly #socket: WebSocket;
  readonly #headers: Incoming['headers'];
  readonly #following = new Map<string, () => void>();
  #isAcked = false;

  constructor(parts: SocketParts, socket: WebSocket, headers: Incoming['headers']) {
    this.#parts = parts;
    this.#socket = socket;
    this.#headers = headers;
    socket.on('message', (data) => void this.#hear(String(data)));
    socket.on('error', () => {});
    socket.on('close', () => {
      for (const stop of this.#following.values()) stop();
    });
  }

  async #hear(text: string): Promise<void> {
    const message: unknown = parsed(text);
    if (!isObject(message)) return this.#socket.close(4400, 'Invalid message received');
    const { type, id, payload } = message;
    switch (type) {
      case 'connection_init':
        if (this.#isAcked) return this.#socket.close(4429, 'Too many initialisation requests');
        this.#isAcked = true;
        return this.#send({ type: 'connection_ack' });
      case 'ping':
        return this.#send({ type: 'pong' });
      case 'pong':
        return;
      case 'complete':
        if (typeof id === 'string') this.#stop(id);
        return;
      case 'subscribe':
        if (!this.#isAcked) return this.#socket.close(4401, 'Unauthorized');
        if (typeof id !== 'string') return this.#socket.close(4400, 'Invalid message received');
        if (this.#following.has(id)) {
          return this.#socket.close(4409, `Subscriber for ${id} already exists`);
        }
        return await this.#subscribe(id, payload);
      default:
        return this.#socket.close(4400, 'Invalid message received');
    }
  }

  async #subscribe(id: string, payload: unknown): Promise<void> {
    this.#following.set(id, () => {});
    const requests = one(payload);
    const [request] = requests.kind === 'requests' ? requests.list : [];
    if (request === undefined) {
      const message = requests.kind === 'unreadable' ? requests.message : 'There is no query.';
      return this.#failed(id, [{ message }]);
    }
    const prepared = prepare(RAILWAY, request);
    if ('status' in prepared) return this.#failed(id, prepared.body.errors ?? []);
    if (prepared.operation.operation !== 'subscription') return await this.#run(id, request);
    const { world, note } = this.#parts;
    const refused = (field: string, message: string): Executed => ({
      operation: 'subscription',
      field,
      args: {},
      error: message,
    });
    try {
      const follow = followFor(world, callerOf(world, this.#headers), note);
      const answered = (answer: GraphqlAnswer): void => {
        if (answer.status === 200) this.#send({ id, type: 'next', payload: answer.body });
        else this.#failed(id, answer.body.errors ?? []);
      };
      const stop = await subscribe(RAILWAY, prepared, request.variables, { follow, answered });
      if (stop === null) return;
      // Ended while it began.
      if (this.#following.has(id) && this.#socket.readyState === 1) this.#following.set(id, stop);
      else stop();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      note(refused(request.operationName ?? '', error.message));
      this.#failed(id, [{ message: error.message }]);
    }
  }

  /** A query or a mutation: one answer. */
  async #run(id: string, request: GraphqlRequest): Promise<void> {
    const { query, variables, operationName } = request;
    const body = Buffer.from(JSON.stringify({ query, variables, operationName }));
    const headers = { ...this.#headers, 'content-type': 'application/json' };
    const target = '/graphql/v2';
    const outgoing = await this.#parts.answer({ method: 'POST', target, headers, body });
    this.#send({ id, type: 'next', payload: parsed(outgoing.body) });
    this.#send({ id, type: 'complete' });
    this.#following.delete(id);
  }

  #failed(id: string, payload: readonly unknown[]): void {
    this.#following.delete(id);
    this.#send({ id, type: 'error', payload });
  }

  #stop(id: string): void {
    this.#following.get(id)?.();
    this.#following.delete(id);
  }

  #send(message: unknown): void {
    if (this.#socket.readyState === 1) this.#socket.send(JSON.stringify(message));
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
