/**
 * OpenID Connect, the code flow with PKCE, state and nonce (OpenID Connect Core §3.1, RFC 7636, RFC 9700):
 * what is asked of an identity provider, and what its answer says. The order of an answer: its state, which
 * names a ceremony and uses it up -> the browser it was begun in -> `iss` of the answer (RFC 9207), where
 * the provider sends it -> the code for tokens, over TLS -> signature, issuer, audience, nonce and times of
 * the ID token.
 *
 * What it will not do: take where to go back to from anybody, speak http beyond this machine, or decide who
 * may come in (`sso.ts` does).
 */
import { timingSafeEqual } from 'node:crypto';
import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  type Configuration,
  calculatePKCECodeChallenge,
  discovery,
  enableNonRepudiationChecks,
} from 'openid-client';
import { z } from 'zod';
import type { Clock } from '../model/clock.ts';
import { HoldfastError } from '../model/errors.ts';
import { SSO_ANSWER_SECONDS_MAX } from '../model/limits.ts';
import type { Ceremonies } from './ceremonies.ts';
import { hashSecret } from './secrets.ts';

export interface OidcClient {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** `openid` and what else the rules of who may come in need. */
  readonly scopes: readonly string[];
}

export interface OidcParts {
  readonly client: OidcClient;
  readonly ceremonies: Ceremonies;
  readonly clock: Clock;
  /** Our own page that the provider sends browsers back to. */
  readonly returnsTo: () => string;
}

const PURPOSE = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('sign-in') }),
  z.object({ kind: z.literal('link'), personId: z.string() }),
  /** `invitation`: the hash of its secret, hex. */
  z.object({ kind: z.literal('join'), invitation: z.string() }),
]);
export type SsoPurpose = z.output<typeof PURPOSE>;

const BEGUN = z.object({
  purpose: PURPOSE,
  verifier: z.string(),
  nonce: z.string(),
  /** SHA-256 of the device's secret, hex: the browser that began is the one that finishes. */
  device: z.string(),
});

/** What we read of an ID token; the rest is the provider's business. */
const CLAIMS = z.object({
  iss: z.string(),
  sub: z.string().min(1).max(255),
  email: z.string().max(320).optional().catch(undefined),
  email_verified: z.boolean().optional().catch(undefined),
  preferred_username: z.string().max(320).optional().catch(undefined),
  groups: z.array(z.string().max(256)).max(1_000).optional().catch(undefined),
});
export type OidcClaims = z.output<typeof CLAIMS>;

export type OidcAnswer =
  | { readonly kind: 'right'; readonly purpose: SsoPurpose; readonly claims: OidcClaims }
  | { readonly kind: 'wrong'; readonly why: string };

const VERIFIER_BYTES = 32;

export class Oidc {
  readonly #parts: OidcParts;
  #provider: Promise<Configuration> | null = null;

  constructor(parts: OidcParts) {
    this.#parts = parts;
  }

  get issuer(): string {
    return this.#parts.client.issuer;
  }

  /** Where the browser goes. HF_UPSTREAM_UNREACHABLE. */
  async begin(purpose: SsoPurpose, device: string): Promise<string> {
    const { ceremonies, client, clock, returnsTo } = this.#parts;
    const provider = await this.#discovered();
    const verifier = clock.random(VERIFIER_BYTES).toString('base64url');
    const nonce = clock.random(VERIFIER_BYTES).toString('base64url');
    const { challenge, id } = await ceremonies.begin('sso', {
      purpose,
      verifier,
      nonce,
      device: hashSecret(device).toString('hex'),
    });
    const url = buildAuthorizationUrl(provider, {
      redirect_uri: returnsTo(),
      scope: client.scopes.join(' '),
      state: `${id}.${challenge}`,
      nonce,
      code_challenge: await calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    });
    return url.href;
  }

  /** `query`: as the provider left it in the address. HF_UPSTREAM_UNREACHABLE. */
  async finish(query: string, device: string | null): Promise<OidcAnswer> {
    const { ceremonies, returnsTo } = this.#parts;
    const answer = new URLSearchParams(query);
    const state = answer.getAll('state');
    const [id = '', challenge = ''] = (state.length === 1 ? (state[0] ?? '') : '').split('.');
    const ceremony = await ceremonies.take(id, 'sso', BEGUN);
    if (ceremony === null || !isSame(ceremony.challenge, challenge)) {
      return wrong('no such ceremony is open');
    }
    const { facts } = ceremony;
    const browser = device === null ? '' : hashSecret(device).toString('hex');
    if (!isSame(facts.device, browser)) return wrong('it was begun in another browser');
    const provider = await this.#discovered();
    const url = new URL(returnsTo());
    url.search = answer.toString();
    try {
      const tokens = await authorizationCodeGrant(provider, url, {
        pkceCodeVerifier: facts.verifier,
        expectedState: state[0] ?? '',
        expectedNonce: facts.nonce,
        idTokenExpected: true,
      });
      const claims = CLAIMS.safeParse(tokens.claims());
      if (!claims.success) return wrong('its ID token does not say who it is');
      return { kind: 'right', purpose: facts.purpose, claims: claims.data };
    } catch (error) {
      return wrong(error instanceof Error ? error.message.slice(0, 300) : String(error));
    }
  }

  /** Asked once, and again after it failed: a provider that is away keeps nobody from starting. */
  #discovered(): Promise<Configuration> {
    this.#provider ??= this.#discover().catch((error: unknown) => {
      this.#provider = null;
      throw unreachable(this.issuer, error);
    });
    return this.#provider;
  }

  async #discover(): Promise<Configuration> {
    const { clientId, clientSecret, issuer } = this.#parts.client;
    const url = new URL(issuer);
    const provider = await discovery(url, clientId, clientSecret, undefined, {
      timeout: SSO_ANSWER_SECONDS_MAX,
      // The file says so for this machine only (config/whole-findings.ts).
      ...(url.protocol === 'http:' ? { execute: [allowInsecureRequests] } : {}),
    });
    enableNonRepudiationChecks(provider);
    return provider;
  }
}

function isSame(one: string, other: string): boolean {
  return timingSafeEqual(hashSecret(one), hashSecret(other));
}

function wrong(why: string): OidcAnswer {
  return { kind: 'wrong', why };
}

function unreachable(issuer: string, cause: unknown): HoldfastError {
  return new HoldfastError('HF_UPSTREAM_UNREACHABLE', {
    expected: `the identity provider at ${issuer}`,
    found: cause instanceof Error ? cause.message.slice(0, 200) : 'no answer',
    hint: 'Sign in by passkey or code; they need nobody else. See signIn.oidc.issuer in holdfast.yaml.',
    cause,
  });
}
