/**
 * The HTTP gateway: one request is one unit. The order kept for each:
 *
 *   route -> whose token -> may it use a provider at all -> the whole body, within limits
 *     -> what would it do, and where (the provider) -> the pipeline -> answer
 *
 * What it will not do: send on a credential that an agent brought, a header that describes our own
 * connection, or a byte of a request that was not judged as it is sent; keep the framing of the sender;
 * say whether a token exists.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { TokenVerifier } from '../../identity/agent-directory.ts';
import type { Clock } from '../../model/clock.ts';
import { ERRORS, HoldfastError } from '../../model/errors.ts';
import { newId } from '../../model/ids.ts';
import type { SessionFacts } from '../../model/intent.ts';
import { HTTP_HEAD_BYTES_MAX, HTTP_REQUEST_MS_MAX } from '../../model/limits.ts';
import type { Refusal } from '../../pipeline/exchange.ts';
import type { Pipeline } from '../../pipeline/pipeline.ts';
import type { Provider, ProviderAct } from '../../providers/provider.ts';
import type { ListenAddress, Protocol, SessionMatch } from '../protocol.ts';
import { senderOf, type TokenLookup } from './agent-token.ts';
import { statusOf, toAgent } from './answers.ts';
import { readBody } from './body.ts';
import { HttpExchange } from './exchange.ts';
import { type Providers, type Route, routeOf } from './route.ts';
import { HOP_BY_HOP, Upstream } from './upstream.ts';

export interface HttpDirectory extends TokenLookup {
  freshen(): Promise<void>;
  isLive(tokenId: string): boolean;
}

export interface HttpProtocolOptions {
  readonly listen: ListenAddress;
  readonly directory: HttpDirectory;
  readonly providers: Providers;
  readonly pipeline: Pipeline;
  readonly clock: Clock;
}

/** What one agent does over one connection. */
interface Session {
  readonly facts: SessionFacts;
  readonly token: TokenVerifier;
  readonly socket: Socket;
}

const LIVENESS_MS = 1_000;

export function createHttpProtocol(options: HttpProtocolOptions): Protocol {
  return new HttpGateway(options);
}

class HttpGateway implements Protocol {
  readonly name = 'http';
  readonly #options: HttpProtocolOptions;
  readonly #server: Server;
  readonly #upstreams: ReadonlyMap<Provider, Upstream>;
  readonly #sessions = new Map<Socket, Map<string, Session>>();
  #liveness: NodeJS.Timeout | null = null;
  #isClosed = false;

