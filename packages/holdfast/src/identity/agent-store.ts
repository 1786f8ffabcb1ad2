/** Where agents and tokens lie; implemented by `store/`. Tokens themselves never reach it. */
import type { EffectKind } from '../model/effect.ts';
import type { ProtocolName } from '../model/target.ts';
import type { WorkingHours } from './working-hours.ts';

/** The person who answers for an agent. */
export interface AgentOwner {
  readonly id: string;
  readonly name: string;
  /** They were removed since. */
  readonly isRemoved: boolean;
}

export interface Pause {
  readonly at: Date;
  /** Who paused it: a person, or `the command line`. */
  readonly by: string;
  readonly note: string;
}

/** What people say of an agent, and may change. */
export interface AgentSettings {
  /** One sentence; empty for agents of before there were purposes. */
  readonly purpose: string;
  readonly owner: AgentOwner | null;
  /** Where it may work; empty: whichever its tokens name. */
  readonly environments: readonly string[];
  /** Empty: whichever its tokens name. */
  readonly targets: readonly string[];
  /** What it may ask for; null: each kind, or what its parent may. */
  readonly effectKinds: readonly EffectKind[] | null;
  /** Null: always. */
  readonly workingHours: WorkingHours | null;
  /** From then on it may nothing; null: never. */
  readonly expiresAt: Date | null;
}

/** What an agent has when nobody said anything. */
export const NO_SETTINGS: AgentSettings = {
  purpose: '',
  owner: null,
  environments: [],
  targets: [],
  effectKinds: null,
  workingHours: null,
  expiresAt: null,
};

export interface AgentRecord extends AgentSettings {
  readonly id: string;
  readonly name: string;
  readonly salt: Buffer;
  readonly addedAt: Date;
  /** Who it is a sub-agent of; said when it is added, and never changed. */
  readonly parentId: string | null;
  readonly paused: Pause | null;
}

/** When and from where a token was last used; up to TOKEN_USE_FLUSH_MS late. */
export interface TokenUse {
  readonly at: Date;
  /** The address, without the port. */
  readonly source: string;
  readonly protocol: ProtocolName;
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
  /** Null: never. */
  readonly lastUse: TokenUse | null;
}

/** What a revocation is for: one token, or all of an agent's and of the agents below it. */
export type RevokeScope =
  | { readonly kind: 'token'; readonly id: string }
  | { readonly kind: 'agent'; readonly name: string };

export interface AgentSnapshot {
  readonly agents: readonly AgentRecord[];
  /** Not revoked, not expired; each of an agent in `agents`. */
  readonly tokens: readonly TokenRecord[];
}

/** A hold that counts no more. */
export interface VoidedHold {
  readonly hold: string;
  readonly digest: string;
  readonly agent: string;
  readonly target: string;
}

export interface ChangedAgent {
  /** As it is now. */
  readonly changed: AgentRecord;
  readonly ownerBefore: AgentOwner | null;
  readonly voided: readonly VoidedHold[];
}

export interface AgentStore {
  /** False, and nothing changed, when the name is taken. */
  addAgent(agent: AgentRecord): Promise<boolean>;
  agentByName(name: string): Promise<AgentRecord | null>;
  /** Null: nobody of that name who was not removed. */
  personNamed(name: string): Promise<AgentOwner | null>;
  /**
   * Null: no such agent. With another owner, what agents that have this one for their owner wait for counts
   * no more where the owner does not sign alone.
   */
  changeAgent(
    name: string,
    change: Partial<AgentSettings>,
    now: Date,
  ): Promise<ChangedAgent | null>;
  /** False when it is so already, and the former pause stands; null: no such agent. */
  setPause(name: string, pause: Pause | null): Promise<boolean | null>;
  addToken(token: TokenRecord): Promise<void>;
  /** The latest counts, of whichever process. Tells nobody: a use changes nothing. */
  recordUses(uses: ReadonlyMap<string, TokenUse>): Promise<void>;
  /** Ids of the tokens that were live and no longer are; null when there is no such token or agent. */
  revoke(scope: RevokeScope, now: Date): Promise<readonly string[] | null>;
  /** Agents and live tokens of one moment. */
  snapshot(now: Date): Promise<AgentSnapshot>;
  /** The one value all processes of this store share; `fresh` is kept when there is none yet. */
  sharedSecret(name: string, fresh: Buffer): Promise<Buffer>;
}
