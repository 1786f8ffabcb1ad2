/** Agents and tokens in PostgreSQL. Every change tells the other processes to look again. */
import { type Kysely, type Selectable, sql, type Transaction } from 'kysely';
import type {
  AgentOwner,
  AgentRecord,
  AgentSettings,
  AgentSnapshot,
  AgentStore,
  ChangedAgent,
  Pause,
  RevokeScope,
  TokenRecord,
  TokenUse,
  VoidedHold,
} from '../identity/agent-store.ts';
import type { RowMacs } from '../model/row-macs.ts';
import { agentOf, columnsOfChange, columnsOfPause, rowOfAgent, tokenOf } from './agent-rows.ts';
import type { Database } from './database.ts';
import { HOLDS_CHANNEL } from './hold-store.ts';
import {
  agentFacts,
  isJoinedPersonOurs,
  isPersonOurs,
  type JoinedPerson,
  PERSON_COLUMNS,
  tokenFacts,
} from './row-facts.ts';
import type { AgentsTable, Tables, TokensTable } from './tables.ts';

export const AGENTS_CHANNEL = 'holdfast_agents';

export class SqlAgentStore implements AgentStore {
  readonly #database: Database;
  readonly #rows: RowMacs;

  constructor(database: Database, rows: RowMacs) {
    this.#database = database;
    this.#rows = rows;
  }

