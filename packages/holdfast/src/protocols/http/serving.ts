/**
 * One request is one unit. The order kept for each:
 *
 *   route -> whose token -> the whole body, within limits -> what would it do, and where (the provider)
 *     -> is the token for there -> the pipeline -> answer
 *
 * What it will not do: send on a credential that an agent brought, a header that describes our own
 * connection, or a byte of a request that was not judged as it is sent; keep the framing of the sender;
 * say whether a token exists.
 */
import type { TokenVerifier } from '../../identity/agent-directory.ts';
import type { Clock } from '../../model/clock.ts';
import { ERRORS, HoldfastError } from '../../model/errors.ts';
import { METHOD_OVERRIDES } from '../../model/http-request.ts';
import type { Refusal } from '../../pipeline/exchange.ts';
import type { Pipeline } from '../../pipeline/pipeline.ts';
import type { InverseKeeper } from '../../protection/inverse.ts';
import type { Provider, ProviderAct, ProviderRequest } from '../../providers/provider.ts';
import { senderOf, type TokenLookup } from './agent-token.ts';
import { asHoldfastError, statusOf, toAgent } from './answers.ts';
import { mediaTypeOf, readBody } from './body.ts';
import { HttpExchange } from './exchange.ts';
import { headerOf, type Incoming, type Response } from './incoming.ts';
import { type Providers, type Route, routeOf } from './route.ts';
import { type Session, Sessions } from './sessions.ts';
import { HOP_BY_HOP, Upstream, upstreamOf } from './upstream.ts';

export interface HttpDirectory extends TokenLookup {
  freshen(): Promise<void>;
  isLive(tokenId: string): boolean;
}

export interface ServingParts {
  readonly directory: HttpDirectory;
  readonly providers: Providers;
  readonly pipeline: Pipeline;
  readonly clock: Clock;
  /** Keeps what takes a change back by its inverse; left out: such a change is held. */
  readonly keeper?: InverseKeeper;
}

interface Unit {
  readonly request: Incoming;
  readonly response: Response;
  readonly route: Route;
  readonly act: ProviderAct;
  readonly asked: ProviderRequest;
  readonly session: Session;
}

export class Serving {
  readonly #parts: ServingParts;
  readonly #upstreams: ReadonlyMap<Provider, Upstream>;
  readonly sessions: Sessions;

