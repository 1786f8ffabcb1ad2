/**
 * The protected targets of one gateway: to each its admin connection, its guard and its drain; one purge
 * for all. Order: connect -> look (how far is it protected?) -> guard -> drain, as soon as there is
 * something to drain. `stop` goes the other way round.
 *
 * What it will not do: let an agent in as anything but its own role where a wall once stood. A target
 * that cannot be looked at, or whose wall is gone without `holdfast unprotect`, lets nobody in.
 */
import { graceMsOf } from './config/by-environment.ts';
import type { Env, TargetConfig } from './config/config.ts';
import type { Clock } from './model/clock.ts';
import { HoldfastError, messageOf } from './model/errors.ts';
import { PROTECTION_LOOK_MS } from './model/limits.ts';
import { Grace } from './protection/grace.ts';
import { Receipts } from './protection/postgres/acts/receipts.ts';
import { Drain, fullWords } from './protection/postgres/drain.ts';
import { PostgresGuard } from './protection/postgres/guard.ts';
import { AGENT_ROLE_PREFIX } from './protection/postgres/layout.ts';
import { changeRoles } from './protection/postgres/roles/change.ts';
import { dropTrash } from './protection/postgres/trash-bin.ts';
import { waitingIn } from './protection/postgres/waiting.ts';
import { AgentRoles } from './protection/postgres/wall/agent-roles.ts';
import type { TargetDatabase } from './protection/target-database.ts';
import type { TargetGuard } from './protection/target-guard.ts';
import type { Rooms } from './rooms.ts';
import { AdvisoryLock } from './store/advisory-lock.ts';
import { checkTarget, openTarget } from './wiring.ts';

export interface GuardingParts {
  readonly rooms: Rooms;
  readonly env: Env;
  readonly clock: Clock;
  readonly say: (level: 'info' | 'warn', message: string) => void;
}

interface Guarded {
  readonly target: TargetConfig;
  readonly db: TargetDatabase;
  readonly guard: PostgresGuard;
  drain: Drain | null;
  /** What waits there took more than its limit at the last look, while it could not be taken out. */
  isFull: boolean;
  /** Our store knows that it is protected. */
  isKnown: boolean;
  /** Which agent a role belongs to, as of the last look. */
  agents: ReadonlyMap<string, { readonly id: string; readonly name: string }>;
}

export class Guarding {
  readonly #parts: GuardingParts;
  readonly #guarded = new Map<string, Guarded>();
  readonly #grace: Grace;
  readonly #listeners = new Set<() => void>();
  #timer: NodeJS.Timeout | null = null;
  #looking: Promise<unknown> = Promise.resolve();
  /** The vault has too little room, as of the last look. */
  #noRoom: HoldfastError | null = null;

