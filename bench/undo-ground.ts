/**
 * What stands on both sides of an undo, without a gateway: a target on PostgreSQL 15 (protected, with an
 * agent's role) and its twin that is not, the vault on an embedded PostgreSQL as `holdfast up` starts it,
 * the drain, and the room of `holdfast undo`. All with fsync on. A person's code is not part of what is
 * measured, so here nobody asks for one.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '#holdfast/model/clock.js';
import { openTargetDatabase } from '#holdfast/protection/postgres/admin.js';
import { Drain } from '#holdfast/protection/postgres/drain.js';
import { FOUNDATIONS } from '#holdfast/protection/postgres/foundations.js';
import { runUndo } from '#holdfast/protection/postgres/undo/engine.js';
import { applyProtection } from '#holdfast/protection/postgres/wall/apply.js';
import type { TargetDatabase } from '#holdfast/protection/target-database.js';
import { Undos } from '#holdfast/protection/undo/undos.js';
import { type Database, openDatabase } from '#holdfast/store/database.js';
import { EmbeddedPostgres } from '#holdfast/store/embedded-postgres.js';
import { migrate } from '#holdfast/store/migrate.js';
import { MIGRATIONS } from '#holdfast/store/migrations/index.js';
import { SqlUndoStore } from '#holdfast/store/undo-store.js';
import type { Door } from './pgbench.ts';
import { startPostgres } from './servers.ts';
import type { Stops } from './workshop.ts';

const SUPERUSER = 'postgres';
const AGENT_ROLE = 'hf_bench_agent';
const AGENT_PASSWORD = 'bench-agent-password';
const GRACE_MS = 48 * 60 * 60 * 1000;
const TWIN = 'plain';
/** pgbench fills it and nobody reads it here. */
const SCALE = 1;

export interface VaultOfBench {
  /** As `store.dataFolder`: a command of `holdfast` finds this vault running there. */
  readonly folder: string;
  readonly database: Database;
  readonly store: SqlUndoStore;
}

export interface UndoGround extends VaultOfBench {
  /** The tables' owner, exempt from capture, straight to the protected database. */
  readonly owner: Door;
  /** As agents log in: captured. */
  readonly agent: Door;
  /** The owner in a database without protection. */
  readonly twin: Door;
  /** Holdfast's own way to the protected database. */
  readonly target: TargetDatabase;
  readonly drain: Drain;
  readonly undos: Undos;
  /** Called when the transaction of an undo has been committed on the target; set by who measures that. */
  readonly hooks: { committed: () => void };
  /** Postmaster of both databases. */
  readonly serverPid: number;
}

/** Each started server adds its stop. */
export async function startVault(root: string, stops: Stops): Promise<VaultOfBench> {
  const folder = join(root, 'vault');
  const own = join(folder, 'store');
  mkdirSync(own, { mode: 0o711, recursive: true });
  const vault = await EmbeddedPostgres.start({ folder: own, clock: systemClock });
  stops.push(() => vault.stop());
  const database = await openDatabase({ connection: vault.connection });
  stops.push(() => database.close());
  await migrate(database, MIGRATIONS, systemClock);
  return { folder, database, store: new SqlUndoStore(database, systemClock) };
}

export async function startUndoGround(root: string, stops: Stops): Promise<UndoGround> {
  const server = await startPostgres(root, SCALE);
  stops.push(server.stop);
  const owner = server.door;
  const twin = { ...owner, name: TWIN, database: TWIN };
  const vault = await startVault(root, stops);
  const { host, port, database } = owner;
  const connection = { host, port, user: SUPERUSER, database, password: () => null, ssl: false };
  const target = openTargetDatabase({ target: database, connection });
  stops.push(() => target.close());
  await target.query(`create database ${TWIN} owner ${owner.user}`);
  await applyProtection(target, {
    target: database,
    exempt: [owner.user],
    ddlOwner: owner.user,
    functionsAllowed: [],
    foundations: FOUNDATIONS,
    install: 'bench',
  });
  await target.query(
    `create role ${AGENT_ROLE} login password '${AGENT_PASSWORD}' in role holdfast_agents`,
  );
  const drain = new Drain({
    target,
    store: vault.store,
    // The only drain there is.
    lock: { tryHold: async () => true, release: async () => {} },
    clock: systemClock,
    graceMs: GRACE_MS,
    agentOf: () => null,
  });
  const hooks = { committed: () => {} };
  return {
    ...vault,
    owner,
    agent: { ...owner, name: 'agent', user: AGENT_ROLE, password: AGENT_PASSWORD },
    twin,
    target,
    drain,
    undos: undosOf(vault.store, { [database]: watched(target, hooks) }, () => drain.drainOnce()),
    hooks,
    serverPid: server.pid,
  };
}

function watched(target: TargetDatabase, hooks: UndoGround['hooks']): TargetDatabase {
  return {
    target: target.target,
    query: (text, values) => target.query(text, values),
    transaction: async (isolation, work) => {
      const result = await target.transaction(isolation, work);
      hooks.committed();
      return result;
    },
    close: () => target.close(),
  };
}

function undosOf(
  store: SqlUndoStore,
  targets: Readonly<Record<string, TargetDatabase>>,
  drainOnce: (target: string) => Promise<unknown>,
): Undos {
  return new Undos({
    store,
    clock: systemClock,
    note: async () => {},
    run: runUndo,
    inverses: { preview: () => noProvider(), apply: () => noProvider() },
    targetOf: (name) => {
      const target = targets[name];
      if (target === undefined) throw new Error(`No target ${name}.`);
      return target;
    },
    drainOnce,
    targets: Object.keys(targets),
    prove: async ({ person }) => ({ name: person, facts: { method: 'totp' } }),
    tickMs: async () => 0n,
  });
}

/** holdfast.yaml for the commands of `holdfast` on this ground. */
export function yamlOf({ folder, owner }: UndoGround): string {
  const server = `${owner.host}:${owner.port}/${owner.database}`;
  return `listen: { host: 127.0.0.1, port: 1, tls: off }
dashboard: off
store: { dataFolder: '${folder}' }
environments: { production: { level: open } }
targets:
  ${owner.database}:
    environment: production
    upstream:
      url: postgres://${owner.user}@${server}
      password: { env: BENCH_PASSWORD }
      sslmode: disable
    protection:
      admin: { url: 'postgres://${SUPERUSER}@${server}', sslmode: disable }
      owner: ${owner.user}
      exempt: [${owner.user}]
`;
}

function noProvider(): Promise<never> {
  return Promise.reject(new Error('nothing was done at a provider here'));
}
