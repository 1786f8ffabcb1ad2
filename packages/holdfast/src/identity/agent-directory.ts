/**
 * Agents and their live tokens, in memory, so that a token is checked without the store and a
 * revocation is instant. Kept fresh by `store/` through LISTEN/NOTIFY and a repairing poll.
 */
import type { Allowance } from '../model/allowance.ts';

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
  /**
   * Target names this token is for, those left out that its agent may not; empty means every target of
   * its environment.
   */
  readonly targets: readonly string[];
  readonly expiresAt: Date;
}

export interface AgentCredentials {
  /** One salt per agent, so that all its tokens answer to the same server-first message. */
  readonly salt: Buffer;
  readonly iterations: number;
  /**
   * Not revoked, not expired; empty for an unknown agent. Those of an agent that is stopped are among
   * them, so that who holds one is told why: `isLive` says no to it.
   */
  readonly tokens: readonly TokenVerifier[];
}

/** Why a token opens nothing now; the words are for who holds it. */
export interface Ended {
  readonly code: EndCode;
  readonly message: string;
  readonly hint: string;
}

export type EndCode =
  | 'HF_TOKEN_REVOKED'
  | 'HF_TOKEN_EXPIRED'
  | 'HF_AGENT_PAUSED'
  | 'HF_AGENT_EXPIRED'
  | 'HF_AGENT_HOURS'
  /** Its environment, or all its targets, are beyond what the agent may. */
  | 'HF_AGENT_SCOPE';

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
  /**
   * False when the token was revoked or expired meanwhile, or its agent, or one above it, is paused, has
   * expired or is outside its hours.
   */
  isLive(tokenId: string): boolean;
  /** Null: it is live. For a token whose holder has proved that it is theirs. */
  whyEnded(token: Pick<TokenVerifier, 'tokenId' | 'agentId' | 'expiresAt'>): Ended | null;
}

/** What agents may, for each unit: a look-up in memory. */
export interface Allowances {
  /** The same object for as long as it stays so. One that stops for an agent nobody knows. */
  allowanceOf(agentId: string): Allowance;
}
