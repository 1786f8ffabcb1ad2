/**
 * The API and the dashboard, on one address of their own. Each request, in this order:
 *
 *   host and origin (rebinding, cross-site) -> rate -> attempts -> who asks -> may they -> recently proved
 *     -> shape of what they sent -> handler -> shape of the answer
 *
 * It decides nothing by itself: a route says whom it is for (`contract/`), `identity/` says who may. What
 * it will not do: take a cookie from another site's page, answer with anything the contract does not
 * name, or tell whoever asks what broke inside.
 */
import { existsSync } from 'node:fs';
import cookies from '@fastify/cookie';
import rateLimit from '@fastify/rate-limit';
import files from '@fastify/static';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { mayDo, type Principal } from '../identity/principal.ts';
import type { Clock } from '../model/clock.ts';
import { HoldfastError } from '../model/errors.ts';
import { API_BODY_BYTES_MAX, PROVED_MS_MAX, SESSION_LIFE_MS_MAX } from '../model/limits.ts';
import { Attempts } from './attempts.ts';
import { ROUTES, type RouteName } from './contract/index.ts';
import type { Route } from './contract/route.ts';
import type { Around, Ask, Handlers } from './handler.ts';
import { Origin } from './origin.ts';
import { problemOf } from './problem.ts';
import { COOKIE_NAMES, type WhoAsks } from './who.ts';

export interface ApiParts {
  /** A route of the contract without one is not there yet. */
  readonly handlers: Partial<Handlers>;
  readonly who: WhoAsks;
  readonly clock: Clock;
  /** Where people's browsers see us: scheme, host and port. */
  readonly url: URL;
  /** The built dashboard; null: the API alone. */
  readonly dashboardFolder: string | null;
  /** What went wrong inside, for the operator's log. */
  readonly trouble: (error: unknown) => void;
}

export interface ApiAddress {
  readonly host: string;
  readonly port: number;
}

/** Requests of one address in a minute; signing in is counted apart, and more tightly. */
const REQUESTS_PER_MINUTE_MAX = 1_200;
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

  private constructor(parts: ApiParts) {
    this.#parts = parts;
    this.#origin = new Origin(parts.url);
    this.#attempts = new Attempts(parts.clock);
    this.#app = fastify({
      bodyLimit: API_BODY_BYTES_MAX,
      // What stands between is ours to trust only when it is declared; the peer's address is the source.
      trustProxy: false,
      routerOptions: { maxParamLength: 200 },
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
    await this.#app.listen(address);
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
    return this.#app.close();
  }

  async #build(): Promise<void> {
    const app = this.#app;
    await app.register(cookies);
    await app.register(rateLimit, {
      max: REQUESTS_PER_MINUTE_MAX,
      timeWindow: 60_000,
      errorResponseBuilder: () => tooMany(),
    });
    app.addHook('onRequest', async (request, reply) => {
      reply.headers({ ...HEADERS, ...this.#origin.headers() });
      if (request.url.startsWith('/v1/')) reply.header('cache-control', 'no-store');
      this.#origin.check(request);
    });
    app.setErrorHandler((error, _, reply) => this.#fail(error, reply));
    app.setNotFoundHandler((request, reply) => this.#notFound(request, reply));
    app.get('/healthz', async () => ({ ok: true }));
    for (const name of routeNames()) this.#route(name);
    const folder = this.#parts.dashboardFolder;
    if (folder !== null && existsSync(folder)) {
      await app.register(files, { root: folder, wildcard: false, immutable: true, maxAge: '1y' });
    }
    await app.ready();
  }

  #route(name: RouteName): void {
    const route: Route = ROUTES[name];
    const handler: ((ask: Ask<Route>) => Promise<unknown>) | undefined = this.#parts.handlers[name];
    if (handler === undefined) return;
    this.#app.route({
      method: route.method,
      url: route.path,
      handler: async (request, reply) => {
        if (route.isAttempt) this.#attempts.count(request.ip);
        const around = await this.#around(request, reply);
        this.#admit(route, around.principal);
        const ask = {
          ...around,
          params: given(route.params, request.params, 'in the path'),
          query: given(route.query, request.query, 'in the query'),
          body: given(route.body, request.body ?? {}, 'in the body'),
        };
        return reply.send(route.answer.parse(await handler(ask)));
      },
    });
  }

  async #around(request: FastifyRequest, reply: FastifyReply): Promise<Around> {
    const names = COOKIE_NAMES[this.#origin.isSecure ? 'secure' : 'plain'];
    const found = {
      session: request.cookies[names.session] ?? null,
      device: request.cookies[names.device] ?? null,
    };
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
      principal: await this.#parts.who.find(request.headers.authorization ?? null, found),
      source: request.ip,
      userAgent: request.headers['user-agent'] ?? '',
      cookies: found,
      lastEventId: null,
      gone: new AbortController().signal,
      keepSession: (session) => {
        if (session === null) {
          reply.clearCookie(names.session, settings);
          return;
        }
        const { device, secret } = session;
        const maxAge = SESSION_LIFE_MS_MAX / 1000;
        reply.setCookie(names.session, secret, { ...settings, maxAge });
        if (device !== null) keepDevice(device);
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
      const ageMs = this.#parts.clock.now().getTime() - principal.provedAt.getTime();
      if (ageMs > PROVED_MS_MAX) throw proofTooOld();
    }
  }

  #fail(error: unknown, reply: FastifyReply): FastifyReply {
    const problem = problemOf(known(error));
    if (problem.code === 'HF_INTERNAL') this.#parts.trouble(error);
    return reply
      .status(statusOf(error) ?? problem.status)
      .type('application/problem+json')
      .send(JSON.stringify(problem));
  }

  /** A page of the dashboard has its own address in the browser; its file is always the same. */
  #notFound(request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const isPage = request.method === 'GET' && !/^\/(v1|assets)\//.test(request.url);
    const folder = this.#parts.dashboardFolder;
    if (isPage && folder !== null && existsSync(folder)) {
      return reply.sendFile('index.html', { immutable: false, maxAge: 0 });
    }
    const nothing = new HoldfastError('HF_NOT_FOUND', {
      expected: 'a route of /v1/openapi.json',
      found: `${request.method} ${request.url.split('?')[0]?.slice(0, 200)}`,
      hint: 'See the list of routes there.',
    });
    return this.#fail(nothing, reply);
  }
}

