/**
 * Agents and their live tokens, in memory, so that a token is checked without the store and a
 * revocation is instant. Kept fresh by `store/` through LISTEN/NOTIFY and a repairing poll.
 */

/** What a PostgreSQL server needs of a SCRAM-SHA-256 credential (RFC 5802 §3), per token. */
export interface TokenVerifier {
  readonly tokenId: string;
  readonly agentId: string;
  readonly agentName: string;
  /** SHA-256 of the token, for protocols where the token itself is presented. */
  readonly tokenHash: Buffer;
  readonly storedKey: Buffer;
  readonly serverKey: Buffer;
  /** The one environment this token is for. */
  readonly environment: string;
  /** Target names this token is for; empty means every target of its environment. */
  readonly targets: readonly string[];
  readonly expiresAt: Date;
}

export interface AgentCredentials {
  /** One salt per agent, so that all its tokens answer to the same server-first message. */
  readonly salt: Buffer;
  readonly iterations: number;
  /** Live tokens only (not revoked, not expired); empty for an unknown agent. */
  readonly tokens: readonly TokenVerifier[];
}

export interface AgentDirectory {
  /**
   * Brings the newest state in, so that a token issued a moment ago works and one revoked a moment ago
   * does not. Never rejects; when the store takes too long, the last known state stands.
   */
  freshen(): Promise<void>;
  /**
   * Never null: an unknown name gets a stable made-up salt and no tokens, so that nobody learns which
   * agents exist by asking.
   */
  credentialsOf(agentName: string): AgentCredentials;
  /** False when the token was revoked or expired meanwhile. */
  isLive(tokenId: string): boolean;
}
