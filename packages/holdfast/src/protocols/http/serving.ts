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
import type { AgentDirectory, Ended, TokenVerifier } from '../../identity/agent-directory.ts';
import type { TokenUses } from '../../identity/token-uses.ts';
import type { Clock } from '../../model/clock.ts';
import { isHarmless } from '../../model/effect.ts';
import { ERRORS, HoldfastError } from '../../model/errors.ts';
import { type HttpHeader, METHOD_OVERRIDES } from '../../model/http-request.ts';
import type { Refusal } from '../../pipeline/exchange.ts';
import type { Pipeline } from '../../pipeline/pipeline.ts';
import type { InverseKeeper } from '../../protection/inverse.ts';
import type { Provider, ProviderAct, ProviderRequest, Reach } from '../../providers/provider.ts';
import { senderIn, type TokenLookup } from './agent-token.ts';
import { asHoldfastError, statusOf, toAgent } from './answers.ts';
import { discardBody, mediaTypeOf, readBody } from './body.ts';
import { HttpExchange } from './exchange.ts';
import { HOP_BY_HOP, listedIn } from './hop-by-hop.ts';
import { hasLeft, headerOf, type Incoming, type Response } from './incoming.ts';
import { perHead } from './per-head.ts';
import { type Providers, type Route, routeOf } from './route.ts';
import { type Session, Sessions } from './sessions.ts';
import { signedHeadersOf } from './signed-headers.ts';
import { Upstream, upstreamOf } from './upstream.ts';

export type HttpDirectory = TokenLookup & Pick<AgentDirectory, 'freshen' | 'isLive' | 'whyEnded'>;

export interface ServingParts {
  readonly directory: HttpDirectory;
  readonly providers: Providers;
  readonly pipeline: Pipeline;
  readonly clock: Clock;
  /** Keeps what takes a change back by its inverse; left out: such a change is held. */
  readonly keeper?: InverseKeeper;
  /** Left out: last uses of tokens are not kept. */
  readonly uses?: TokenUses;
}

interface Unit {
  readonly request: Incoming;
  readonly response: Response;
  readonly route: Route;
  readonly act: ProviderAct;
  readonly asked: ProviderRequest;
  readonly session: Session;
}

/** A route hangs on the hosts in a head, on the target of the request, and on the tunnel. */
interface KnownRoute {
  readonly url: string;
  readonly tunnel: string | null;
  readonly route: Route;
}

/** What is ready for each provider. */
interface Way {
  readonly upstream: Upstream;
  readonly senderOf: ReturnType<typeof senderIn>;
  readonly passedOn: ReturnType<typeof passedOnTo>;
  readonly signed: (headers: Incoming['headers']) => readonly HttpHeader[];
}

export class Serving {
  readonly #parts: ServingParts;
  readonly #ways: ReadonlyMap<Provider, Way>;
  /** The last of each head (`per-head.ts`). */
  readonly #routes = new WeakMap<Incoming['headers'], KnownRoute>();
  /** Of a tunnel, behind which there is no provider. */
  readonly #senderOfTunnel = senderIn([]);
  readonly sessions: Sessions;

