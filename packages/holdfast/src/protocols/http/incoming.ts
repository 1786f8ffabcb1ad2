/**
 * A request as it came, over HTTP/1.1 or HTTP/2: one view of both, so that nothing behind it has to know
 * which. Header names are lower case, and every value is there that was sent, but
 * for the length of the body: that is the parser's.
 */
import { IncomingMessage, type ServerResponse } from 'node:http';
import { type Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';

export type Response = ServerResponse | Http2ServerResponse;

/** What a request came over, and what ends with it. */
export interface Line {
  readonly source: string;
  destroy(): void;
  onClose(handler: () => void): void;
}

export interface Incoming {
  readonly method: string;
  /** The target of the request, as it was sent. */
  readonly url: string;
  /** Every host that it names: Host headers, and `:authority`. */
  readonly hosts: readonly string[];
  readonly headers: ReadonlyMap<string, readonly string[]>;
  readonly body: Readable;
  /** The same object for all requests of a connection. */
  readonly connection: object;
  readonly line: Line;
}

export function incomingOf(request: IncomingMessage | Http2ServerRequest): Incoming {
  const { method = '', url = '' } = request;
  if (request instanceof IncomingMessage) {
    const { rawHeaders, socket } = request;
    const connection = connectionOf(socket);
    const { headers, hosts } = connection.headOf(rawHeaders);
    return { method, url, hosts, headers, body: request, connection: socket, line: connection };
  }
  const headers = distinct(request.rawHeaders);
  const hosts = [...(headers.get('host') ?? [])];
  const { session } = request.stream;
  const { authority } = request;
  if (authority !== '' && authority !== undefined && !hosts.includes(authority)) {
    hosts.push(authority);
  }
  const { remoteAddress, remotePort } = session?.socket ?? {};
  return {
    method,
    url,
    hosts,
    headers,
    body: request,
    connection: session ?? request.stream,
    line: {
      source: `${remoteAddress ?? 'unknown'}:${remotePort ?? 0}`,
      destroy: () => session?.destroy(),
      onClose: (handler) => session?.once('close', handler),
    },
  };
}

/** Nobody takes this answer any more. An answer over HTTP/2 has no `destroyed` of its own (Node 20). */
export function hasLeft(response: Response): boolean {
  if (response instanceof Http2ServerResponse) {
    const { closed, destroyed } = response.stream;
    return closed || destroyed;
  }
  return response.destroyed;
}

export function headerOf({ headers }: Pick<Incoming, 'headers'>, name: string): string {
  return headers.get(name)?.join(', ') ?? '';
}

interface Head {
  readonly raw: readonly string[];
  readonly headers: ReadonlyMap<string, readonly string[]>;
  readonly hosts: readonly string[];
}

/** What is the same for all requests of an HTTP/1.1 connection, or was for the last one. */
class Connection implements Line {
  readonly source: string;
  readonly #socket: Socket;
  #head: Head | null = null;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.source = `${socket.remoteAddress ?? 'unknown'}:${socket.remotePort ?? 0}`;
  }

  destroy(): void {
    this.#socket.destroy();
  }

  onClose(handler: () => void): void {
    this.#socket.once('close', handler);
  }

  /** The same objects as for the request before, when its head was equal. */
  headOf(raw: readonly string[]): Head {
    const last = this.#head;
    if (last !== null && isEqual(last.raw, raw)) return last;
    const headers = distinct(raw);
    const head = { raw: [...raw], headers, hosts: headers.get('host') ?? [] };
    this.#head = head;
    return head;
  }
}

const connections = new WeakMap<Socket, Connection>();

function connectionOf(socket: Socket): Connection {
  const known = connections.get(socket);
  if (known !== undefined) return known;
  const connection = new Connection(socket);
  connections.set(socket, connection);
  return connection;
}

/** But for the length of the body, which differs most: the framing is the parser's, and nobody else's to read. */
function isEqual(one: readonly string[], other: readonly string[]): boolean {
  if (one.length !== other.length) return false;
  for (let at = 0; at + 1 < one.length; at += 2) {
    const name = one[at] ?? '';
    if (name !== other[at]) return false;
    if (one[at + 1] !== other[at + 1] && !isLength(name)) return false;
  }
  return true;
}

function isLength(name: string): boolean {
  return name.length === LENGTH.length && name.toLowerCase() === LENGTH;
}

const LENGTH = 'content-length';

/** Names and values in turn; those of HTTP/2 itself begin with a colon, and the length is left out. */
function distinct(raw: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const headers = new Map<string, string[]>();
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = (raw[at] ?? '').toLowerCase();
    if (name.startsWith(':') || name === LENGTH) continue;
    const value = raw[at + 1] ?? '';
    const known = headers.get(name);
    if (known === undefined) headers.set(name, [value]);
    else known.push(value);
  }
  return headers;
}
