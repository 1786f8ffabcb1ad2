/** An agent directory of one agent with the tokens given; all valid for an hour, all revocable. */
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import type { AgentDirectory, Ended, TokenVerifier } from '../identity/agent-directory.ts';

export interface FakeDirectory {
  readonly directory: AgentDirectory;
  secretOf(tokenId: string): string;
  revoke(tokenId: string): void;
}

const ITERATIONS = 4096;
const HOUR_MS = 3_600_000;
const REVOKED: Ended = { code: 'HF_TOKEN_REVOKED', message: 'It was revoked.', hint: 'Ask.' };

export function fakeDirectory(
  tokenIds: readonly string[],
  scope: { environment: string; targets: readonly string[] } = {
    environment: 'production',
    targets: [],
  },
): FakeDirectory {
  const salt = Buffer.from('one salt for all');
  const revoked = new Set<string>();
  const secretOf = (tokenId: string): string => `hf_secret_of_${tokenId}`;
  const tokens = tokenIds.map((tokenId): TokenVerifier => {
    const salted = pbkdf2Sync(secretOf(tokenId), salt, ITERATIONS, 32, 'sha256');
    const hmac = (text: string): Buffer => createHmac('sha256', salted).update(text).digest();
    return {
      tokenId,
      agentId: 'agent_1',
      agentName: 'cursor-backend',
      tokenHash: createHash('sha256').update(secretOf(tokenId)).digest(),
      storedKey: createHash('sha256').update(hmac('Client Key')).digest(),
      serverKey: hmac('Server Key'),
      ...scope,
      expiresAt: new Date(Date.now() + HOUR_MS),
    };
  });
  const live = (): TokenVerifier[] => tokens.filter(({ tokenId }) => !revoked.has(tokenId));
  return {
    directory: {
      freshen: async () => {},
      credentialsOf: (name) => ({
        salt,
        iterations: ITERATIONS,
        tokens: name === 'cursor-backend' ? live() : [],
      }),
      isLive: (tokenId) => live().some((token) => token.tokenId === tokenId),
      whyEnded: ({ tokenId }) => (revoked.has(tokenId) ? REVOKED : null),
    },
    secretOf,
    revoke: (tokenId) => revoked.add(tokenId),
  };
}
