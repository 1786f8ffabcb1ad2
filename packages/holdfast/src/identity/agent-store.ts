/** Where agents and tokens lie; implemented by `store/`. Tokens themselves never reach it. */

export interface AgentRecord {
  readonly id: string;
  readonly name: string;
  readonly salt: Buffer;
  readonly addedAt: Date;
}

export interface TokenRecord {
  readonly id: string;
  readonly agentId: string;
  readonly tokenHash: Buffer;
  readonly storedKey: Buffer;
  readonly serverKey: Buffer;
  readonly environment: string;
  readonly targets: readonly string[];
  readonly issuedAt: Date;
  readonly expiresAt: Date;
  readonly revokedAt: Date | null;
}

/** What a revocation is for: one token, or all of an agent's. */
export type RevokeScope =
  | { readonly kind: 'token'; readonly id: string }
  | { readonly kind: 'agent'; readonly name: string };

export interface AgentSnapshot {
  readonly agents: readonly AgentRecord[];
  /** Not revoked, not expired; each of an agent in `agents`. */
  readonly tokens: readonly TokenRecord[];
}

export interface AgentStore {
  /** False, and nothing changed, when the name is taken. */
  addAgent(agent: AgentRecord): Promise<boolean>;
  agentByName(name: string): Promise<AgentRecord | null>;
  addToken(token: TokenRecord): Promise<void>;
  /** Ids of the tokens that were live and no longer are; null when there is no such token or agent. */
  revoke(scope: RevokeScope, now: Date): Promise<readonly string[] | null>;
  /** Agents and live tokens of one moment. */
  snapshot(now: Date): Promise<AgentSnapshot>;
  /** The one value all processes of this store share; `fresh` is kept when there is none yet. */
  sharedSecret(name: string, fresh: Buffer): Promise<Buffer>;
}
