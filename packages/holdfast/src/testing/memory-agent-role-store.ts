/** Agents' roles in memory, as the store keeps them: settled one after the other. */
import type { AgentRoleRecord, AgentRoleStore } from '../protection/agent-role-store.ts';

export class MemoryAgentRoleStore implements AgentRoleStore {
  readonly #rows = new Map<string, AgentRoleRecord>();

  async settle(
    { target, agentId }: { readonly target: string; readonly agentId: string },
    decide: (found: AgentRoleRecord | null) => AgentRoleRecord | null,
  ): Promise<AgentRoleRecord | null> {
    const key = `${target}/${agentId}`;
    const found = this.#rows.get(key) ?? null;
    const wanted = decide(found);
    if (wanted === null) return found;
    const kept = { ...wanted, isApplied: false };
    this.#rows.set(key, kept);
    return kept;
  }

  async applied(record: AgentRoleRecord): Promise<void> {
    const key = `${record.target}/${record.agentId}`;
    if (this.#rows.get(key)?.passwordSealed.equals(record.passwordSealed) !== true) return;
    this.#rows.set(key, { ...record, isApplied: true });
  }

  async byTarget(target: string): Promise<readonly AgentRoleRecord[]> {
    return [...this.#rows.values()].filter((row) => row.target === target);
  }

  async remove(target: string, agentId: string): Promise<void> {
    this.#rows.delete(`${target}/${agentId}`);
  }
}
