/**
 * The login role of an agent at a target: made when it is first needed, its password made anew when less
 * than half of its life is left. The order: store (sealed, not yet applied) -> target -> store (applied),
 * so that after a crash anywhere the same password is sent again and every gateway reads the same one.
 *
 * A new password does not touch sessions that are open. One that was read just before another gateway
 * made it anew fails once, with 28P01; the next login reads the new one.
 *
 * It will not: send a password to a target (only what checks it), take a role that is somebody else's,
 * or keep a password in memory.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { SCRAM_SALT_BYTES, scramVerifier } from '../../../identity/scram.ts';
import type { Seal } from '../../../identity/seal.ts';
import type { AgentActor } from '../../../model/actor.ts';
import type { Clock } from '../../../model/clock.ts';
import type { Note } from '../../../model/event.ts';
import { base32 } from '../../../model/ids.ts';
import { AGENT_ROLE_CONNECTIONS_MAX, AGENT_ROLE_LIFE_MS } from '../../../model/limits.ts';
import type { AgentRoleRecord, AgentRoleStore } from '../../agent-role-store.ts';
import type { TargetDatabase, TargetSession } from '../../target-database.ts';
import type { AgentRole } from '../../target-guard.ts';
import { AGENT_ROLE_PREFIX, AGENTS_ROLE, ident, literal } from '../layout.ts';
import { refused } from './inspection.ts';

export interface AgentRolesParts {
  readonly db: TargetDatabase;
  readonly store: AgentRoleStore;
  readonly seal: Seal;
  readonly clock: Clock;
  readonly note: Note;
}

type Agent = Pick<AgentActor, 'id' | 'name'>;

const PASSWORD_BYTES = 32;
/** PostgreSQL cuts names at 63 bytes; agents' names are ASCII. */
const ROLE_BYTES_MAX = 63;

/** What every session of an agent starts with. An agent may SET them: the gateway watches those. */
const SETTINGS: readonly (readonly [string, string])[] = [
  ['standard_conforming_strings', 'on'],
  ['backslash_quote', 'safe_encoding'],
  ['row_security', 'on'],
  ['client_encoding', 'UTF8'],
];

export class AgentRoles {
  readonly #parts: AgentRolesParts;

  constructor(parts: AgentRolesParts) {
    this.#parts = parts;
  }

  /**
   * HF_PROTECT when the target is not protected; what the server said when it does not let us. `refused`
   * is the password that the target did not take (28P01: a role may change its own); when it is still the
   * one we keep it is made anew, once for all who were refused with it.
   */
  async ensure(agent: Agent, refusedPassword: string | null = null): Promise<AgentRole> {
    const { clock, db, store } = this.#parts;
    const key = { target: db.target, agentId: agent.id };
    const fresh = this.#fresh(agent);
    let record = await store.settle(key, (found) => {
      if (found === null) return fresh;
      if (!found.isApplied) return null;
      const isRefused = refusedPassword !== null && this.#passwordOf(found) === refusedPassword;
      return isRefused || this.#isWorn(found) ? { ...fresh, role: found.role } : null;
    });
    if (record === null) throw new Error('a settled role is none');
    if (!record.isApplied) {
      record = await this.#apply(agent, record);
      await store.applied(record, clock.now());
    }
    return { user: record.role, password: this.#passwordOf(record) };
  }

  /** Its sessions end, the role goes. A role that something still hangs on stays, shut. */
  async retire(agent: Agent): Promise<void> {
    const { db, note, store } = this.#parts;
    const records = await store.byTarget(db.target);
    const role = records.find(({ agentId }) => agentId === agent.id)?.role;
    if (role !== undefined) {
      await db.transaction('read committed', (session) => shut(session, role));
      await db
        .query(`drop owned by ${ident(role)}; drop role ${ident(role)}`)
        // Rights in another database of this server: nobody can log in as it any more.
        .catch((error: unknown) => {
          if (!isDependent(error)) throw error;
        });
      await note({
        kind: 'agent-role-retired',
        facts: { target: db.target, agent: agent.name, role },
        message: `The role ${role} of agent ${agent.name} on ${db.target} is gone.`,
      });
    }
    await store.remove(db.target, agent.id);
  }

  #fresh(agent: Agent): AgentRoleRecord {
    const { clock, db, seal } = this.#parts;
    const password = base32(clock.random(PASSWORD_BYTES));
    const sealedFor = { kind: 'agent-role', id: `${db.target}/${agent.id}` } as const;
    return {
      target: db.target,
      agentId: agent.id,
      role: firstName(agent),
      passwordSealed: seal.close(Buffer.from(password, 'utf8'), sealedFor),
      validUntil: new Date(clock.now().getTime() + AGENT_ROLE_LIFE_MS),
      isApplied: false,
    };
  }