function routeNames(): readonly RouteName[] {
  return Object.keys(ROUTES).filter((name): name is RouteName => Object.hasOwn(ROUTES, name));
}

function given(schema: z.ZodType, value: unknown, where: string): unknown {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const place = issue?.path.join('.') || 'it';
  throw new HoldfastError('HF_USAGE', {
    expected: `what /v1/openapi.json describes ${where}`,
    found: `${place}: ${issue?.message ?? 'something else'}`.slice(0, 500),
    hint: 'Mend the request; nothing was done.',
  });
}

/** What the framework itself refuses, in our words. */
function known(error: unknown): unknown {
  if (error instanceof HoldfastError) return error;
  const status = statusOf(error);
  if (status === undefined || status >= 500 || !(error instanceof Error)) return error;
  return new HoldfastError(status === 413 ? 'HF_LIMIT' : 'HF_USAGE', {
    expected: `a request as /v1/openapi.json describes it, of at most ${API_BODY_BYTES_MAX} bytes`,
    found: error.message.slice(0, 200),
    hint: 'Mend the request; nothing was done.',
  });
}

function statusOf(error: unknown): number | undefined {
  if (error instanceof HoldfastError || typeof error !== 'object' || error === null)
    return undefined;
  return 'statusCode' in error && typeof error.statusCode === 'number'
    ? error.statusCode
    : undefined;
}

function tooMany(): Error {
  return new HoldfastError('HF_TOO_MANY', {
    expected: `at most ${REQUESTS_PER_MINUTE_MAX} requests of one address in a minute`,
    found: 'more',
    hint: 'Wait a minute, and ask less often.',
  });
}

function notSignedIn(): HoldfastError {
  return new HoldfastError('HF_SIGN_IN', {
    expected: 'a session of a person',
    found: 'none that is open',
    hint: 'Sign in on the dashboard, or with holdfast login.',
  });
}

function notForAgents(): HoldfastError {
  return new HoldfastError('HF_FORBIDDEN', {
    expected: 'a person',
    found: 'an agent with its token',
    hint: 'Ask a person. There is no other way for an agent to decide, and looking for one is recorded.',
  });
}

function forbidden(principal: Principal, permission: string): HoldfastError {
  const found =
    principal.kind === 'person'
      ? `${principal.name}, who is ${principal.roles.join(', ') || 'nobody yet'}`
      : 'the machine itself, where only a person can';
  return new HoldfastError('HF_FORBIDDEN', {
    expected: `somebody who may ${permission}`,
    found,
    hint: 'Ask an owner; docs/roles.md has the table.',
  });
}

function proofTooOld(): HoldfastError {
  return new HoldfastError('HF_SIGN_IN', {
    expected: `a proof that you are there, not older than ${PROVED_MS_MAX / 60_000} minutes`,
    found: 'an older one',
    hint: 'Prove it again with your passkey or a code, then repeat this.',
  });
}
