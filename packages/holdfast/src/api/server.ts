/**
 * The API and the dashboard, on one address of their own. Each request, in this order:
 *
 *   host and origin (rebinding, cross-site) -> rate of the address, or of a known browser -> attempts -> who asks -> their own rate
 *     -> may they -> recently proved -> shape of what they sent -> asked before? -> handler
 *     -> shape of the answer
 *
 * It decides nothing by itself: a route says whom it is for (`contract/`), `identity/` says who may. What
 * it will not do: take a cookie from another site's page, or one without our page's secret, answer with
 * anything the contract does not name, or tell whoever asks what broke inside.
 */
import { timingSafeEqual } from 'node:crypto';
import { existsSync } from 'node:fs';
import { sep } from 'node:path';
import { Readable } from 'node:stream';
import cookies from '@fastify/cookie';
import rateLimit from '@fastify/rate-limit';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { KnownBrowsers } from '../identity/known-browsers.ts';
import { mayDo, type Principal } from '../identity/principal.ts';
import { isTooOld, proofTooOld } from '../identity/proof-age.ts';
import { hashSecret } from '../identity/secrets.ts';
import type { Clock } from '../model/clock.ts';
import { HoldfastError } from '../model/errors.ts';
import {
  API_BODY_BYTES_MAX,
  API_REQUESTS_PER_MINUTE_MAX,
  ATTEMPTS_OF_NAME_MAX,
  SESSION_LIFE_MS_MAX,
  STREAM_BEAT_MS,
} from '../model/limits.ts';
import { Attempts } from './attempts.ts';
import { ROUTES, type RouteName } from './contract/index.ts';
import type { Route } from './contract/route.ts';
import type { Around, Ask, Cookies, FileAnswer, Handlers, StreamEvent } from './handler.ts';
import type { Answered, Idempotency } from './idempotency.ts';
import type { Metrics } from './metrics.ts';
import { Origin } from './origin.ts';
import { problemOf } from './problem.ts';
import { Rates, tooMany } from './rates.ts';
import { type Checks, readinessOf } from './readiness.ts';
import { forbidden, given, known, notForAgents, notSignedIn, statusOf } from './refusals.ts';
import { attemptKeyOf, deviceKeyOf, lastEventIdOf, pageOf, whoOf } from './request.ts';
import { eventText, heldPieces, OpenStreams } from './streams.ts';
import { COOKIE_NAMES, UNATTENDED_HEADER, type WhoAsks } from './who.ts';

export interface ApiParts {
  readonly handlers: Handlers;
  readonly who: WhoAsks;
  readonly browsers: Pick<KnownBrowsers, 'mark' | 'people'>;
  readonly clock: Clock;
  /** Where people's browsers see us: scheme, host and port. */
  readonly url: URL;
  /** The built dashboard; null: the API alone. */
  readonly dashboardFolder: string | null;
  readonly idempotency: Idempotency;
  /** Null: there is no `/metrics`. */
  readonly metrics: Metrics | null;
  /** For a scraper, which is nobody; null: only for who may read metrics. */
  readonly metricsToken: () => string | null;
  /** What `/readyz` asks, by the name of the part. */
  readonly checks: Checks;
  /** STREAM_BEAT_MS when left out. */
  readonly beatMs?: number;
  /** What went wrong inside, for the operator's log. */
  readonly trouble: (error: unknown) => void;
}

export interface ApiAddress {
  readonly host: string;
  readonly port: number;
}

interface CookiesRead {
  readonly found: Cookies;
  readonly knownAs: Around['knownAs'];
}

const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';
const NEVER = new AbortController();
/** Node takes no head of a request that is longer. */
const PATH_PART_CHARS_MAX = 16 * 1024;
const DEVICE_SECONDS = 365 * 24 * 60 * 60;

const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "manifest-src 'self'",
    "worker-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    // For the address of the service worker, which is ours; nothing else becomes a script or markup.
    'trusted-types holdfast-worker',
  ].join('; '),
  'x-frame-options': 'DENY',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'publickey-credentials-get=(self), publickey-credentials-create=(self)',
};

export class Api {
  readonly #parts: ApiParts;
  readonly #origin: Origin;
  readonly #app: FastifyInstance;
  readonly #attempts: Attempts;
  readonly #attemptsOfName: Attempts;
  readonly #rates: Rates;
  readonly #streams = new OpenStreams();
  /** Of streams that are open. */
  readonly #cookiesRead = new WeakMap<FastifyRequest, CookiesRead>();
  readonly #gone = new Set<AbortController>();

