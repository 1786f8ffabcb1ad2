/**
 * The parts that stand in a target and take it back, without a gateway and without a store on disk: the
 * wall, the capture, receipts, the drain into memory and the undo engine. For what never sees the
 * gateway: a session with a found login.
 */
import { systemClock } from '../../src/model/clock.ts';
import { Receipts } from '../../src/protection/postgres/acts/receipts.ts';
import { openTargetDatabase } from '../../src/protection/postgres/admin.ts';
import { Drain } from '../../src/protection/postgres/drain.ts';
import { FOUNDATIONS } from '../../src/protection/postgres/foundations.ts';
import { changeRoles } from '../../src/protection/postgres/roles/change.ts';
import { runUndo } from '../../src/protection/postgres/undo/engine.ts';
import { applyProtection } from '../../src/protection/postgres/wall/apply.ts';
import type { TargetGuard } from '../../src/protection/target-guard.ts';
import type { UndoReport } from '../../src/protection/undo/undo-report.ts';
import { MemoryUndoStore } from '../../src/testing/memory-undo-store.ts';
import type { Login } from './raw-client.ts';
import { APP_ROLE, type Upstream } from './upstream.ts';

const AGENT_ROLE = 'hf_cursor_backend';
const AGENT_PASSWORD = 'password of the agent role';
const GRACE_MS = 48 * 3_600_000;

export interface Engines {
  /** Straight to the server, as the agent's own role. */
  readonly direct: Login;
  /** What is captured so far is taken out and is not part of the next undo. */
  drain(): Promise<void>;
  /** Takes back everything that was captured since the last call, newest first. */
  undoAll(): Promise<UndoReport | null>;
  /** For a gateway in front of it: as `AGENT_ROLE`, with receipts. */
  readonly guard: TargetGuard;
  stop(): Promise<void>;
}

export async function startEngines(upstream: Upstream): Promise<Engines> {
  const { server, direct } = upstream;
  const target = openTargetDatabase({
    target: 'main-db',
    connection: { ...server, database: direct.database, password: () => null, ssl: false },
  });
  await applyProtection(target, {
    target: 'main-db',
    exempt: [],
    ddlOwner: APP_ROLE,
    functionsAllowed: [],
    foundations: FOUNDATIONS,
    install: 'test-install',
  });
  await upstream.ask(
    `create role ${AGENT_ROLE} login password '${AGENT_PASSWORD}' in role holdfast_agents`,
  );
  const store = new MemoryUndoStore();
  const drain = new Drain({
    target,
    store,
    lock: { tryHold: async () => true, release: async () => {} },
    clock: systemClock,
    graceMs: GRACE_MS,
    agentOf: () => null,
  });
  let undoneAlready: readonly string[] = [];
  const receipts = new Receipts();
  const guard: TargetGuard = {
    protection: { level: 'full', trouble: null },
    roleFor: async () => ({ user: AGENT_ROLE, password: AGENT_PASSWORD }),
    permit: (session, wishes, path) => receipts.issue(target, session, wishes, path),
    void: (ids) => receipts.void(target, ids),
    runOutside: (wish, session, path) => receipts.runOutside(target, wish, session, path),
    changeRoles: (statement, session) => changeRoles(target, statement, session.role),
  };
  return {
    guard,
    direct: { ...direct, user: AGENT_ROLE, password: AGENT_PASSWORD },
    drain: async () => {
      await drain.drainOnce();
      const items = await store.list({ target: 'main-db', limit: 100_000 });
      undoneAlready = items.map(({ id }) => id);
    },
    undoAll: async () => {
      await drain.drainOnce();
      const items = (await store.list({ target: 'main-db', limit: 100_000 })).filter(
        ({ id }) => !undoneAlready.includes(id),
      );
      undoneAlready = [...undoneAlready, ...items.map(({ id }) => id)];
      if (items.length === 0) return null;
      const chosen = [];
      for (const item of items) chosen.push({ item, entries: await store.entries(item.id) });
      const order = { chosen, tables: null, key: [], decisions: [], mode: 'apply' } as const;
      return runUndo(target, store, order);
    },
    stop: () => target.close(),
  };
}
