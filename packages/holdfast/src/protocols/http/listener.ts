/**
 * The HTTP gateway: listens on one port for both ways in, the base URL (`/railway/graphql/v2`) and the
 * forward proxy (CONNECT, `tunnel.ts`); what comes by either is served by `serving.ts`, and a WebSocket by
 * `websocket/`.
 */
import { createServer, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { HoldfastError } from '../../model/errors.ts';
import { HTTP_HEAD_BYTES_MAX, HTTP_REQUEST_MS_MAX } from '../../model/limits.ts';
import type { ListenAddress, Protocol, SessionMatch } from '../protocol.ts';
import type { Authority } from './authority.ts';
import { incomingOf } from './incoming.ts';
import { Serving, type ServingParts } from './serving.ts';
import { refuse, Tunnels } from './tunnel.ts';
import { Upgrades } from './websocket/upgrades.ts';

export interface HttpProtocolOptions extends ServingParts {
  readonly listen: ListenAddress;
  readonly authority: Authority;
  /** Hosts that a tunnel may reach without being looked into; no other host may be. */
  readonly allowed: readonly string[];
}

/** How often live sessions are held against the directory; revocations come by push besides. */
const LIVENESS_MS = 1_000;

export function createHttpProtocol(options: HttpProtocolOptions): Protocol {
  return new HttpGateway(options);
}

class HttpGateway implements Protocol {
  readonly name = 'http';
  readonly #options: HttpProtocolOptions;
  readonly #server: Server;
  readonly #serving: Serving;
  readonly #upgrades: Upgrades;
  readonly #tunnels: Tunnels;
  /** Those that became tunnels are no longer the server's own. */
  readonly #sockets = new Set<Socket>();
  #liveness: NodeJS.Timeout | null = null;
  #isClosed = false;

  constructor(options: HttpProtocolOptions) {
    this.#options = options;
    const { allowed, authority, providers } = options;
    this.#serving = new Serving(options);
    const serving = this.#serving;
    this.#upgrades = new Upgrades({ ...options, serving });
    const upgrades = this.#upgrades;
    const tunnels = { serving, upgrades, providers, authority, allowed: new Set(allowed) };
    this.#tunnels = new Tunnels(tunnels);
    this.#server = createServer(
      {
        maxHeaderSize: HTTP_HEAD_BYTES_MAX,
        requestTimeout: HTTP_REQUEST_MS_MAX,
        headersTimeout: HTTP_REQUEST_MS_MAX,
        insecureHTTPParser: false,
        requireHostHeader: true,
        noDelay: true,
      },
      (request, response) => {
        upgrades.began(request.socket, response);
        void serving.serve(incomingOf(request), response, null);
      },
    );
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    this.#server.on('connect', (request, socket: Socket, head) => {
      void this.#tunnels.open(incomingOf(request), socket, head);
    });
    this.#server.on('upgrade', (request, socket, head) => {
      void upgrades.open(request, socket, head, null);
    });
    this.#server.on('clientError', (error, socket: Socket) => {
      serving.note('protocol-error', null, error.message);
      refuse(socket, '400 Bad Request');
    });
  }

  listen(): Promise<ListenAddress> {
    const { host, port } = this.#options.listen;
    return new Promise((done, fail) => {
      this.#server.once('error', (cause: NodeJS.ErrnoException) =>
        fail(cannotListen(host, port, cause)),
      );
      this.#server.listen({ host, port }, () => {
        this.#liveness = setInterval(() => this.lookAgain(), LIVENESS_MS).unref();
        const address = this.#server.address();
        done({ host, port: address !== null && typeof address === 'object' ? address.port : port });
      });
    });
  }

  endSessions({ tokenId, agentId }: SessionMatch): number {
    return this.#serving.sessions.end((token) => {
      if (tokenId !== undefined && tokenId !== token.tokenId) return false;
      return agentId === undefined || agentId === token.agentId;
    });
  }

  lookAgain(): void {
    const { directory } = this.#options;
    this.#serving.sessions.end(({ tokenId }) => !directory.isLive(tokenId));
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#liveness !== null) clearInterval(this.#liveness);
    const closed = new Promise<void>((done) => this.#server.close(() => done()));
    this.#upgrades.close();
    this.#serving.sessions.end(() => true);
    this.#tunnels.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
    await this.#serving.close();
  }
}

function cannotListen(host: string, port: number, cause: NodeJS.ErrnoException): HoldfastError {
  return new HoldfastError('HF_CONFIG_INVALID', {
    expected: `to listen on ${host}:${port}`,
    found: cause.code ?? cause.message,
    hint: 'Stop what uses the port, or set another in holdfast.yaml: http.port.',
    cause,
  });
}