  #isWorn({ validUntil }: AgentRoleRecord): boolean {
    const leftMs = validUntil.getTime() - this.#parts.clock.now().getTime();
    // One that lasts longer than a life was made before the clock went back.
    return leftMs < AGENT_ROLE_LIFE_MS / 2 || leftMs > AGENT_ROLE_LIFE_MS;
  }

  #passwordOf({ agentId, passwordSealed, target }: AgentRoleRecord): string {
    const sealedFor = { kind: 'agent-role', id: `${target}/${agentId}` } as const;
    return this.#parts.seal.open(passwordSealed, sealedFor).toString('utf8');
  }

  async #apply(agent: Agent, record: AgentRoleRecord): Promise<AgentRoleRecord> {
    const { clock, db, note, store } = this.#parts;
    const verifier = scramVerifier(this.#passwordOf(record), clock.random(SCRAM_SALT_BYTES));
    const { made, role } = await db.transaction('read committed', async (session) => {
      // Two gateways that make the same role, one after the other.
      await session.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [agent.id]);
      const place = await placeOf(session);
      const mark = agentMark(agent.id, place);
      const free = await freeName(session, roleNames(agent, place), mark);
      await session.query(roleSql(free, verifier, record.validUntil, mark));
      return { made: !free.isThere, role: free.name };
    });
    if (made) {
      await note({
        kind: 'agent-role-made',
        facts: { target: db.target, agent: agent.name, role },
        message: `Agent ${agent.name} has its own role ${role} on ${db.target}.`,
      });
    }
    if (role === record.role) return record;
    const key = { target: record.target, agentId: record.agentId };
    const renamed = await store.settle(key, (found) =>
      found === null || !found.passwordSealed.equals(record.passwordSealed)
        ? null
        : { ...record, role },
    );
    return renamed ?? { ...record, role };
  }
}

/** A protected database of a server: what was installed there, and which database of the server it is. */
export interface Place {
  readonly install: string;
  /** A copy of a protected database (TEMPLATE) has the same install, and is another place. */
  readonly databaseOid: string;
}

/** Roles belong to the whole server: whose one is, and for which of its databases, is said in its comment. */
export function agentMark(agentId: string, place: Place): string {
  return `holdfast agent ${agentId} ${placeMark(place)}`;
}

export function placeMark({ databaseOid, install }: Place): string {
  return `on ${install}, database ${databaseOid}`;
}

/** First choice and, where that is another's or another target's, a second that cannot be. */
export function roleNames(agent: Agent, place: Place): readonly string[] {
  return [...new Set([firstName(agent), cut(agent, `${agent.id} ${placeMark(place)}`)])];
}

function firstName(agent: Agent): string {
  const plain = `${AGENT_ROLE_PREFIX}${agent.name}`;
  return plain.length > ROLE_BYTES_MAX ? cut(agent, agent.id) : plain;
}

function cut({ name }: Agent, unlike: string): string {
  const tail = `_${createHash('sha256').update(unlike).digest('hex').slice(0, 8)}`;
  return `${`${AGENT_ROLE_PREFIX}${name}`.slice(0, ROLE_BYTES_MAX - tail.length)}${tail}`;
}

interface FreeName {
  readonly name: string;
  readonly isThere: boolean;
}

async function freeName(
  session: TargetSession,
  names: readonly string[],
  mark: string,
): Promise<FreeName> {
  for (const name of names) {
    const [row] = await session.query(
      `select shobj_description(oid, 'pg_authid') as mark from pg_roles where rolname = $1`,
      [name],
    );
    if (row === undefined) return { name, isThere: false };
    if (row['mark'] === mark) return { name, isThere: true };
  }
  throw refused(
    `a role ${names.join(' or ')} that is free`,
    'roles by these names that are not this agent’s',
    'Rename the agent, or the roles.',
  );
}

async function placeOf(session: TargetSession): Promise<Place> {
  const [there] = await session.query(`select to_regclass('holdfast.meta') is not null as there`);
  const rows =
    there?.['there'] === true
      ? await session.query(`select value as install, (select oid::text from pg_database
          where datname = current_database()) as "databaseOid"
        from holdfast.meta where key = 'install'`)
      : [];
  if (rows.length === 0) {
    throw refused('a protected target', 'one that is not', 'holdfast protect TARGET --apply');
  }
  return z.object({ install: z.string(), databaseOid: z.string() }).parse(rows[0]);
}

function roleSql({ isThere, name }: FreeName, verifier: string, until: Date, mark: string): string {
  const role = ident(name);
  const attributes =
    'login inherit nosuperuser nocreatedb nocreaterole noreplication nobypassrls ' +
    `connection limit ${AGENT_ROLE_CONNECTIONS_MAX} password ${literal(verifier)} ` +
    `valid until ${literal(until.toISOString())}`;
  // What only a superuser may say is said when the role is made, and need not be said again.
  const kept =
    `login inherit connection limit ${AGENT_ROLE_CONNECTIONS_MAX} ` +
    `password ${literal(verifier)} valid until ${literal(until.toISOString())}`;
  return [
    isThere ? `alter role ${role} ${kept}` : `create role ${role} ${attributes}`,
    `comment on role ${role} is ${literal(mark)}`,
    `grant ${ident(AGENTS_ROLE)} to ${role}`,
    // A role may set its own defaults: they end here.
    `alter role ${role} reset all`,
    ...SETTINGS.map(([setting, value]) => `alter role ${role} set ${setting} = ${literal(value)}`),
  ].join(';\n');
}

async function shut(session: TargetSession, role: string): Promise<void> {
  const [there] = await session.query('select 1 as one from pg_roles where rolname = $1', [role]);
  if (there === undefined) return;
  await session.query(`alter role ${ident(role)} nologin password null`);
  await session.query('select pg_terminate_backend(pid) from pg_stat_activity where usename = $1', [
    role,
  ]);
}

function isDependent(error: unknown): boolean {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : null;
  // Dependent objects; or the role is gone already.
  return code === '2BP01' || code === '42704';
}
