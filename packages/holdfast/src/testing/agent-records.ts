/** Agents as the store gives them, for tests: whatever is not said is as nobody said anything. */
import { type AgentRecord, NO_SETTINGS } from '../identity/agent-store.ts';

export function agentNamed(name: string, more: Partial<AgentRecord> = {}): AgentRecord {
  return {
    ...NO_SETTINGS,
    id: `agent_${name}`,
    name,
    salt: Buffer.alloc(16, 4),
    addedAt: new Date('2026-11-01T00:00:00Z'),
    parentId: null,
    paused: null,
    ...more,
  };
}
