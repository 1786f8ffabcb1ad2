/** Live tokens for tests of protocols in which a token is shown. */
import type { Ended, TokenVerifier } from '../identity/agent-directory.ts';
import { hashToken, newToken } from '../identity/token.ts';
import { systemClock } from '../model/clock.ts';

export class PlainTokens {
  readonly #byHash = new Map<string, TokenVerifier>();
  readonly #ended = new Map<string, Ended>();

  /** The token itself. */
  issue(tokenId: string): string {
    const token = newToken(systemClock);
    const tokenHash = hashToken(token);
    this.#byHash.set(tokenHash.toString('hex'), {
      tokenId,
      agentId: `agent_${tokenId}`,
      agentName: `agent-${tokenId}`,
      tokenHash,
      storedKey: Buffer.alloc(32),
      serverKey: Buffer.alloc(32),
      environment: 'production',
      targets: [],
      expiresAt: new Date('2100-01-01T00:00:00Z'),
    });
    return token;
  }

  end(tokenId: string, why: Partial<Ended> = {}): void {
    const revoked = { code: 'HF_TOKEN_REVOKED', message: 'It was revoked.', hint: 'Ask.' } as const;
    this.#ended.set(tokenId, { ...revoked, ...why });
  }

  whyEnded({ tokenId }: Pick<TokenVerifier, 'tokenId'>): Ended | null {
    return this.#ended.get(tokenId) ?? null;
  }

  byHash(hash: Buffer): TokenVerifier | null {
    return this.#byHash.get(hash.toString('hex')) ?? null;
  }

  isLive(tokenId: string): boolean {
    return !this.#ended.has(tokenId);
  }

  async freshen(): Promise<void> {}
}
