/**
 * WebSockets of agents: GraphQL subscriptions, and queries. By the base URL or inside a tunnel that we
 * have opened, over HTTP/1.1. The order is that of a request: route, whose token, what for; only then is
 * the handshake answered. A caller that names itself in `connection_init` only is let in as nobody,
 * for a short time, and nothing is asked of the provider for it.
 *
 * What it will not do: upgrade to anything else; serve an API that has no GraphQL by WebSocket; unpack
 * frames; take a byte of a handshake's connection for a request again.
 */
import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { TokenVerifier } from '../../../identity/agent-directory.ts';
import { GraphqlReader } from '../../../languages/graphql/reader.ts';
import { HoldfastError } from '../../../model/errors.ts';
import {
  SOCKET_FRAGMENTS_MAX,
  SOCKET_INIT_MS_MAX,
  SOCKET_MESSAGE_BYTES_MAX,
  SOCKETS_MAX,
  SOCKETS_NOBODYS_MAX,
  SOCKETS_PER_TOKEN_MAX,
} from '../../../model/limits.ts';
import type { Provider } from '../../../providers/provider.ts';
import { senderIn } from '../agent-token.ts';
import { asHoldfastError, statusOf } from '../answers.ts';
import { type Incoming, incomingOf, type Response } from '../incoming.ts';
import { type Route, routeOf } from '../route.ts';
import type { Serving, ServingParts } from '../serving.ts';
import { Conversation } from './conversation.ts';
import { CLOSE } from './goodbye.ts';
import { requireHandshake, subprotocolOf } from './handshake.ts';
import { SUBPROTOCOLS, type Subprotocol } from './subprotocol.ts';

export interface UpgradesParts
  extends Pick<ServingParts, 'clock' | 'directory' | 'pipeline' | 'providers'> {
  readonly serving: Serving;
}

interface Accepted {
  readonly route: Route;
  readonly token: TokenVerifier | null;
  readonly subprotocol: Subprotocol;
}