  constructor(options: HttpProtocolOptions) {
    this.#options = options;
    this.#upstreams = new Map(
      [...options.providers.values()].map((provider) => [provider, new Upstream(provider)]),
    );
    this.#server = createServer(
      {
        maxHeaderSize: HTTP_HEAD_BYTES_MAX,
        requestTimeout: HTTP_REQUEST_MS_MAX,
        headersTimeout: HTTP_REQUEST_MS_MAX,
        insecureHTTPParser: false,
        requireHostHeader: true,
        noDelay: true,
      },
      (request, response) => void this.#serve(request, response),
    );
    this.#server.on('upgrade', (_request, socket) => refuseUpgrade(socket));
    this.#server.on('connect', (_request, socket) => refuseUpgrade(socket));
    this.#server.on('clientError', (error, socket) => {
      this.#note('protocol-error', null, error.message);
      if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
      else socket.destroy();
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
    return this.#end(({ token }) => {
      if (tokenId !== undefined && tokenId !== token.tokenId) return false;
      return agentId === undefined || agentId === token.agentId;
    });
  }

  lookAgain(): void {
    this.#end(({ token }) => !this.#options.directory.isLive(token.tokenId));
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#liveness !== null) clearInterval(this.#liveness);
    const closed = new Promise<void>((done) => this.#server.close(() => done()));
    this.#end(() => true);
    this.#server.closeAllConnections();
    await closed;
    await Promise.all([...this.#upstreams.values()].map((upstream) => upstream.close()));
  }

  /** In-flight work included: a socket that is gone gets no answer. */
  #end(matches: (session: Session) => boolean): number {
    let ended = 0;
    for (const sessions of this.#sessions.values()) {
      for (const session of sessions.values()) {
        if (!matches(session)) continue;
        session.socket.destroy();
        ended += 1;
      }
    }
    return ended;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let route: Route | null = null;
    try {
      route = routeOf(request, this.#options.providers, null);
      const token = await this.#admit(request, route.provider);
      const body = await readBody(request);
      const act = await route.provider.read({
        method: request.method ?? '',
        path: route.path,
        search: route.search,
        mediaType: mediaTypeOf(request),
        body,
      });
      const session = this.#sessionOf(request, token);
      await this.#handle({ request, response, route, act, body, session });
    } catch (cause) {
      if (response.headersSent || response.destroyed) return;
      const error = asHoldfastError(cause);
      this.#note('session-refused', request.socket, `${error.code}: ${error.message}`);
      toAgent(response, route?.provider ?? null, statusOf(error.code), {
        code: error.code,
        message: error.message,
        detail: 'Nothing was sent on.',
        hint: error.hint,
        position: null,
      });
    }
  }

  async #handle({ request, response, route, act, body, session }: Unit): Promise<void> {
    const upstream = this.#upstreams.get(route.provider);
    const { token } = session;
    if (upstream === undefined) throw new Error(`no way to ${route.provider.name}`);
    const exchange = new HttpExchange({
      actor: { kind: 'agent', id: token.agentId, name: token.agentName, tokenId: token.tokenId },
      session: session.facts,
      act,
      line: `${request.method} ${route.provider.name} ${route.path}${route.search}`,
      refuse: (refusal: Refusal) =>
        toAgent(response, route.provider, statusOf(refusal.code), refusal),
      forward: async (report) => {
        if (!this.#options.directory.isLive(token.tokenId) || response.destroyed) {
          report?.({ kind: 'not-forwarded', reason: 'the agent had gone, or its token had ended' });
          response.destroy();
          return;
        }
        const outcome = await upstream.send(
          {
            method: request.method ?? '',
            path: `${route.path}${route.search}`,
            headers: passedOn(request, route.provider, body),
            body,
          },
          response,
          (_code, words) => toAgent(response, route.provider, 502, lost(route.provider, words)),
        );
        report?.(outcome);
      },
    });
    await this.#options.pipeline.handle(exchange);
  }

  /** Throws HF_AUTH_FAILED, or HF_CREDENTIAL_FOREIGN after it was noted. */
  async #admit(request: IncomingMessage, provider: Provider): Promise<TokenVerifier> {
    const { directory } = this.#options;
    const look = () => senderOf(request.headers, provider.credentialHeaders, directory);
    let sender = look();
    if (sender.kind === 'unknown') {
      await directory.freshen();
      sender = look();
    }
    switch (sender.kind) {
      case 'agent':
        if (directory.isLive(sender.token.tokenId)) return sender.token;
        throw notAccepted('one that has ended');
      case 'foreign':
        this.#note(
          'foreign-credential',
          request.socket,
          `a credential that is not Holdfast's came for ${provider.name} in ${sender.header}: ${sender.fingerprint}`,
          { provider: provider.name, header: sender.header, fingerprint: sender.fingerprint },
        );
        throw foreign(provider);
      case 'unknown':
        throw notAccepted('another');
      case 'nobody':
        throw notAccepted('none');
      default:
        return sender satisfies never;
    }
  }

  #sessionOf(request: IncomingMessage, token: TokenVerifier): Session {
    const { socket } = request;
    let sessions = this.#sessions.get(socket);
    if (sessions === undefined) {
      sessions = new Map();
      this.#sessions.set(socket, sessions);
      socket.once('close', () => this.#left(socket));
    }
    const known = sessions.get(token.tokenId);
    if (known !== undefined) return known;
    const facts: SessionFacts = {
      id: newId('session', this.#options.clock),
      protocol: 'http',
      source: sourceOf(socket),
      client: request.headers['user-agent'] ?? '',
    };
    const session = { facts, token, socket };
    sessions.set(token.tokenId, session);
    this.#note('session-opened', socket, `${token.agentName} opened a session`, of(session));
    return session;
  }

  #left(socket: Socket): void {
    for (const session of this.#sessions.get(socket)?.values() ?? []) {
      this.#note('session-closed', socket, 'the connection ended', of(session));
    }
    this.#sessions.delete(socket);
  }

  #note(
    kind:
      | 'protocol-error'
      | 'session-refused'
      | 'session-opened'
      | 'session-closed'
      | 'foreign-credential',
    socket: Socket | null,
    message: string,
    facts: Readonly<Record<string, string | null>> = {},
  ): void {
    const source = socket === null ? 'unknown' : sourceOf(socket);
    this.#options.pipeline.note({ kind, facts: { source, ...facts }, message });
  }
}