  private constructor(parts: ApiParts) {
    this.#parts = parts;
    this.#origin = new Origin(parts.url);
    this.#attempts = new Attempts(parts.clock);
    this.#attemptsOfName = new Attempts(parts.clock, ATTEMPTS_OF_NAME_MAX, 'for one name');
    this.#rates = new Rates(parts.clock);
    this.#app = fastify({
      bodyLimit: API_BODY_BYTES_MAX,
      // What stands between is ours to trust only when it is declared; the peer's address is the source.
      trustProxy: false,
      // The contract bounds what stands in a path; a longer one than the router likes would be answered by it.
      routerOptions: { maxParamLength: PATH_PART_CHARS_MAX },
      // A path that cannot be decoded is refused before any hook of ours.
      frameworkErrors: (error, _, reply) => this.#fail(error, reply),
      forceCloseConnections: true,
    });
  }

  static async create(parts: ApiParts): Promise<Api> {
    const api = new Api(parts);
    await api.#build();
    return api;
  }

  /** Port 0 takes a free one. */
  async listen(address: ApiAddress): Promise<ApiAddress> {
    // The configuration is frozen, and the framework writes into what it is given.
    await this.#app.listen({ ...address });
    const at = this.#app.server.address();
    if (at === null || typeof at === 'string') return address;
    this.#origin.listensOn({ host: address.host, port: at.port });
    return { host: address.host, port: at.port };
  }

  /** As a request over the wire, without one: for the command line beside the store. */
  get inject(): FastifyInstance['inject'] {
    return this.#app.inject.bind(this.#app);
  }

  close(): Promise<void> {
    for (const gone of [...this.#gone]) gone.abort();
    return this.#app.close();
  }

  async #build(): Promise<void> {
    const app = this.#app;
    await app.register(cookies);
    await app.register(rateLimit, {
      max: API_REQUESTS_PER_MINUTE_MAX,
      timeWindow: 60_000,
      enableDraftSpec: true,
      keyGenerator: (request: FastifyRequest) => {
        const { found, knownAs } = this.#cookiesOf(request);
        return knownAs.length > 0 ? deviceKeyOf(found.device ?? '') : request.ip;
      },
      errorResponseBuilder: () => tooMany('one address, or browser'),
    });
    app.addHook('onRequest', async (request, reply) => {
      reply.headers({ ...HEADERS, ...this.#origin.headers() });
      if (request.url.startsWith('/v1/')) reply.header('cache-control', 'no-store');
      this.#origin.check(request);
    });
    app.setErrorHandler((error, _, reply) => this.#fail(error, reply));
    app.setNotFoundHandler((request, reply) => this.#notFound(request, reply));
    this.#machines();
    for (const name of routeNames()) this.#route(name);
    const folder = this.#parts.dashboardFolder;
    if (folder !== null && existsSync(folder)) {
      const { default: files } = await import('@fastify/static');
      await app.register(files, {
        root: folder,
        wildcard: false,
        cacheControl: false,
        // What has its hash in its name never changes; the page that names them may at each upgrade.
        setHeaders: (reply, path) => {
          const isHashed = path.includes(`${sep}assets${sep}`);
          reply.header(
            'cache-control',
            isHashed ? 'public, max-age=31536000, immutable' : 'no-cache',
          );
        },
      });
    }
    await app.ready();
  }

  /** For machines that look after this one: not of the versioned API, and without a session. */
  #machines(): void {
    const { checks, metrics, metricsToken } = this.#parts;
    this.#app.get('/healthz', async () => ({ ok: true }));
    this.#app.get('/readyz', async (_, reply) => {
      const readiness = await readinessOf(checks);
      return reply.status(readiness.ok ? 200 : 503).send(readiness);
    });
    if (metrics === null) return;
    this.#app.get('/metrics', async (request, reply) => {
      const token = metricsToken();
      const shown = request.headers.authorization ?? '';
      if (token === null || !isSameText(shown, `Bearer ${token}`)) {
        const { principal } = await this.#around(request, reply);
        if (principal === null) throw notSignedIn();
        if (!mayDo(principal, 'metrics.read')) throw forbidden(principal, 'metrics.read');
      }
      return reply.type(metrics.contentType).send(await metrics.text());
    });
  }

  #route(name: RouteName): void {
    const route: Route = ROUTES[name];
    const handler: (ask: Ask<Route>) => Promise<unknown> = this.#parts.handlers[name];
    this.#app.route({
      method: route.method,
      url: route.path,
      handler: async (request, reply) => {
        // A page opens its events again by itself.
        const around = await this.#around(request, reply, route.stream !== 'text/event-stream');
        // Of who is signed in, by themselves: nobody else at their address shuts them out.
        if (route.isAttempt) this.#attempts.count(attemptKeyOf(around, request.ip));
        this.#countPerson(around.principal, reply);
        this.#admit(route, around.principal);
        const ask = {
          ...around,
          params: given(route.params, request.params, 'in the path'),
          query: given(route.query, request.query, 'in the query'),
          body: given(route.body, request.body ?? {}, 'in the body'),
        };
        if (name === 'signIn.code') this.#countName(around, ask.body);
        if (route.stream !== null) return await this.#stream(route, handler, ask, request, reply);
        const { json, status } = await this.#answer(name, route, handler, ask, request);
        const type = status === 200 ? 'application/json; charset=utf-8' : PROBLEM_TYPE;
        return reply.status(status).type(type).send(json);
      },
      onResponse: (_, reply, done) => {
        this.#parts.metrics?.answered(name, reply.statusCode, reply.elapsedTime / 1000);
        done();
      },
    });
  }

  async #answer(
    name: RouteName,
    route: Route,
    handler: (ask: Ask<Route>) => Promise<unknown>,
    ask: Ask<Route>,
    request: FastifyRequest,
  ): Promise<Answered> {
    const work = async (): Promise<Answered> => {
      const json = JSON.stringify(route.answer.parse(await handler(ask)));
      return { status: 200, json };
    };
    const key = request.headers['idempotency-key'];
    const { body, params, principal, query } = ask;
    // Of nobody there is nobody to keep it for; what only reads may be asked as often as one likes.
    if (key === undefined || principal === null || route.method !== 'POST') return await work();
    return await this.#parts.idempotency.once(
      {
        principal,
        key: String(key),
        route: name,
        params,
        query,
        body,
        isSecret: route.showsSecret,
      },
      () => work().catch((error: unknown) => this.#failed(error)),
    );
  }

  async #stream(
    route: Route,
    handler: (ask: Ask<Route>) => Promise<unknown>,
    ask: Ask<Route>,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<FastifyReply> {
    const { principal } = ask;
    const leave = this.#streams.enter(whoOf(principal, ask.source));
    const gone = new AbortController();
    reply.raw.once('close', () => {
      leave();
      gone.abort();
    });
    this.#gone.add(gone);
    gone.signal.addEventListener('abort', () => this.#gone.delete(gone));
    const answer = await handler({ ...ask, gone: gone.signal });
    const file = fileIn(answer);
    const pieces = file?.pieces ?? answer;
    const beatMs = this.#parts.beatMs ?? STREAM_BEAT_MS;
    const maySay = async (): Promise<boolean> => {
      const again = (await this.#around(request, reply, false)).principal;
      try {
        this.#admit(route, again);
        return true;
      } catch {
        return false;
      }
    };
    if (!isPieces(pieces)) throw new Error('a stream has no pieces');
    if (route.stream !== 'text/event-stream') {
      const name = file?.name ?? 'holdfast-trail.jsonl';
      const type = file === null ? 'application/jsonl' : `${file.type}; charset=utf-8`;
      reply.header('content-disposition', `attachment; filename="${name}"`);
      const held = heldPieces(pieces, { gone: gone.signal, beatMs, maySay });
      return await reply.type(type).send(Readable.from(held));
    }
    const text = eventText(events(pieces), {
      gone: gone.signal,
      beatMs,
      maySay,
      shown: (data) => route.answer.parse(data),
      trouble: this.#parts.trouble,
    });
    reply.header('x-accel-buffering', 'no');
    return await reply.type('text/event-stream; charset=utf-8').send(Readable.from(text));
  }

  /** A person may have many addresses, and an address many people: both are counted. */
  #countPerson(principal: Principal | null, reply: FastifyReply): void {
    if (principal === null || principal.kind === 'machine') return;
    const { limit, remaining, resetSeconds } = this.#rates.count(whoOf(principal, ''));
    const ofAddress = Number(reply.getHeader('ratelimit-remaining') ?? limit);
    if (remaining < ofAddress) {
      reply.headers({
        'ratelimit-limit': limit,
        'ratelimit-remaining': Math.max(0, remaining),
        'ratelimit-reset': resetSeconds,
      });
    }
    if (remaining >= 0) return;
    reply.header('retry-after', resetSeconds);
    throw tooMany('one person');
  }

  /**
   * Of who is not signed in: how often one-time codes of a name are tried by strangers, and by each known browser.
   * Recovery codes are not counted with them: nobody guesses one, and they are the way in when strangers have
   * used the others up.
   */
  #countName({ cookies, knownAs, principal }: Around, body: unknown): void {
    if (principal !== null || typeof body !== 'object' || body === null) return;
    if (!('name' in body) || !('code' in body) || typeof body.name !== 'string') return;
    const from = knownAs.length > 0 ? deviceKeyOf(cookies.device ?? '') : 'strangers';
    this.#attemptsOfName.count(`${from}, of ${body.name}`);
  }

  /** Read once for each request: the mark of a browser costs a MAC. */
  #cookiesOf(request: FastifyRequest): CookiesRead {
    const before = this.#cookiesRead.get(request);
    if (before !== undefined) return before;
    const names = this.#cookieNames();
    const found = {
      session: request.cookies[names.session] ?? null,
      device: request.cookies[names.device] ?? null,
    };
    const mark = request.cookies[names.known] ?? null;
    const read = { found, knownAs: this.#parts.browsers.people(found.device, mark) };
    this.#cookiesRead.set(request, read);
    return read;
  }

  #cookieNames() {
    return COOKIE_NAMES[this.#origin.isSecure ? 'secure' : 'plain'];
  }

  async #around(request: FastifyRequest, reply: FastifyReply, isUse = true): Promise<Around> {
    const names = this.#cookieNames();
    const { found, knownAs } = this.#cookiesOf(request);
    const settings = {
      path: '/',
      httpOnly: true,
      sameSite: 'strict',
      secure: this.#origin.isSecure,
    } as const;
    const keepDevice = (device: string): void => {
      reply.setCookie(names.device, device, { ...settings, maxAge: DEVICE_SECONDS });
    };
    return {
      principal: await this.#parts.who.find({
        authorization: request.headers.authorization ?? null,
        cookies: found,
        page: pageOf(request),
        isUse: isUse && request.headers[UNATTENDED_HEADER] !== 'yes',
      }),
      knownAs,
      source: request.ip,
      userAgent: request.headers['user-agent'] ?? '',
      cookies: found,
      lastEventId: lastEventIdOf(request),
      gone: NEVER.signal,
      keepSession: (session) => {
        if (session === null) {
          reply.clearCookie(names.session, settings);
          return;
        }
        const { device, personId, secret } = session;
        const maxAge = SESSION_LIFE_MS_MAX / 1000;
        reply.setCookie(names.session, secret, { ...settings, maxAge });
        if (device === null) return;
        keepDevice(device);
        const mark = this.#parts.browsers.mark(device, [...knownAs, personId]);
        reply.setCookie(names.known, mark, { ...settings, maxAge: DEVICE_SECONDS });
      },
      keepDevice,
    };
  }

  #admit({ access, wantsRecentProof }: Route, principal: Principal | null): void {
    if (access === 'anyone') return;
    if (principal === null) throw notSignedIn();
    if (principal.kind === 'agent') {
      if (access !== 'agent') throw notForAgents();
      return;
    }
    const permission = access === 'agent' ? 'holds.read' : access;
    if (permission === 'signed-in' ? principal.kind !== 'person' : !mayDo(principal, permission)) {
      throw forbidden(principal, permission);
    }
    if (wantsRecentProof && principal.kind === 'person') {
      if (isTooOld(principal.provedAt, this.#parts.clock.now())) throw proofTooOld();
    }
  }

  #fail(error: unknown, reply: FastifyReply): FastifyReply {
    const { json, status } = this.#failed(error);
    reply.headers({ ...HEADERS, ...this.#origin.headers() });
    return reply.status(status).type(PROBLEM_TYPE).send(json);
  }

  #failed(error: unknown): Answered {
    const problem = problemOf(known(error));
    if (problem.code === 'HF_INTERNAL') this.#parts.trouble(error);
    const status = statusOf(error) ?? problem.status;
    return { status, json: JSON.stringify({ ...problem, status }) };
  }

  /** A page of the dashboard has its own address in the browser; its file is always the same. */
  #notFound(request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const isPage = request.method === 'GET' && !/^\/(v1|assets)\//.test(request.url);
    const folder = this.#parts.dashboardFolder;
    if (isPage && folder !== null && existsSync(folder)) {
      return reply.sendFile('index.html');
    }
    const nothing = new HoldfastError('HF_NOT_FOUND', {
      expected: 'a route of /v1/openapi.json',
      found: `${request.method} ${request.url.split('?')[0]?.slice(0, 200)}`,
      hint: 'See the list of routes there.',
    });
    return this.#fail(nothing, reply);
  }
}

/** Null: the answer is no file. */
function fileIn(answer: unknown): FileAnswer | null {
  return isFile(answer) ? answer : null;
}

function isFile(answer: unknown): answer is FileAnswer {
  return typeof answer === 'object' && answer !== null && 'pieces' in answer;
}

function isPieces(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

/** As a handler of the contract gives them. */
async function* events(pieces: AsyncIterable<unknown>): AsyncGenerator<StreamEvent<unknown>> {
  for await (const piece of pieces) {
    if (typeof piece !== 'object' || piece === null || !('data' in piece)) continue;
    const id = 'id' in piece && typeof piece.id === 'string' ? piece.id : null;
    yield { id, data: piece.data };
  }
}

function isSameText(one: string, other: string): boolean {
  return timingSafeEqual(hashSecret(one), hashSecret(other));
}

function routeNames(): readonly RouteName[] {
  return Object.keys(ROUTES).filter((name): name is RouteName => Object.hasOwn(ROUTES, name));
}
