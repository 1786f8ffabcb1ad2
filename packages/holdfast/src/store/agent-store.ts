/** Agents and tokens in PostgreSQL. Every change tells the other processes to look again. */
import { type Kysely, type Selectable, sql } from 'kysely';
import type {
  AgentRecord,
  AgentSnapshot,
  AgentStore,
  RevokeScope,
  TokenRecord,
} from '../identity/agent-store.ts';
import type { Database } from './database.ts';
import type { AgentsTable, Tables, TokensTable } from './tables.ts';

export const AGENTS_CHANNEL = 'holdfast_agents';

export class SqlAgentStore implements AgentStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  addAgent(agent: AgentRecord): Promise<boolean> {
    return this.#database.transaction(async (trx) => {
      const added = await trx
        .insertInto('holdfast.agents')
        .values({ id: agent.id, name: agent.name, salt: agent.salt, added_at: agent.addedAt })
        .onConflict((conflict) => conflict.column('name').doNothing())
        .executeTakeFirst();
      await tell(trx, agent.id);
      return added.numInsertedOrUpdatedRows === 1n;
    });
  }

  agentByName(name: string): Promise<AgentRecord | null> {
    return this.#database.run(async (db) => {
      const row = await db
        .selectFrom('holdfast.agents')
        .selectAll()
        .where('name', '=', name)
        .executeTakeFirst();
      return row === undefined ? null : agentOf(row);
    });
  }

  addToken(token: TokenRecord): Promise<void> {
    return this.#database.transaction(async (trx) => {
      await trx
        .insertInto('holdfast.tokens')
        .values({
          id: token.id,
          agent_id: token.agentId,
          token_hash: token.tokenHash,
          stored_key: token.storedKey,
          server_key: token.serverKey,
          environment: token.environment,
          targets: [...token.targets],
          issued_at: token.issuedAt,
          expires_at: token.expiresAt,
          revoked_at: token.revokedAt,
        })
        .execute();
      await tell(trx, token.agentId);
    });
  }

  revoke(scope: RevokeScope, now: Date): Promise<readonly string[] | null> {
    return this.#database.transaction(async (trx) => {
      const [table, column, key] =
        scope.kind === 'agent'
          ? (['holdfast.agents', 'name', scope.name] as const)
          : (['holdfast.tokens', 'id', scope.id] as const);
      const found = await trx
        .selectFrom(table)
        .select('id')
        .where(column, '=', key)
        .executeTakeFirst();
      if (found === undefined) return null;
      const ended = await trx
        .updateTable('holdfast.tokens')
        .set({ revoked_at: now })
        .where(scope.kind === 'agent' ? 'agent_id' : 'id', '=', found.id)
        .where('revoked_at', 'is', null)
        .where('expires_at', '>', now)
        .returning('id')
        .execute();
      await tell(trx, found.id);
      return ended.map(({ id }) => id);
    });
  }

  /** In one transaction at repeatable read: a token never comes without its agent. */
  snapshot(now: Date): Promise<AgentSnapshot> {
    return this.#database.run((db) =>
      db
        .transaction()
        .setIsolationLevel('repeatable read')
        .execute(async (trx) => {
          const agents = await trx
            .selectFrom('holdfast.agents')
            .selectAll()
            .orderBy('name')
            .execute();
          const tokens = await trx
            .selectFrom('holdfast.tokens')
            .selectAll()
            .where('revoked_at', 'is', null)
            .where('expires_at', '>', now)
            .orderBy('id')
            .execute();
          return { agents: agents.map(agentOf), tokens: tokens.map(tokenOf) };
        }),
    );
  }

  sharedSecret(name: string, fresh: Buffer): Promise<Buffer> {
    return this.#database.transaction(async (trx) => {
      await trx
        .insertInto('holdfast.secrets')
        .values({ name, value: fresh })
        .onConflict((conflict) => conflict.column('name').doNothing())
        .execute();
      const kept = await trx
        .selectFrom('holdfast.secrets')
        .select('value')
        .where('name', '=', name)
        .executeTakeFirstOrThrow();
      return kept.value;
    });
  }
}

/** Delivered when the transaction commits, and not at all when it does not. */
function tell(trx: Kysely<Tables>, what: string): Promise<unknown> {
  return sql`select pg_notify(${AGENTS_CHANNEL}, ${what})`.execute(trx);
}

function agentOf(row: Selectable<AgentsTable>): AgentRecord {
  return { id: row.id, name: row.name, salt: row.salt, addedAt: row.added_at };
}

function tokenOf(row: Selectable<TokensTable>): TokenRecord {
  return {
    id: row.id,
    agentId: row.agent_id,
    tokenHash: row.token_hash,
    storedKey: row.stored_key,
    serverKey: row.server_key,
    environment: row.environment,
    targets: row.targets,
    issuedAt: row.issued_at,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
  };
}