export class Upgrades {
  readonly #parts: UpgradesParts;
  readonly #reader = new GraphqlReader();
  /** Requests that are not answered yet: an upgrade behind one would mix two answers. */
  readonly #busy = new WeakMap<object, number>();
  /** With the token of each; null: it has not said who it is. */
  readonly #live = new Map<Duplex, string | null>();
  readonly #conversations = new Set<Conversation>();
  readonly #server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: SOCKET_MESSAGE_BYTES_MAX,
    maxFragments: SOCKET_FRAGMENTS_MAX,
    // All that are offered are spoken (`subprotocolOf`).
    handleProtocols: (offered) => SUBPROTOCOLS.find((name) => firstOf(offered) === name) ?? false,
  });

  constructor(parts: UpgradesParts) {
    this.#parts = parts;
  }

  /** An ordinary request of a connection has begun. */
  began(connection: object, response: Response): void {
    this.#busy.set(connection, (this.#busy.get(connection) ?? 0) + 1);
    response.once('close', () => {
      this.#busy.set(connection, (this.#busy.get(connection) ?? 1) - 1);
    });
  }

  /** `tunnel`: the host it was opened to; null: our own address. Never rejects. */
  async open(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    tunnel: string | null,
  ): Promise<void> {
    const incoming = incomingOf(request);
    socket.on('error', () => socket.destroy());
    let provider: Provider | null = null;
    try {
      const route = routeOf(incoming, this.#parts.providers, tunnel);
      provider = route.provider;
      const token = await this.#tokenOf(incoming, provider);
      requireSocketPath(route);
      const isAlone = head.length === 0 && (this.#busy.get(incoming.connection) ?? 0) === 0;
      requireHandshake(incoming, request, isAlone);
      const subprotocol = subprotocolOf(incoming);
      this.#requireRoom(token);
      if (socket.destroyed) return;
      this.#accept(request, incoming, socket, { route, token, subprotocol });
    } catch (cause) {
      const error = asHoldfastError(cause, 'a WebSocket');
      this.#parts.serving.note('session-refused', incoming, `${error.code}: ${error.message}`);
      answerNo(socket, provider, error);
    }
  }

  close(): void {
    for (const conversation of this.#conversations) {
      conversation.end(CLOSE.goingAway, 'Holdfast stops', true);
    }
    this.#server.close();
  }

  /** Null: it said nothing, and may say it in `connection_init`. */
  async #tokenOf(incoming: Incoming, provider: Provider): Promise<TokenVerifier | null> {
    const { directory, serving } = this.#parts;
    const sender = senderIn(provider.credentialHeaders)(incoming.headers, directory);
    return sender.kind === 'nobody' ? null : await serving.admit(incoming, provider);
  }

  #requireRoom(token: TokenVerifier | null): void {
    const nobodys = [...this.#live.values()].filter((one) => one === null).length;
    const isFull = this.#live.size >= SOCKETS_MAX;
    if (!isFull && (token !== null || nobodys < SOCKETS_NOBODYS_MAX)) return;
    throw new HoldfastError('HF_LIMIT', {
      expected: `at most ${SOCKETS_MAX} WebSockets, and ${SOCKETS_NOBODYS_MAX} of nobody`,
      found: 'one more',
      hint: 'Close those that are not used, or put the token into the header of the handshake.',
    });
  }

  #accept(
    request: IncomingMessage,
    incoming: Incoming,
    socket: Duplex,
    { route, token, subprotocol }: Accepted,
  ): void {
    const { clock, directory, pipeline, serving } = this.#parts;
    this.#live.set(socket, null);
    socket.once('close', () => this.#live.delete(socket));
    this.#server.handleUpgrade(request, socket, Buffer.alloc(0), (websocket) => {
      const conversation = new Conversation({
        directory,
        clock,
        pipeline,
        serving,
        incoming,
        token,
        subprotocol,
        socket: websocket,
        provider: route.provider,
        path: route.path,
        reader: this.#reader,
        enter: ({ tokenId }) => {
          const others = [...this.#live.values()].filter((one) => one === tokenId).length;
          this.#live.set(socket, tokenId);
          return others < SOCKETS_PER_TOKEN_MAX;
        },
      });
      this.#conversations.add(conversation);
      websocket.once('close', () => this.#conversations.delete(conversation));
    });
  }
}

function requireSocketPath({ provider, path, search }: Route): void {
  if (provider.socketPath === path && search === '') return;
  const { socketPath } = provider;
  throw new HoldfastError('HF_UNSUPPORTED', {
    expected:
      socketPath === undefined
        ? `an ordinary request: ${provider.name} has no GraphQL by WebSocket`
        : `a WebSocket to ${socketPath}, without a query string`,
    found: `an upgrade of ${path.slice(0, 100)}`,
    hint: 'Send ordinary requests.',
  });
}

function firstOf(offered: ReadonlySet<string>): string | undefined {
  for (const one of offered) return one;
  return undefined;
}

/** What comes behind it is read by nobody. */
function answerNo(socket: Duplex, provider: Provider | null, error: HoldfastError): void {
  const { code, message, hint } = error;
  const refusal = { code, message, detail: 'Nothing was sent on.', hint, position: null };
  const answer = provider?.refusal(refusal) ?? {
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ error: refusal }),
  };
  const status = statusOf(code);
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Refused'}`,
    ...Object.entries(answer.headers).map(([name, value]) => `${name}: ${value}`),
    `content-length: ${Buffer.byteLength(answer.body)}`,
    'cache-control: no-store',
    `x-holdfast-code: ${code}`,
    ...(status === 401 ? ['www-authenticate: Bearer realm="holdfast"'] : []),
    'connection: close',
  ];
  const late = setTimeout(() => socket.destroy(), SOCKET_INIT_MS_MAX).unref();
  socket.once('close', () => clearTimeout(late));
  socket.resume();
  socket.end(`${lines.join('\r\n')}\r\n\r\n${answer.body}`);
}