  private constructor(parts: GuardingParts) {
    this.#parts = parts;
    const { config, undoStore } = parts.rooms;
    for (const target of config.targets) this.#guarded.set(target.name, this.#made(target));
    this.#grace = new Grace({
      store: undoStore,
      targetOf: (name) => this.#guarded.get(name)?.db ?? null,
      dropTrash,
      onSweep: ({ waiting }) => {
        for (const { id, reason } of waiting) parts.say('warn', `purge of ${id} waits: ${reason}`);
      },
    });
  }

  /** Every target has been looked at once when it resolves; one that is away has trouble, and waits. */
  static async start(parts: GuardingParts): Promise<Guarding> {
    const guarding = new Guarding(parts);
    await guarding.#lookAtAll();
    guarding.#grace.start();
    guarding.#timer = setInterval(() => void guarding.#lookAtAll(), PROTECTION_LOOK_MS);
    return guarding;
  }

  guards(): ReadonlyMap<string, TargetGuard> {
    return new Map([...this.#guarded].map(([name, { guard }]) => [name, guard]));
  }

  /** Told after each look, when `protection` of the guards is as it was seen. */
  onLook(tell: () => void): void {
    this.#listeners.add(tell);
  }

  /** Somebody said that a target is protected, or is not any more. */
  lookAt(name: string): void {
    const one = this.#guarded.get(name);
    if (one === undefined) return;
    this.#looking = this.#looking.then(() => this.#look(one));
  }

  async stop(): Promise<void> {
    if (this.#timer) clearInterval(this.#timer);
    await this.#looking;
    await this.#grace.stop();
    for (const { db, drain } of this.#guarded.values()) {
      await drain?.stop();
      await db.close();
    }
  }

  #made(target: TargetConfig): Guarded {
    const { clock, env, rooms } = this.#parts;
    const db = openTarget(target, env);
    const store = rooms.agentRoleStore;
    const guard = new PostgresGuard({
      target: target.name,
      roles: new AgentRoles({ db, store, seal: rooms.seal, clock, note: rooms.note }),
      receipts: receiptsOn(db),
      look: () => checkTarget(db, target, clock),
      wasProtected: () => rooms.wallStore.isKnown(target.name),
      trouble: () => this.#troubleOf(target.name),
      isFull: () => this.#guarded.get(target.name)?.isFull === true,
      note: rooms.note,
    });
    return { target, db, guard, drain: null, isFull: false, isKnown: false, agents: new Map() };
  }

  /** What keeps undo data in the target now. */
  #troubleOf(name: string): string | null {
    const drain = this.#guarded.get(name)?.drain?.health.trouble ?? null;
    if (drain !== null || this.#noRoom === null) return drain;
    return fullWords(name, this.#noRoom);
  }

  /** Known before the first statement would have to be kept. */
  async #lookForRoom(): Promise<void> {
    const { config, vault } = this.#parts.rooms;
    try {
      await vault.requireRoom(config.limits.vaultFreeBytesMin);
      this.#noRoom = null;
    } catch (error) {
      // A store that is away is the drain's to say.
      const isFull = error instanceof HoldfastError && error.code === 'HF_VAULT_FULL';
      this.#noRoom = isFull ? error : null;
    }
  }

  async #lookAtWaiting(one: Guarded): Promise<void> {
    if (one.guard.protection.trouble === null) {
      one.isFull = false;
      return;
    }
    try {
      const { bytes } = await waitingIn(one.db);
      one.isFull = bytes > this.#parts.rooms.config.limits.waitingBytesMax;
    } catch {
      // The target is away, as its trouble says already; what was known of it stands.
    }
  }

  #lookAtAll(): Promise<void> {
    const looked = this.#looking.then(async () => {
      await this.#lookForRoom();
      await Promise.all([...this.#guarded.values()].map((one) => this.#look(one)));
    });
    this.#looking = looked;
    return looked;
  }

  async #look(one: Guarded): Promise<void> {
    const { say } = this.#parts;
    await one.guard.refresh();
    try {
      one.agents = await this.#agentsOf(one.target.name);
    } catch (error) {
      // The names of before serve until our store is back; the drain says that it is away.
      say('warn', messageOf(error));
    }
    await this.#lookAtWaiting(one);
    const isProtected = one.guard.protection.level !== 'none';
    // Also a wall that another store's `protect` put there is one that people know of.
    if (isProtected && !one.isKnown) await this.#remember(one);
    if (!isProtected) one.isKnown = false;
    for (const tell of this.#listeners) tell();
    if (!isProtected) {
      const { drain } = one;
      one.drain = null;
      await drain?.stop();
    } else if (one.drain === null) {
      one.drain = this.#drainOf(one);
      one.drain.start();
    }
  }

  async #remember(one: Guarded): Promise<void> {
    const { clock, rooms, say } = this.#parts;
    try {
      const { name } = one.target;
      if (!(await rooms.wallStore.isKnown(name))) await rooms.wallStore.raised(name, clock.now());
      one.isKnown = true;
    } catch (error) {
      say('warn', messageOf(error));
    }
  }

  #drainOf(one: Guarded): Drain {
    const { clock, rooms, say } = this.#parts;
    const { name, environment } = one.target;
    return new Drain({
      target: one.db,
      store: rooms.undoStore,
      lock: new AdvisoryLock(rooms.database, `drain ${name}`),
      clock,
      graceMs: graceMsOf(rooms.config)(environment),
      // A role made since the last look, here or by another gateway, is an agent's all the same.
      agentOf: async (role) => {
        if (!one.agents.has(role) && role.startsWith(AGENT_ROLE_PREFIX)) {
          one.agents = await this.#agentsOf(name);
        }
        return one.agents.get(role) ?? null;
      },
      requireRoom: () => rooms.vault.requireRoom(rooms.config.limits.vaultFreeBytesMin),
      onHealth: ({ trouble }) => {
        if (trouble !== null) say('warn', `undo data of ${name}: ${trouble}`);
        void this.#noteTrouble(name, trouble);
      },
    });
  }

  async #noteTrouble(target: string, trouble: string | null): Promise<void> {
    const { rooms, say } = this.#parts;
    try {
      await rooms.note({
        kind: trouble === null ? 'vault-over' : 'vault-trouble',
        facts: { target, trouble },
        message:
          trouble ?? `Undo data of ${target} is taken to the vault again; nothing of it was lost.`,
      });
    } catch (error) {
      say('warn', messageOf(error));
    }
  }

  async #agentsOf(target: string): Promise<Guarded['agents']> {
    const { agentRoleStore, agents } = this.#parts.rooms;
    const names = await agents.names();
    const roles = await agentRoleStore.byTarget(target);
    return new Map(
      roles.map(({ agentId, role }) => [
        role,
        { id: agentId, name: names.get(agentId) ?? agentId },
      ]),
    );
  }
}

/** Who owns what agents create was settled by `holdfast protect`, and is noted in the target. */
function receiptsOn(
  db: TargetDatabase,
): Pick<TargetGuard, 'permit' | 'void' | 'runOutside' | 'changeRoles'> {
  const receipts = new Receipts();
  return {
    permit: (session, wishes, path) => receipts.issue(db, session, wishes, path),
    void: (ids) => receipts.void(db, ids),
    runOutside: (wish, session, path) => receipts.runOutside(db, wish, session, path),
    changeRoles: (statement, session) => changeRoles(db, statement, session.role),
  };
}
