/** Agents and tokens in PostgreSQL. Every change tells the other processes to look again. */
import { type Kysely, sql } from 'kysely';
import type {
  AgentOwner,
  AgentRecord,
  AgentSettings,
  AgentSnapshot,
  AgentStore,
  Pause,
  RevokeScope,
  TokenRecord,
  TokenUse,
} from '../identity/agent-store.ts';
import { agentOf, columnsOfChange, columnsOfPause, rowOfAgent, tokenOf } from './agent-rows.ts';
import type { Database } from './database.ts';
import type { Tables } from './tables.ts';

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
        .values(rowOfAgent(agent))
        .onConflict((conflict) => conflict.column('name').doNothing())
        .executeTakeFirst();
      await tell(trx, agent.id);
      return added.numInsertedOrUpdatedRows === 1n;
    });
  }

  agentByName(name: string): Promise<AgentRecord | null> {
    return this.#database.run((db) => agentNamed(db, name));
  }

  personNamed(name: string): Promise<AgentOwner | null> {
    return this.#database.run(async (db) => {
      const row = await db
        .selectFrom('holdfast.people')
        .select('id')
        .where('name', '=', name)
        .where('removed_at', 'is', null)
        .executeTakeFirst();
      return row === undefined ? null : { id: row.id, name, isRemoved: false };
    });
  }

  changeAgent(name: string, change: Partial<AgentSettings>): Promise<AgentRecord | null> {
    return this.#database.transaction(async (trx) => {
      const columns = columnsOfChange(change);
      if (Object.keys(columns).length > 0) {
        await trx.updateTable('holdfast.agents').set(columns).where('name', '=', name).execute();
      }
      const agent = await agentNamed(trx, name);
      if (agent !== null) await tell(trx, agent.id);
      return agent;
    });
  }

  setPause(name: string, pause: Pause | null): Promise<boolean | null> {
    return this.#database.transaction(async (trx) => {
      const changed = await trx
        .updateTable('holdfast.agents')
        .set(columnsOfPause(pause))
        .where('name', '=', name)
        .where('paused_at', pause === null ? 'is not' : 'is', null)
        .returning('id')
        .executeTakeFirst();
      if (changed === undefined) return (await agentNamed(trx, name)) === null ? null : false;
      await tell(trx, changed.id);
      return true;
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

  async recordUses(uses: ReadonlyMap<string, TokenUse>): Promise<void> {
    const rows = [...uses].map(
      ([id, { at, protocol, source }]) => sql`(${id}, ${at}::timestamptz, ${source}, ${protocol})`,
    );
    if (rows.length === 0) return;
    await this.#database.run((db) =>
      sql`
        update holdfast.tokens t
        set last_used_at = u.at, last_source = u.source, last_protocol = u.protocol
        from (values ${sql.join(rows)}) as u (id, at, source, protocol)
        where t.id = u.id and (t.last_used_at is null or t.last_used_at < u.at)`.execute(db),
    );
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
      const live = trx
        .updateTable('holdfast.tokens')
        .set({ revoked_at: now })
        .where('revoked_at', 'is', null)
        .where('expires_at', '>', now)
        .returning('id');
      const meant =
        scope.kind === 'agent'
          ? live.where('agent_id', 'in', await withThoseBelow(trx, found.id))
          : live.where('id', '=', found.id);
      const ended = await meant.execute();
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
          const agents = await agentRows(trx).orderBy('a.name').execute();
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

function agentRows(db: Kysely<Tables>) {
  return db
    .selectFrom('holdfast.agents as a')
    .leftJoin('holdfast.people as p', 'p.id', 'a.owner_id')
    .selectAll('a')
    .select(['p.name as owner_name', 'p.removed_at as owner_removed_at']);
}

async function agentNamed(db: Kysely<Tables>, name: string): Promise<AgentRecord | null> {
  const row = await agentRows(db).where('a.name', '=', name).executeTakeFirst();
  return row === undefined ? null : agentOf(row);
}

/** `union`, not `union all`: it ends whatever somebody made of the parents. */
async function withThoseBelow(trx: Kysely<Tables>, id: string): Promise<string[]> {
  const found = await sql<{ id: string }>`
    with recursive below as (
      select ${id}::text as id
      union select a.id from holdfast.agents a join below b on a.parent_id = b.id
    ) select id from below`.execute(trx);
  return found.rows.map((row) => row.id);
}
