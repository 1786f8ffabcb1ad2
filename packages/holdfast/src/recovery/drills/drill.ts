/**
 * A drill: a recovery point is restored into a scratch cluster, with a stopwatch, and what came back is
 * looked at. In this order:
 *
 *   point and goal -> restore (fetch, decrypt, check against the manifest, unpack)
 *     -> start, replay to the goal -> first query -> checks -> all of it removed -> result
 *
 * A drill that cannot be carried through is a result too, and it does not read as passed. Only being
 * stopped rejects. It never touches the target: the scratch cluster has no network.
 */
import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { DrillAssertion } from '../../config/drill-assertions.ts';
import type { Clock } from '../../model/clock.ts';
import { HoldfastError, messageOf } from '../../model/errors.ts';
import { findPostgres } from '../../programs/postgres-binaries.ts';
import type { Engine, Restored, RestoreGoal, Tell } from '../engines/engine.ts';
import type { NotCounted } from '../point-seal.ts';
import type { StoredPoint } from '../recovery-point.ts';
import { checkAll } from './checks.ts';
import { type CheckResult, type DrillResult, verdictOf } from './drill-result.ts';
import { ScratchCluster } from './scratch-cluster.ts';
import type { Witness } from './witness.ts';

export interface DrillOrder {
  readonly point: StoredPoint;
  /** By its seal, where it counts for nothing here; null: it counts. */
  readonly seal: NotCounted | null;
  readonly goal: RestoreGoal;
  /** Taken at the goal; null: the goal is a moment that nobody witnessed. */
  readonly witness: Witness | null;
  /** Why the witness that lies there cannot be compared with; null: nothing is wrong with it. */
  readonly witnessTrouble: string | null;
  readonly assertions: readonly DrillAssertion[];
  /** What is looked at. */
  readonly database: string;
}

export interface DrillParts {
  readonly engine: Pick<Engine, 'restore'>;
  readonly vault: string;
  readonly clock: Clock;
  /** Empty or missing; removed afterwards. Room for the whole database. */
  readonly folder: string;
  /** A superuser of the source. */
  readonly superuser: string;
  /** Folders with PostgreSQL's programs that the configuration names. */
  readonly binaries: readonly string[];
  readonly replayMsMax: number;
}

export async function runDrill(
  order: DrillOrder,
  parts: DrillParts,
  tell: Tell,
  signal: AbortSignal,
): Promise<DrillResult> {
  const { clock, folder } = parts;
  const startedAt = clock.now();
  const found = await rehearse(order, parts, tell, signal).finally(() =>
    rmSync(folder, { recursive: true, force: true }),
  );
  signal.throwIfAborted();
  const { checks, cluster, restored } = found;
  const phases =
    restored === null || cluster === null
      ? null
      : {
          fetchMs: Math.round(restored.phases.fetchMs),
          restoreMs: Math.round(restored.phases.restoreMs),
          replayMs: Math.round((restored.phases.replayMs ?? 0) + cluster.replayMs),
          firstQueryMs: cluster.firstQueryMs,
          checkMs: found.checkMs,
        };
  return {
    format: 'holdfast/drill/1',
    id: `${stamp(startedAt)}-${clock.random(2).toString('hex')}`,
    target: order.point.target,
    vault: parts.vault,
    point: order.point.id,
    pointDigest: order.point.digest,
    ...(order.seal === null ? {} : { seal: order.seal }),
    goal: { at: order.goal.at?.toISOString() ?? null, lsn: order.goal.lsn },
    startedAt: startedAt.toISOString(),
    endedAt: clock.now().toISOString(),
    phases,
    rtoMs: phases === null ? null : rtoOf(phases),
    rpoMs: found.rpoMs,
    checks,
    verdict: verdictOf(checks),
    isolation: cluster?.isolation ?? null,
    server: found.server,
  };
}

interface Rehearsed {
  readonly restored: Restored | null;
  readonly cluster: ScratchCluster | null;
  readonly server: string | null;
  readonly rpoMs: number | null;
  readonly checkMs: number;
  readonly checks: readonly CheckResult[];
}

const NOTHING = { restored: null, cluster: null, server: null, rpoMs: null, checkMs: 0 } as const;

async function rehearse(
  order: DrillOrder,
  parts: DrillParts,
  tell: Tell,
  signal: AbortSignal,
): Promise<Rehearsed> {
  const { clock, engine, folder } = parts;
  // The server's user may pass through it, and no more.
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o711);
  const root = join(folder, 'root');
  let restored: Restored;
  let cluster: ScratchCluster;
  try {
    const binaries = await findPostgres(
      {
        major: Math.trunc(order.point.server.version / 10_000),
        named: parts.binaries,
        copyFolder: folder,
      },
      clock,
    );
    restored = await engine.restore(order.point, order.goal, root, tell, signal);
    cluster = await ScratchCluster.start({
      folder: restored.folder,
      binaries,
      user: restored.superuser ?? parts.superuser,
      clock,
      readyMsMax: parts.replayMsMax,
      signal,
    });
  } catch (error) {
    return { ...NOTHING, checks: [notRecovered(error)] };
  }
  try {
    return await lookAt(order, parts, restored, cluster);
  } catch (error) {
    // What got up and could not be looked at did not come back either.
    return { ...NOTHING, checks: [notRecovered(error)] };
  } finally {
    await cluster.stop();
  }
}

async function lookAt(
  order: DrillOrder,
  { clock }: DrillParts,
  restored: Restored,
  cluster: ScratchCluster,
): Promise<Rehearsed> {
  const began = clock.monotonicMs();
  const said = 'It recovered to the goal and answered.';
  const recovered: CheckResult = { name: 'recovered', end: 'passed', said };
  const client = await cluster.connect(order.database);
  try {
    const { rows } = await client.query<{ version: string; newest: Date | null }>(
      `select current_setting('server_version') as version,
         pg_last_xact_replay_timestamp() as newest`,
    );
    const checks = [
      recovered,
      ...notCompared(order.witnessTrouble),
      ...(await checkAll(client, order)),
    ];
    const checkMs = Math.round(clock.monotonicMs() - began);
    const newest = rows[0]?.newest ?? null;
    const { at } = order.goal;
    const rpoMs =
      at === null || newest === null ? null : Math.max(0, at.getTime() - newest.getTime());
    return { restored, cluster, server: rows[0]?.version ?? null, rpoMs, checkMs, checks };
  } finally {
    await client.end().catch(() => {});
  }
}

/** Where no server is installed nothing was shown; where one did not get up, something was. */
function notRecovered(error: unknown): CheckResult {
  const said = messageOf(error);
  const couldNotRun = error instanceof HoldfastError && NOT_RUN.includes(error.code);
  return { name: 'recovered', end: couldNotRun ? 'could-not-run' : 'failed', said };
}

/** These say nothing of the point: it is tried again soon. */
const NOT_RUN: readonly string[] = ['HF_DRILL_NO_SERVER', 'HF_VAULT_UNREACHABLE'];

/** A witness that somebody spoiled must not pass for one that was never taken. */
function notCompared(trouble: string | null): CheckResult[] {
  if (trouble === null) return [];
  const said = `The witness of this point could not be read: ${trouble}`;
  return [{ name: 'tables', end: 'could-not-run', said }];
}

function rtoOf(phases: NonNullable<DrillResult['phases']>): number {
  const { fetchMs, firstQueryMs, replayMs, restoreMs } = phases;
  return fetchMs + restoreMs + replayMs + firstQueryMs;
}

function stamp(at: Date): string {
  return at.toISOString().replace(/[-:]|\.\d+/g, '');
}
