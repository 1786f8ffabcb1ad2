/**
 * The forward proxy: CONNECT, for clients that cannot be pointed elsewhere. A tunnel to a provider's host
 * is opened by us: we show a certificate of our own authority, and what comes through is served like any
 * other request, over HTTP/1.1 or HTTP/2. A tunnel to a host that is only allowed is passed on blind,
 * for an agent that says who it is; a tunnel to any other host is refused.
 *
 * It will not open a tunnel to an address (a name is what is declared), to another port than 443, or for
 * bytes that were not asked for by a whole CONNECT.
 */
import type { IncomingMessage } from 'node:http';
import { createSecureServer, type Http2SecureServer } from 'node:http2';
import { connect, isIP, type Socket } from 'node:net';
import { HoldfastError } from '../../model/errors.ts';
import { HEADERS_MAX, TUNNEL_CONNECT_MS_MAX } from '../../model/limits.ts';
import { asHoldfastError, statusOf } from './answers.ts';
import type { Authority } from './authority.ts';
import { type Incoming, incomingOf } from './incoming.ts';
import { hostOf, ofHost, type Providers } from './route.ts';
import type { Serving } from './serving.ts';
import type { Upgrades } from './websocket/upgrades.ts';

export interface TunnelsParts {
  readonly serving: Serving;
  readonly upgrades: Upgrades;
  readonly providers: Providers;
  readonly authority: Authority;
  /** Hosts that are passed on without being looked into. */
  readonly allowed: ReadonlySet<string>;
}

export class Tunnels {
  readonly #parts: TunnelsParts;
  /** One for each host, so that what it serves cannot be another's. */
  readonly #servers = new Map<
    string,
    { readonly server: Http2SecureServer; readonly cert: string }
  >();
  readonly #blind = new Set<Socket>();

  constructor(parts: TunnelsParts) {
    this.#parts = parts;
  }

  async open(request: Incoming, socket: Socket, head: Buffer): Promise<void> {
    socket.on('error', () => socket.destroy());
    try {
      const host = tunnelHost(request);
      if (this.#isProvider(host)) {
        const server = await this.#serverOf(host);
        socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
        if (head.length > 0) socket.unshift(head);
        server.emit('connection', socket);
        return;
      }
      const token = await this.#parts.serving.admit(request, null);
      if (!this.#parts.allowed.has(host)) ofHost(host, this.#parts.providers);
      this.#parts.serving.note('tunnel-opened', request, `${token.agentName} reaches ${host}`, {
        agent: token.agentName,
        host,
      });
      this.#passBlind(host, socket, head);
    } catch (cause) {
      const error = asHoldfastError(cause, 'a tunnel');
      this.#parts.serving.note('session-refused', request, `${error.code}: ${error.message}`);
      const words = `${error.message} ${error.hint}`.replaceAll(/[^\x20-\x7e]/g, '?');
      const ask = error.code === 'HF_AUTH_FAILED';
      socket.end(
        `HTTP/1.1 ${ask ? '407 Proxy Authentication Required' : `${statusOf(error.code)} Refused`}\r\n` +
          (ask ? 'Proxy-Authenticate: Basic realm="holdfast"\r\n' : '') +
          `X-Holdfast-Code: ${error.code}\r\nContent-Type: text/plain\r\nConnection: close\r\n` +
          `Content-Length: ${words.length}\r\n\r\n${words}`,
      );
    }
  }

  close(): void {
    for (const { server } of this.#servers.values()) server.close();
    for (const socket of this.#blind) socket.destroy();
  }

  #isProvider(host: string): boolean {
    return [...this.#parts.providers.values()].some(({ hosts }) => hosts.includes(host));
  }

  async #serverOf(host: string): Promise<Http2SecureServer> {
    const { certificate: cert, key } = await this.#parts.authority.pairFor(host);
    const known = this.#servers.get(host);
    if (known !== undefined && known.cert === cert) return known.server;
    const { serving, upgrades } = this.#parts;
    const server = createSecureServer(
      { cert, key, minVersion: 'TLSv1.2', allowHTTP1: true, maxHeaderListPairs: HEADERS_MAX },
      (request, response) => {
        const incoming = incomingOf(request);
        upgrades.began(incoming.connection, response);
        void serving.serve(incoming, response, host);
      },
    );
    // The name in the handshake must be the one that the tunnel was opened to.
    server.on('secureConnection', (socket) => {
      const name = socket.servername;
      if (typeof name === 'string' && hostOf(name) !== host) {
        serving.note('protocol-error', null, `TLS for ${name} in a tunnel to ${host}`);
        socket.destroy();
      }
    });
    server.on('tlsClientError', (error, socket) => {
      serving.note('protocol-error', null, `TLS in a tunnel to ${host}: ${error.message}`);
      socket.destroy();
    });
    server.on('sessionError', () => {});
    server.on('clientError', (_error: Error, socket: Socket) => refuse(socket, '400 Bad Request'));
    // Over HTTP/1.1 only: HTTP/2 has no upgrade, and its own way (RFC 8441) is not offered.
    server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
      void upgrades.open(request, socket, head, host);
    });
    this.#servers.set(host, { server, cert });
    return server;
  }

  #passBlind(host: string, socket: Socket, head: Buffer): void {
    const upstream = connect({ host, port: 443, timeout: TUNNEL_CONNECT_MS_MAX });
    this.#blind.add(socket);
    const end = (): void => {
      this.#blind.delete(socket);
      socket.destroy();
      upstream.destroy();
    };
    upstream.once('connect', () => {
      upstream.setTimeout(0);
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      upstream.write(head);
      socket.pipe(upstream).pipe(socket);
    });
    upstream.once('timeout', end).once('error', end).once('close', end);
    socket.once('close', end);
  }
}

/** `host:443`, lower case. Throws HF_HTTP or HF_TARGET_UNKNOWN. */
function tunnelHost({ url }: Incoming): string {
  const [, name, port] = /^([^:[\]@/?#]+|\[[0-9a-fA-F:.]+\]):(\d{1,5})$/.exec(url) ?? [];
  if (name === undefined || isIP(name.replace(/^\[|\]$/g, '')) !== 0 || port !== '443') {
    throw new HoldfastError('HF_HTTP', {
      expected: 'CONNECT to a host name and port 443',
      found: url.slice(0, 100),
      hint: 'Use the https URL of the provider with its own host name.',
    });
  }
  return hostOf(name);
}

export function refuse(socket: Socket, status: string): void {
  if (socket.writable) socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`);
  else socket.destroy();
}
