/** Passwords of agents' roles in PostgreSQL, sealed. A row is settled under a lock that all gateways share. */
import { type Selectable, sql } from 'kysely';
import type { AgentRoleRecord, AgentRoleStore } from '../protection/agent-role-store.ts';
import type { Database } from './database.ts';
import type { Tables } from './tables.ts';

export class SqlAgentRoleStore implements AgentRoleStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  settle(
    { target, agentId }: { readonly target: string; readonly agentId: string },
    decide: (found: AgentRoleRecord | null) => AgentRoleRecord | null,
  ): Promise<AgentRoleRecord | null> {
    return this.#database.transaction(async (trx) => {
      // A row that is not there cannot be locked, so its name is.
      const name = `holdfast/agent-role/${target}/${agentId}`;
      await sql`select pg_advisory_xact_lock(hashtextextended(${name}, 0))`.execute(trx);
      const row = await trx
        .selectFrom('holdfast.agent_roles')
        .selectAll()
        .where('target', '=', target)
        .where('agent_id', '=', agentId)
        .executeTakeFirst();
      const found = row === undefined ? null : recordOf(row);
      const wanted = decide(found);
      if (wanted === null) return found;
      const values = {
        role: wanted.role,
        password_sealed: wanted.passwordSealed,
        valid_until: wanted.validUntil,
        applied_at: null,
      };
      await trx
        .insertInto('holdfast.agent_roles')
        .values({ target, agent_id: agentId, ...values })
        .onConflict((conflict) => conflict.columns(['target', 'agent_id']).doUpdateSet(values))
        .execute();
      return { ...wanted, isApplied: false };
    });
  }

  async applied(record: AgentRoleRecord, now: Date): Promise<void> {
    await this.#database.run((db) =>
      db
        .updateTable('holdfast.agent_roles')
        .set({ applied_at: now })
        .where('target', '=', record.target)
        .where('agent_id', '=', record.agentId)
        .where('password_sealed', '=', record.passwordSealed)
        .execute(),
    );
  }

  async byTarget(target: string): Promise<readonly AgentRoleRecord[]> {
    const rows = await this.#database.run((db) =>
      db
        .selectFrom('holdfast.agent_roles')
        .selectAll()
        .where('target', '=', target)
        .orderBy('role')
        .execute(),
    );
    return rows.map(recordOf);
  }

  async remove(target: string, agentId: string): Promise<void> {
    await this.#database.run((db) =>
      db
        .deleteFrom('holdfast.agent_roles')
        .where('target', '=', target)
        .where('agent_id', '=', agentId)
        .execute(),
    );
  }
}

function recordOf(row: Selectable<Tables['holdfast.agent_roles']>): AgentRoleRecord {
  return {
    target: row.target,
    agentId: row.agent_id,
    role: row.role,
    passwordSealed: row.password_sealed,
    validUntil: row.valid_until,
    isApplied: row.applied_at !== null,
  };
}
