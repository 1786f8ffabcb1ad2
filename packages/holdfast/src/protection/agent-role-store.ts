/** Where the passwords of agents' roles are kept, sealed. Implemented by `store/agent-role-store.ts`. */

export interface AgentRoleRecord {
  readonly target: string;
  readonly agentId: string;
  readonly role: string;
  readonly passwordSealed: Buffer;
  readonly validUntil: Date;
  /** False: the target may not know it yet; it is sent again, the same one. */
  readonly isApplied: boolean;
}

export interface AgentRoleStore {
  /**
   * Durable when it resolves. `decide` sees the row as it is, locked against every other gateway, and
   * returns what it becomes, or null to leave it.
   */
  settle(
    key: { readonly target: string; readonly agentId: string },
    decide: (found: AgentRoleRecord | null) => AgentRoleRecord | null,
  ): Promise<AgentRoleRecord | null>;
  /** Only when it still holds this password. */
  applied(record: AgentRoleRecord, now: Date): Promise<void>;
  /** Whose role it is: the drain names agents by it. */
  byTarget(target: string): Promise<readonly AgentRoleRecord[]>;
  remove(target: string, agentId: string): Promise<void>;
}
