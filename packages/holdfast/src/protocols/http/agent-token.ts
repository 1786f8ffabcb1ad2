/**
 * Who sends a request: the agent whose Holdfast token stands where the provider's credential would.
 * Clients put it where they put a credential (Bearer, a header of the API's own), so every such place is
 * looked at, and all of them must say the same.
 *
 * Whatever else stands in one of them may be a real credential (P5): it is refused, never sent on, and
 * reported by its fingerprint only.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { TokenVerifier } from '../../identity/agent-directory.ts';
import { fingerprintOf } from '../../identity/credentials.ts';
import { isTokenText } from '../../identity/token.ts';
import type { Incoming } from './incoming.ts';
import { perHead } from './per-head.ts';

export type Sender =
  | { readonly kind: 'agent'; readonly token: TokenVerifier }
  | { readonly kind: 'nobody' }
  /** A token, as to its form, that is not live. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'foreign'; readonly header: string; readonly fingerprint: string };

/** What an API may take a credential in, besides its own headers. */
const ALWAYS = ['authorization', 'proxy-authorization', 'cookie', 'x-api-key'];

export interface TokenLookup {
  /** Null when no live token has this hash. */
  byHash(hash: Buffer): TokenVerifier | null;
}

/** What a head shows in the places for a credential, whether or not it is worth anything. */
type Shown =
  | { readonly kind: 'token'; readonly hash: Buffer }
  | Extract<Sender, { readonly kind: 'nobody' | 'foreign' }>;

/** For an API with headers `own` for credentials. */
export function senderIn(
  own: readonly string[],
): (headers: Incoming['headers'], tokens: TokenLookup) => Sender {
  const places = [...new Set([...ALWAYS, ...own])];
  const shownIn = perHead((headers) => shown(headers, places));
  return (headers, tokens) => {
    const found = shownIn(headers);
    if (found.kind !== 'token') return found;
    const token = tokens.byHash(found.hash);
    if (token === null || !timingSafeEqual(found.hash, token.tokenHash)) return { kind: 'unknown' };
    return { kind: 'agent', token };
  };
}

function shown(headers: Incoming['headers'], places: readonly string[]): Shown {
  let found: string | null = null;
  for (const header of places) {
    for (const text of headers.get(header) ?? []) {
      const token = tokenIn(text);
      if (token === null || (found !== null && found !== token)) {
        return { kind: 'foreign', header, fingerprint: fingerprintOf(bare(text)) };
      }
      found = token;
    }
  }
  if (found === null) return { kind: 'nobody' };
  return { kind: 'token', hash: createHash('sha256').update(found, 'utf8').digest() };
}

/** `Bearer T`, `token T`, `Basic base64(anything:T)` or `T` by itself; null: something else. */
function tokenIn(text: string): string | null {
  const [, scheme, rest] = /^\s*(?:(bearer|token|basic)\s+)?(\S+)\s*$/i.exec(text) ?? [];
  if (rest === undefined) return null;
  if (scheme?.toLowerCase() !== 'basic') return isTokenText(rest) ? rest : null;
  const pair = Buffer.from(rest, 'base64').toString('utf8');
  const password = pair.slice(pair.indexOf(':') + 1);
  return isTokenText(password) ? password : null;
}

/** Without its scheme, as the credential lies in a file. */
function bare(text: string): string {
  return text.trim().replace(/^(bearer|token|basic)\s+/i, '');
}