  constructor(parts: ServingParts) {
    this.#parts = parts;
    this.sessions = new Sessions(parts.clock, parts.pipeline, parts.uses ?? null);
    this.#ways = new Map(
      [...parts.providers.values()].map((provider) => {
        const passedOn = passedOnTo(provider);
        const way = {
          upstream: new Upstream(provider),
          senderOf: senderIn(provider.credentialHeaders),
          passedOn,
          signed: perHead((headers) => signedHeadersOf(passedOn(headers))),
        };
        return [provider, way];
      }),
    );
  }

  /** `tunnel`: the host it was opened to; null: our own address. Never rejects. */
  async serve(request: Incoming, response: Response, tunnel: string | null): Promise<void> {
    let route: Route | null = null;
    try {
      route = this.#routeOf(request, tunnel);
      const { path, provider, search } = route;
      // Mostly it is known at once, and waiting for what is known costs a turn of each request.
      const token = this.#known(request, provider) ?? (await this.admit(request, provider));
      const body = await readBody(request);
      const { method } = request;
      const asked = { method, path, search, mediaType: mediaTypeOf(request, body), body };
      const act = await provider.read(asked);
      requireScope(token, act);
      const session = this.sessions.of(request, token);
      await this.#handle({ request, response, route, act, asked, session });
    } catch (cause) {
      if (response.headersSent || hasLeft(response)) return;
      const error = asHoldfastError(cause, 'a request');
      this.note('session-refused', request, `${error.code}: ${error.message}`);
      await discardBody(request);
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
    await Promise.all([...this.#ways.values()].map(({ upstream }) => upstream.close()));
  }

  #routeOf(request: Incoming, tunnel: string | null): Route {
    const { headers, url } = request;
    const last = this.#routes.get(headers);
    if (last !== undefined && last.url === url && last.tunnel === tunnel) return last.route;
    const route = routeOf(request, this.#parts.providers, tunnel);
    this.#routes.set(headers, { url, tunnel, route });
    return route;
  }

  /** An agent whose token is live; null: `admit` says what it is. */
  #known({ headers }: Incoming, provider: Provider): TokenVerifier | null {
    const { directory } = this.#parts;
    const sender = this.#wayTo(provider).senderOf(headers, directory);
    return sender.kind === 'agent' && directory.isLive(sender.token.tokenId) ? sender.token : null;
  }

  /** `places`: instead of the headers of the API's own. Throws HF_AUTH_FAILED, or HF_CREDENTIAL_FOREIGN after it was noted. */
  async admit(
    request: Pick<Incoming, 'headers' | 'line'>,
    provider: Provider | null,
    places?: readonly string[],
  ): Promise<TokenVerifier> {
    const { directory } = this.#parts;
    const senderOf = this.#senderOf(provider, places);
    const look = () => senderOf(request.headers, directory);
    let sender = look();
    if (sender.kind === 'unknown') {
      await directory.freshen();
      sender = look();
    }
    switch (sender.kind) {
      case 'agent':
        if (directory.isLive(sender.token.tokenId)) return sender.token;
        throw endedFor(directory.whyEnded(sender.token));
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

  #senderOf(provider: Provider | null, places?: readonly string[]): ReturnType<typeof senderIn> {
    if (places !== undefined) return senderIn(places);
    return provider === null ? this.#senderOfTunnel : this.#wayTo(provider).senderOf;
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

  #wayTo(provider: Provider): Way {
    const way = this.#ways.get(provider);
    if (way === undefined) throw new Error(`no way to ${provider.name}`);
    return way;
  }

  #handle({ request, response, route, act, asked, session }: Unit): Promise<void> | undefined {
    const { provider } = route;
    const { passedOn, signed, upstream } = this.#wayTo(provider);
    const { token } = session;
    const exchange = new HttpExchange({
      actor: session.actor,
      session: session.facts,
      act,
      place: session.places.of(act.place),
      asked,
      headers: () => signed(request.headers),
      provider: provider.name,
      keeper: this.#parts.keeper ?? null,
      clock: this.#parts.clock,
      readAgain: async () => {
        const again = await provider.read(asked);
        requireScope(token, again);
        return again;
      },
      refuse: (refusal: Refusal) => toAgent(response, provider, statusOf(refusal.code), refusal),
      forward: (report) => {
        if (!this.#parts.directory.isLive(token.tokenId) || hasLeft(response)) {
          report?.({ kind: 'not-forwarded', reason: 'the agent had gone, or its token had ended' });
          response.destroy();
          return undefined;
        }
        return upstream.send(upstreamOf(asked, passedOn(request.headers)), {
          response,
          failed: (words, wasSent) => {
            const refusal = wasSent ? lost(provider, words) : unreached(provider, words);
            toAgent(response, provider, 502, refusal);
          },
          report,
        });
      },
    });
    return this.#parts.pipeline.handle(exchange);
  }
}

/**
 * A token is for one environment, and so is each call of a request by itself: one of its own beside it opens
 * nothing. What a call reaches of others besides is for people to see; what is elsewhere is not its own.
 * What only reads nobody sees, so what is not declared is not its own then, either.
 */
export function requireScope(
  token: TokenVerifier,
  { byCall, reaches, reading }: ProviderAct,
): void {
  const { environment, targets } = token;
  const isMine = (one: Reach): boolean =>
    one.environment === environment && (targets.length === 0 || targets.includes(one.target));
  const calls = byCall ?? (reaches.length === 0 ? [] : [reaches]);
  const isRead = isHarmless(reading);
  const other = calls.find((reached) => !reached.some(isMine) && (reached.length > 0 || isRead));
  if (other === undefined) return;
  throw new HoldfastError('HF_TARGET_FORBIDDEN', {
    expected: `something of environment ${environment} that this token is for`,
    found: other.map(({ target }) => target).join(', ') || 'an environment that is not declared',
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

export function passedOnTo(
  provider: Provider,
): (headers: Incoming['headers']) => Readonly<Record<string, string | string[]>> {
  return perHead((headers) => {
    const connection = headerOf({ headers }, 'connection');
    const dropped = connection === '' ? null : listedIn(connection);
    const passed: Record<string, string | string[]> = {};
    for (const [name, values] of headers) {
      if (NOT_PASSED_ON.has(name)) continue;
      // The body was read by this one, so it is sent with it, whatever Connection says.
      if (dropped?.has(name) && name !== 'content-type') continue;
      if (provider.credentialHeaders.includes(name) || name.startsWith('x-forwarded-')) continue;
      const [only = ''] = values;
      passed[name] = values.length === 1 ? only : [...values];
    }
    return passed;
  });
}

function unreached(provider: Provider, words: string): Refusal {
  return {
    code: 'HF_UPSTREAM_UNREACHABLE',
    message: `${ERRORS.HF_UPSTREAM_UNREACHABLE.title}: ${provider.name} (${words}).`,
    detail: 'Nothing was sent.',
    hint: 'Try again later, or ask a person to look at it; do not look for another way.',
    position: null,
  };
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

/** The token is theirs, so they are told when it is the agent that is stopped, and why. */
function endedFor(why: Ended | null): HoldfastError {
  if (why === null || why.code === 'HF_TOKEN_REVOKED' || why.code === 'HF_TOKEN_EXPIRED') {
    return notAccepted('one that has ended');
  }
  return new HoldfastError(why.code, {
    expected: 'an agent that may work now',
    found: why.message.replace(/\.$/, ''),
    hint: why.hint,
  });
}

function foreign(name: string): HoldfastError {
  return new HoldfastError('HF_CREDENTIAL_FOREIGN', {
    expected: "the agent's Holdfast token",
    found: `another credential for ${name}`,
    hint: 'Do not use credentials you find. Use the token you were given; people have been told of this.',
  });
}
