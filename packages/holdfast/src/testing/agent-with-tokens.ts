/** A directory with one agent, for tests: real SCRAM verifiers, written apart from the code under test. */
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import type { AgentDirectory, TokenVerifier } from '../identity/agent-directory.ts';

export interface AgentWithTokens extends AgentDirectory {
  /** Ends a token's life without taking it out of `credentialsOf`: the gap a revocation leaves. */
  revoke(tokenId: string): void;
}

const ITERATIONS = 64;

/** Token ids are `token_0`, `token_1`, ... in the order given. */
export function agentWithTokens(
  agentName: string,
  tokens: readonly string[],
  expiresAt = new Date('2999-01-01T00:00:00Z'),
): AgentWithTokens {
  const salt = createHash('sha256').update(agentName).digest().subarray(0, 16);
  const revoked = new Set<string>();
  const verifiers = tokens.map((token, at): TokenVerifier => {
    const salted = pbkdf2Sync(token, salt, ITERATIONS, 32, 'sha256');
    const clientKey = createHmac('sha256', salted).update('Client Key').digest();
    return {
      tokenId: `token_${at}`,
      agentId: 'agent_0',
      agentName,
      tokenHash: createHash('sha256').update(token).digest(),
      storedKey: createHash('sha256').update(clientKey).digest(),
      serverKey: createHmac('sha256', salted).update('Server Key').digest(),
      environment: 'production',
      targets: [],
      expiresAt,
    };
  });
  return {
    credentialsOf: (name) => ({
      salt: name === agentName ? salt : createHash('sha256').update(name).digest().subarray(0, 16),
      iterations: ITERATIONS,
      tokens: name === agentName ? verifiers : [],
    }),
    freshen: async () => {},
    isLive: (tokenId) => !revoked.has(tokenId),
    whyEnded: ({ tokenId }) =>
      revoked.has(tokenId)
        ? { code: 'HF_TOKEN_REVOKED', message: 'It was revoked.', hint: 'Ask.' }
        : null,
    revoke: (tokenId) => revoked.add(tokenId),
  };
}