  constructor(parts: ServingParts) {
    this.#parts = parts;
    this.sessions = new Sessions(parts.clock, parts.pipeline);
    this.#upstreams = new Map(
      [...parts.providers.values()].map((provider) => [provider, new Upstream(provider)]),
    );
  }

  /** `tunnel`: the host it was opened to; null: our own address. Never rejects. */
  async serve(request: Incoming, response: Response, tunnel: string | null): Promise<void> {
    let route: Route | null = null;
    try {
      route = routeOf(request, this.#parts.providers, tunnel);
      const token = await this.admit(request, route.provider);
      const body = await readBody(request);
      const { path, search } = route;
      const { method } = request;
      const asked = { method, path, search, mediaType: mediaTypeOf(request, body), body };
      const act = await route.provider.read(asked);
      requireScope(token, act);
      const session = this.sessions.of(request, token);
      await this.#handle({ request, response, route, act, asked, session });
    } catch (cause) {
      if (response.headersSent || response.destroyed) return;
      const error = asHoldfastError(cause, 'a request');
      this.note('session-refused', request, `${error.code}: ${error.message}`);
      toAgent(response, route?.provider ?? null, statusOf(error.code), {
        code: error.code,
        message: error.message,
        detail: 'Nothing was sent on.',
        hint: error.hint,
        position: null,
      });
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#upstreams.values()].map((upstream) => upstream.close()));
  }

  /** Throws HF_AUTH_FAILED, or HF_CREDENTIAL_FOREIGN after it was noted. */
  async admit(
    request: Pick<Incoming, 'headers' | 'line'>,
    provider: Provider | null,
  ): Promise<TokenVerifier> {
    const { directory } = this.#parts;
    const look = () => senderOf(request.headers, provider?.credentialHeaders ?? [], directory);
    let sender = look();
    if (sender.kind === 'unknown') {
      await directory.freshen();
      sender = look();
    }
    switch (sender.kind) {
      case 'agent':
        if (directory.isLive(sender.token.tokenId)) return sender.token;
        throw notAccepted('one that has ended');
      case 'foreign': {
        const { fingerprint, header } = sender;
        const name = provider?.name ?? 'a tunnel';
        this.note(
          'foreign-credential',
          request,
          `a credential that is not Holdfast's came for ${name} in ${header}: ${fingerprint}`,
          { provider: name, header, fingerprint },
        );
        throw foreign(name);
      }
      case 'unknown':
        throw notAccepted('another');
      case 'nobody':
        throw notAccepted('none');
      default:
        return sender satisfies never;
    }
  }

  note(
    kind: 'protocol-error' | 'session-refused' | 'foreign-credential' | 'tunnel-opened',
    request: Pick<Incoming, 'line'> | null,
    message: string,
    facts: Readonly<Record<string, string | null>> = {},
  ): void {
    const source = request?.line.source ?? 'unknown';
    this.#parts.pipeline.note({ kind, facts: { source, ...facts }, message });
  }

  async #handle({ request, response, route, act, asked, session }: Unit): Promise<void> {
    const { provider } = route;
    const upstream = this.#upstreams.get(provider);
    const { token } = session;
    if (upstream === undefined) throw new Error(`no way to ${provider.name}`);
    const exchange = new HttpExchange({
      actor: { kind: 'agent', id: token.agentId, name: token.agentName, tokenId: token.tokenId },
      session: session.facts,
      act,
      request: { ...asked, provider: provider.name },
      keeper: this.#parts.keeper ?? null,
      clock: this.#parts.clock,
      readAgain: () => provider.read(asked),
      refuse: (refusal: Refusal) => toAgent(response, provider, statusOf(refusal.code), refusal),
      forward: async (report) => {
        if (!this.#parts.directory.isLive(token.tokenId) || response.destroyed) {
          report?.({ kind: 'not-forwarded', reason: 'the agent had gone, or its token had ended' });
          response.destroy();
          return;
        }
        const outcome = await upstream.send(
          upstreamOf(asked, passedOn(request, provider)),
          response,
          (words) => toAgent(response, provider, 502, lost(provider, words)),
        );
        report?.(outcome);
      },
    });
    await this.#parts.pipeline.handle(exchange);
  }
}

/** A token is for one environment. What reaches others besides is for people to see; what is elsewhere is not its own. */
function requireScope(token: TokenVerifier, { reaches }: ProviderAct): void {
  if (reaches.length === 0) return;
  const mine = reaches.filter(({ environment }) => environment === token.environment);
  const { targets } = token;
  if (mine.some(({ target }) => targets.length === 0 || targets.includes(target))) return;
  throw new HoldfastError('HF_TARGET_FORBIDDEN', {
    expected: `something of environment ${token.environment} that this token is for`,
    found: reaches.map(({ target }) => target).join(', '),
    hint: 'Stay in your environment. If it has to be done, ask a person; do not look for another way.',
  });
}

/** Ours to say, or a way to change what the rest means. */
const NOT_PASSED_ON: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP,
  ...METHOD_OVERRIDES,
  'host',
  'content-length',
  'content-encoding',
  'accept-encoding',
  'expect',
  'cookie',
  'authorization',
  'x-api-key',
  'x-original-url',
  'x-rewrite-url',
  'forwarded',
]);

function passedOn(request: Incoming, provider: Provider): Record<string, string | string[]> {
  const listed = headerOf(request, 'connection').split(',');
  const dropped = new Set(listed.map((one) => one.trim().toLowerCase()));
  const passed: Record<string, string | string[]> = {};
  for (const [name, values] of request.headers) {
    if (NOT_PASSED_ON.has(name) || dropped.has(name)) continue;
    if (provider.credentialHeaders.includes(name) || name.startsWith('x-forwarded-')) continue;
    passed[name] = [...values];
  }
  return passed;
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

function foreign(name: string): HoldfastError {
  return new HoldfastError('HF_CREDENTIAL_FOREIGN', {
    expected: "the agent's Holdfast token",
    found: `another credential for ${name}`,
    hint: 'Do not use credentials you find. Use the token you were given; people have been told of this.',
  });
}
