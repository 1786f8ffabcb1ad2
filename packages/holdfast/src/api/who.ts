/**
 * Who asks: by the cookies of a browser's session and its page's own secret, by a session or an agent's
 * token in `Authorization`, or by the key of this machine, which is made at start and never leaves the
 * process.
 */
import { timingSafeEqual } from 'node:crypto';
import type { TokenVerifier } from '../identity/agent-directory.ts';
import type { Principal } from '../identity/principal.ts';
import { hashSecret, isSecret } from '../identity/secrets.ts';
import type { Sessions } from '../identity/sessions.ts';
import { hashToken, isTokenText } from '../identity/token.ts';
import type { Clock } from '../model/clock.ts';
import type { Cookies } from './handler.ts';

/** `__Host-`: only over TLS, only from this host, for the whole of it (RFC 6265bis, 4.1.3.2). */
export const COOKIE_NAMES = {
  secure: {
    session: '__Host-holdfast',
    device: '__Host-holdfast-device',
    known: '__Host-holdfast-known',
  },
  plain: { session: 'holdfast', device: 'holdfast-device', known: 'holdfast-known' },
} as const;

/**
 * Where our page shows its secret, at every request. Cookies go to each port of a host, this to none but
 * ours; and a request with a header of its own is none that another site's page sends unasked (Fetch, 2.2.2).
 */
export const PAGE_HEADER = 'x-holdfast-page';

/**
 * `yes`: a page asks by itself, and nobody has touched it for a while. What it says shortens its own session
 * only.
 */
export const UNATTENDED_HEADER = 'x-holdfast-unattended';

const MACHINE_KEY_BYTES = 32;

export interface WhoParts {
  readonly sessions: Sessions;
  /** Live tokens of agents by their SHA-256; null: none such. */
  readonly agentByHash: (hash: Buffer) => TokenVerifier | null;
  readonly clock: Clock;
}

/** Null: not sent. */
export interface Shown {
  readonly authorization: string | null;
  readonly cookies: Cookies;
  readonly page: string | null;
  /** The person did something now; else their session ends as if nobody had asked. */
  readonly isUse: boolean;
}

export class WhoAsks {
  readonly #parts: WhoParts;
  /** For the command line that opened our store itself: the whole `Authorization`. */
  readonly machineAuthorization: string;

  constructor(parts: WhoParts) {
    this.#parts = parts;
    const key = parts.clock.random(MACHINE_KEY_BYTES).toString('hex');
    this.machineAuthorization = `Machine ${key}`;
  }

  /** Null: nobody we know. One who shows a token is known by it alone, never by a cookie beside it. */
  async find({ authorization, cookies, isUse, page }: Shown): Promise<Principal | null> {
    if (authorization !== null) return await this.#byAuthorization(authorization, isUse);
    const { device, session } = cookies;
    return session === null
      ? null
      : await this.#parts.sessions.find(session, { device, page }, isUse);
  }

  async #byAuthorization(authorization: string, isUse: boolean): Promise<Principal | null> {
    if (isSame(authorization, this.machineAuthorization)) return { kind: 'machine' };
    const [, token = ''] = /^Bearer ([a-z0-9_]{1,100})$/i.exec(authorization) ?? [];
    if (isSecret('hfs', token)) return await this.#parts.sessions.find(token, null, isUse);
    if (!isTokenText(token)) return null;
    const agent = this.#parts.agentByHash(hashToken(token));
    if (agent === null) return null;
    const { agentId, agentName, tokenId } = agent;
    return { kind: 'agent', id: agentId, name: agentName, tokenId };
  }
}

function isSame(one: string, other: string): boolean {
  return timingSafeEqual(hashSecret(one), hashSecret(other));
}