interface Unit {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly route: Route;
  readonly act: ProviderAct;
  readonly body: Buffer;
  readonly session: Session;
}

function of({ facts, token }: Session): Readonly<Record<string, string>> {
  return { session: facts.id, agent: token.agentName, token: token.tokenId, client: facts.client };
}

function sourceOf(socket: Socket): string {
  return `${socket.remoteAddress ?? 'unknown'}:${socket.remotePort ?? 0}`;
}

function mediaTypeOf({ headers }: IncomingMessage): string {
  return (headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}

/** Ours to say, or a way to change what the rest means. */
const NOT_PASSED_ON = new Set([
  ...HOP_BY_HOP,
  'host',
  'content-length',
  'content-encoding',
  'accept-encoding',
  'expect',
  'cookie',
  'authorization',
  'x-http-method-override',
  'x-method-override',
  'x-http-method',
  'forwarded',
]);

function passedOn(
  { headers, headersDistinct }: IncomingMessage,
  provider: Provider,
  body: Buffer,
): Record<string, string | string[]> {
  const listed = new Set(
    (headers.connection ?? '').split(',').map((one) => one.trim().toLowerCase()),
  );
  const passed: Record<string, string | string[]> = {};
  for (const [name, values] of Object.entries(headersDistinct)) {
    if (values === undefined || NOT_PASSED_ON.has(name) || listed.has(name)) continue;
    if (provider.credentialHeaders.includes(name) || name.startsWith('x-forwarded-')) continue;
    passed[name] = values;
  }
  // An answer that is packed could not be looked at.
  passed['accept-encoding'] = 'identity';
  if (body.length > 0) passed['content-length'] = String(body.length);
  return passed;
}

function refuseUpgrade(socket: { end(text: string): unknown }): void {
  socket.end('HTTP/1.1 501 Not Implemented\r\nConnection: close\r\n\r\n');
}

function lost(provider: Provider, words: string): Refusal {
  return {
    code: 'HF_UPSTREAM_LOST',
    message: `${ERRORS.HF_UPSTREAM_LOST.title}: ${provider.name} gave no answer (${words}).`,
    detail: 'It may or may not have happened.',
    hint: 'Look at what is there before doing it again.',
    position: null,
  };
}

function notAccepted(found: string): HoldfastError {
  return new HoldfastError('HF_AUTH_FAILED', {
    expected: 'the token of an agent',
    found,
    hint: 'Use the Holdfast token you were given, or ask a person for a new one: holdfast agents token NAME.',
  });
}

function foreign({ name }: Provider): HoldfastError {
  return new HoldfastError('HF_CREDENTIAL_FOREIGN', {
    expected: "the agent's Holdfast token",
    found: `another credential for ${name}`,
    hint: 'Do not use credentials you find. Use the token you were given; people have been told of this.',
  });
}

function asHoldfastError(cause: unknown): HoldfastError {
  if (cause instanceof HoldfastError) return cause;
  return new HoldfastError('HF_INTERNAL', {
    expected: 'a request',
    found: cause instanceof Error ? cause.message : String(cause),
    hint: 'Nothing was forwarded. Report this as a fault of Holdfast.',
    cause,
  });
}

function cannotListen(host: string, port: number, cause: NodeJS.ErrnoException): HoldfastError {
  return new HoldfastError('HF_CONFIG_INVALID', {
    expected: `to listen on ${host}:${port}`,
    found: cause.code ?? cause.message,
    hint: 'Stop what uses the port, or set another in holdfast.yaml: http.port.',
    cause,
  });
}
