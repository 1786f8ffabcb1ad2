/**
 * The undo list for one command: the vault, the targets, the providers, whose code signs. Connections are
 * opened when they are first needed and closed with the room.
 */
import { graceMsOf } from './config/by-environment.ts';
import type { Env } from './config/config.ts';
import { createSqlReader } from './languages/sql/reader.ts';
import type { SqlReader } from './languages/sql/sql-reading.ts';
import type { Clock } from './model/clock.ts';
import { HoldfastError } from './model/errors.ts';
import { Drain } from './protection/postgres/drain.ts';
import { runUndo } from './protection/postgres/undo/engine.ts';
import type { TargetDatabase } from './protection/target-database.ts';
import { InverseUndo } from './protection/undo/inverse-undo.ts';
import { Undos } from './protection/undo/undos.ts';
import { runRequestWith } from './protocols/index.ts';
import type { Provider } from './providers/provider.ts';
import type { Rooms } from './rooms.ts';
import { openTarget, targetsOf } from './wiring.ts';

export interface UndoRoom {
  readonly undos: Undos;
  close(): Promise<void>;
}

/** For a command: it drains what is there and leaves the lock to the gateway. */
const NO_LOCK = { tryHold: async () => false, release: async () => {} };

export function openUndoRoom(rooms: Rooms, env: Env, clock: Clock): UndoRoom {
  const { config, note, undoStore: store } = rooms;
  const open = new Map<string, TargetDatabase>();
  const roles = rooms.agentRoleStore;
  const targetOf = (name: string): TargetDatabase => {
    const there = open.get(name);
    if (there !== undefined) return there;
    const target = config.targets.find((one) => one.name === name);
    if (target === undefined) throw undeclared(name);
    const made = openTarget(target, env);
    open.set(name, made);
    return made;
  };
  const drainOnce = async (name: string): Promise<void> => {
    const target = config.targets.find((one) => one.name === name);
    if (target === undefined) throw undeclared(name);
    const names = await rooms.agents.names();
    const idOf = new Map(
      (await roles.byTarget(name)).map(({ agentId, role }) => [role, agentId] as const),
    );
    const drain = new Drain({
      target: targetOf(name),
      store,
      lock: NO_LOCK,
      clock,
      graceMs: graceMsOf(config)(target.environment),
      requireRoom: () => rooms.vault.requireRoom(config.limits.vaultFreeBytesMin),
      agentOf: (role) => {
        const id = idOf.get(role) ?? '';
        const agent = names.get(id);
        return agent === undefined ? null : { id, name: agent };
      },
    });
    await drain.drainOnce();
  };
  const providers = new LazyProviders(rooms, env, clock);
  const inverses = new InverseUndo({
    sealed: rooms.inverses,
    sourceOf: async (name) => {
      const source = (await providers.all()).get(name)?.inverses;
      if (source === undefined) throw undeclared(name);
      return source;
    },
    targetOf: (name) => targetsOf(config).resolve({ asked: name, searchPath: [] }),
    send: async (request) => await runRequestWith(await providers.all())(request),
    record: (event) => rooms.record(event),
  });
  const undos = new Undos({
    store,
    inverses,
    clock,
    note,
    run: runUndo,
    targetOf,
    drainOnce,
    targets: config.targets.map(({ name }) => name),
    prove: (signed) => rooms.prove(signed, 'undo.apply'),
    tickMs: () => rooms.watchedClock.tickMs(),
  });
  return {
    undos,
    close: async () => {
      for (const target of open.values()) await target.close();
      await providers.close();
    },
  };
}

/** Opened for one piece of work, and closed whatever comes of it. */
export async function withUndoRoom<T>(
  rooms: Rooms,
  env: Env,
  clock: Clock,
  work: (undos: Undos) => Promise<T>,
): Promise<T> {
  const room = openUndoRoom(rooms, env, clock);
  try {
    return await work(room.undos);
  } finally {
    await room.close();
  }
}

/** A command that only lists asks no provider; a reader of SQL takes a while to be made. */
class LazyProviders {
  readonly #make: () => Promise<ReadonlyMap<string, Provider>>;
  #providers: Promise<ReadonlyMap<string, Provider>> | null = null;
  #reader: Promise<SqlReader> | null = null;

  constructor(rooms: Rooms, env: Env, clock: Clock) {
    const { config, credentials } = rooms;
    const reader = (): Promise<SqlReader> => {
      this.#reader ??= createSqlReader();
      return this.#reader;
    };
    const sql = {
      read: async (...text: Parameters<SqlReader['read']>) => (await reader()).read(...text),
    };
    const secretOf = (name: string): Promise<string> => credentials.open(name);
    this.#make = async () => {
      const { providersOf } = await import('./providing.ts');
      return providersOf(config, { env, clock, sql, secretOf });
    };
  }

  async all(): Promise<ReadonlyMap<string, Provider>> {
    this.#providers ??= this.#make();
    return await this.#providers;
  }

  async close(): Promise<void> {
    await (await this.#reader)?.close();
  }
}

function undeclared(name: string): HoldfastError {
  return new HoldfastError('HF_TARGET_UNKNOWN', {
    expected: 'a target that holdfast.yaml declares',
    found: name,
    hint: 'Declare it again to undo what was done there.',
  });
}
