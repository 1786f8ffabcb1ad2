/** A real identity provider (oidc-provider) on loopback, and a browser that is signed in there as somebody. */
import { createServer, type Server } from 'node:http';
import { Provider } from 'oidc-provider';
import { ORIGIN } from './support.ts';

/** Whom it says somebody is. */
export interface Account {
  readonly sub: string;
  readonly email?: string;
  readonly email_verified?: boolean;
  readonly preferred_username?: string;
  readonly groups?: readonly string[];
}

const REDIRECTS_MAX = 10;

export class IdentityProvider {
  readonly issuer: string;
  readonly #server: Server;
  /** Of the dashboard: where browsers are sent back to. */
  readonly #origin: string;
  readonly #accounts = new Map<string, Account>();
  /** Who sits before the browser now. */
  #who = '';

  private constructor(issuer: string, server: Server, origin: string) {
    this.issuer = issuer;
    this.#origin = origin;
    this.#server = server;
  }

  static async start(origin = ORIGIN): Promise<IdentityProvider> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const at = server.address();
    const port = typeof at === 'object' && at !== null ? at.port : 0;
    const idp = new IdentityProvider(`http://127.0.0.1:${port}`, server, origin);
    idp.#serve();
    return idp;
  }

  stop(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  /** Whoever's browser comes next is this person's. */
  seat(account: Account): void {
    this.#who = account.sub;
    this.#accounts.set(account.sub, account);
  }

  /** What comes after `?` when the provider has sent a browser of this person back to us. */
  async visit(url: string, account: Account): Promise<string> {
    this.seat(account);
    const cookies = new Map<string, string>();
    let next = url;
    for (let hop = 0; hop < REDIRECTS_MAX; hop += 1) {
      const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
      const answer = await fetch(next, { redirect: 'manual', headers: { cookie } });
      for (const line of answer.headers.getSetCookie()) {
        const [name = '', value = ''] = (line.split(';')[0] ?? '').split('=');
        cookies.set(name, value);
      }
      const to = answer.headers.get('location');
      if (to === null) throw new Error(`${answer.status} ${await answer.text()}`);
      next = new URL(to, this.issuer).href;
      if (next.startsWith(`${this.#origin}/sso`)) return new URL(next).search;
    }
    throw new Error('went round in circles');
  }

  #serve(): void {
    const provider = new Provider(this.issuer, {
      clients: [
        {
          client_id: 'holdfast',
          client_secret: 'a secret of a test',
          redirect_uris: [`${this.#origin}/sso`],
        },
      ],
      claims: {
        openid: ['sub'],
        email: ['email', 'email_verified'],
        profile: ['preferred_username', 'groups'],
      },
      // As many do: what is more than `sub` is asked of the userinfo endpoint.
      conformIdTokenClaims: true,
      cookies: { keys: ['cookies of a test'] },
      features: { devInteractions: { enabled: false } },
      pkce: { required: () => true },
      interactions: { url: (_, { uid }) => `/interaction/${uid}` },
      findAccount: (_, id) => ({
        accountId: id,
        claims: () => ({ ...this.#accounts.get(id), sub: id }),
      }),
    });
    const rest = provider.callback();
    this.#server.on('request', (request, response) => {
      if (request.url?.startsWith('/interaction/') !== true) {
        void rest(request, response);
        return;
      }
      void (async () => {
        const { params, prompt } = await provider.interactionDetails(request, response);
        if (prompt.name === 'login') {
          const login = { accountId: this.#who };
          return provider.interactionFinished(request, response, { login });
        }
        const grant = new provider.Grant({ accountId: this.#who, clientId: 'holdfast' });
        grant.addOIDCScope(String(params['scope']));
        const consent = { grantId: await grant.save() };
        return provider.interactionFinished(
          request,
          response,
          { consent },
          {
            mergeWithLastSubmission: true,
          },
        );
      })();
    });
  }
}