  addAgent(agent: AgentRecord): Promise<boolean> {
    return this.#database.transaction(async (trx) => {
      const row = rowOfAgent(agent);
      const mac = this.#rows.mac('agent', agent.id, agentFacts(row));
      const added = await trx
        .insertInto('holdfast.agents')
        .values({ ...row, mac })
        .onConflict((conflict) => conflict.column('name').doNothing())
        .executeTakeFirst();
      await tell(trx, agent.id);
      return added.numInsertedOrUpdatedRows === 1n;
    });
  }

  agentByName(name: string): Promise<AgentRecord | null> {
    return this.#database.run((db) => agentNamed(db, this.#rows, name));
  }

  personNamed(name: string): Promise<AgentOwner | null> {
    return this.#database.run(async (db) => {
      const row = await db
        .selectFrom('holdfast.people')
        .selectAll()
        .where('name', '=', name)
        .where('removed_at', 'is', null)
        .executeTakeFirst();
      if (row === undefined || !isPersonOurs(this.#rows, row)) return null;
      return { id: row.id, name, isRemoved: false };
    });
  }

  changeAgent(
    name: string,
    change: Partial<AgentSettings>,
    now: Date,
  ): Promise<ChangedAgent | null> {
    return this.#database.transaction(async (trx) => {
      const before = await lockAgent(trx, this.#rows, name);
      if (before === null) return null;
      const was = await agentNamed(trx, this.#rows, name);
      await changeRow(trx, this.#rows, before, columnsOfChange(change));
      const changed = await agentNamed(trx, this.#rows, name);
      if (was === null || changed === null) return null;
      const isOwnedAnew = change.owner !== undefined && change.owner?.id !== before.owner_id;
      const voided = isOwnedAnew ? await voidOwned(trx, before.id, now) : [];
      return { changed, ownerBefore: was.owner, voided };
    });
  }

  setPause(name: string, pause: Pause | null): Promise<boolean | null> {
    return this.#database.transaction(async (trx) => {
      const before = await lockAgent(trx, this.#rows, name);
      if (before === null) return null;
      if ((before.paused_at === null) === (pause === null)) return false;
      await changeRow(trx, this.#rows, before, columnsOfPause(pause));
      return true;
    });
  }

  addToken(token: TokenRecord): Promise<void> {
    return this.#database.transaction(async (trx) => {
      const row = {
        agent_id: token.agentId,
        token_hash: token.tokenHash,
        stored_key: token.storedKey,
        server_key: token.serverKey,
        environment: token.environment,
        targets: [...token.targets],
        issued_at: token.issuedAt,
        expires_at: token.expiresAt,
      };
      const mac = this.#rows.mac('token', token.id, tokenFacts(row));
      await trx
        .insertInto('holdfast.tokens')
        .values({ ...row, id: token.id, revoked_at: token.revokedAt, mac })
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
        .set({ revoked_at: now, mac: null })
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
          const isOwner = onceEach((row) => isJoinedPersonOurs(this.#rows, row));
          const tokens = await trx
            .selectFrom('holdfast.tokens')
            .selectAll()
            .where('revoked_at', 'is', null)
            .where('expires_at', '>', now)
            .orderBy('id')
            .execute();
          return {
            agents: agents.flatMap((row) => agentIfOurs(this.#rows, row, isOwner) ?? []),
            tokens: tokens.filter((row) => isTokenOurs(this.#rows, row)).map(tokenOf),
          };
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
    .select(PERSON_COLUMNS);
}

type AgentWithOwner = Selectable<AgentsTable> & {
  readonly [Column in keyof JoinedPerson]: JoinedPerson[Column] | null;
};

/** Null: somebody else wrote it. An owner whose row is not ours is none. */
function agentIfOurs(
  rows: RowMacs,
  row: AgentWithOwner,
  isOwner: (row: JoinedPerson) => boolean = (owner) => isJoinedPersonOurs(rows, owner),
): AgentRecord | null {
  if (!rows.fits('agent', row.id, agentFacts(row), row.mac)) return null;
  const { p_id: id, p_name: name, p_removed_at: removedAt, p_roles: roles } = row;
  const isOwned =
    id !== null &&
    name !== null &&
    roles !== null &&
    isOwner({ ...row, p_id: id, p_name: name, p_roles: roles });
  return agentOf(row, isOwned ? { id, name, isRemoved: removedAt !== null } : null);
}

/** Of one statement: a person who answers for a thousand agents is one row in it, and is looked at once. */
function onceEach(isOurs: (row: JoinedPerson) => boolean): (row: JoinedPerson) => boolean {
  const known = new Map<string, boolean>();
  return (row) => {
    const found = known.get(row.p_id) ?? isOurs(row);
    known.set(row.p_id, found);
    return found;
  };
}

function isTokenOurs(rows: RowMacs, row: Selectable<TokensTable>): boolean {
  return rows.fits('token', row.id, tokenFacts(row), row.mac);
}

async function agentNamed(
  db: Kysely<Tables>,
  rows: RowMacs,
  name: string,
): Promise<AgentRecord | null> {
  const row = await agentRows(db).where('a.name', '=', name).executeTakeFirst();
  return row === undefined ? null : agentIfOurs(rows, row);
}

/** Null: no such agent that we wrote. */
async function lockAgent(
  trx: Transaction<Tables>,
  rows: RowMacs,
  name: string,
): Promise<Selectable<AgentsTable> | null> {
  const row = await trx
    .selectFrom('holdfast.agents')
    .selectAll()
    .where('name', '=', name)
    .forUpdate()
    .executeTakeFirst();
  return row !== undefined && rows.fits('agent', row.id, agentFacts(row), row.mac) ? row : null;
}

/** `before`: as it was looked at under the lock that the transaction still has. */
async function changeRow(
  trx: Transaction<Tables>,
  rows: RowMacs,
  before: Selectable<AgentsTable>,
  change: Partial<Selectable<AgentsTable>>,
): Promise<void> {
  const mac = rows.mac('agent', before.id, agentFacts({ ...before, ...change }));
  await trx
    .updateTable('holdfast.agents')
    .set({ ...change, mac })
    .where('id', '=', before.id)
    .execute();
  await tell(trx, before.id);
}

/**
 * What waits for a yes, or has one and did not run, in environments where an owner does not sign alone: of this
 * agent, and of those below it that have their owner from it.
 */
async function voidOwned(
  trx: Transaction<Tables>,
  agentId: string,
  now: Date,
): Promise<readonly VoidedHold[]> {
  const found = await sql<VoidedHold>`
    with recursive owned as (
      select ${agentId}::text as id
      union select a.id from holdfast.agents a join owned o on a.parent_id = o.id
        where not exists (
          select from holdfast.people p where p.id = a.owner_id and p.removed_at is null)
    )
    update holdfast.holds h
    set state = 'void', decided_at = ${now}, note = 'who answers for the agent changed'
    where h.agent_id in (select id from owned) and h.state in ('waiting', 'signed')
      and h.environment_level = 'sealed'
    returning h.id as hold, h.digest, coalesce(h.agent_name, '') as agent, h.target`.execute(trx);
  for (const { hold } of found.rows) {
    await sql`select pg_notify(${HOLDS_CHANNEL}, ${hold})`.execute(trx);
  }
  return found.rows;
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
