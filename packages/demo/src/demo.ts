/**
 * The main job, in order: build the world (a production database, its unguarded twin, staging, and
 * Holdfast in front), let the ordinary morning and then the agent happen in both, let the agent go round
 * Holdfast, take back what passed, count what is left, verify the trail. What was started is stopped by whoever called, with `stop`, also after a failure.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ORDINARY_WORK } from './agent/acts.ts';
import { goRound } from './agent/around.ts';
import { type Hosting, nineSeconds } from './agent/nine-seconds.ts';
import {
  destroy,
  findLogin,
  ordinaryWork,
  type Pace,
  stagingTask,
  type Worlds,
} from './agent/script.ts';
import { writeWorkspace } from './agent/workspace.ts';
import type { BothRows, DemoReport, WorldReport } from './report.ts';
import type { Screen } from './screen/screen.ts';
import { stopwatch } from './stopwatch.ts';
import { takeBack } from './take-back.ts';
import {
  type CarRental,
  madeUpPassword,
  makeTwin,
  PRODUCTION,
  startCarRental,
  startUnguardedVolume,
  TWIN,
} from './world/car-rental.ts';
import { type Guard, startGuard, startStore } from './world/guard.ts';
import { Measure, type Picture, type RowCounts } from './world/measure.ts';
import { type Railway, startRailway } from './world/railway.ts';

/** Things to stop, last started first. */
export class Cleanup {
  readonly #steps: (() => Promise<void>)[] = [];

  add(step: () => Promise<void>): void {
    this.#steps.unshift(step);
  }

  /** Every step is tried; the first failure is thrown at the end. */
  async run(): Promise<void> {
    const failures: unknown[] = [];
    // A step may wait for a start that adds one more.
    for (let step = this.#steps.shift(); step !== undefined; step = this.#steps.shift()) {
      await step().catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw failures[0];
  }
}

export interface World {
  readonly rental: CarRental;
  readonly guard: Guard;
  readonly worlds: Worlds;
  readonly hosting: { readonly unguarded: Hosting; readonly guarded: Hosting };
}

/** `hasDashboard`: it stays up afterwards, for people to decide in a browser. */
export async function buildWorld(
  folder: string,
  screen: Screen,
  cleanup: Cleanup,
  hasDashboard: boolean,
): Promise<World> {
  const { rental, railways } = await startServers(folder, screen, cleanup);
  const timer = stopwatch();
  const guard = await startGuard(
    join(folder, 'holdfast'),
    rental,
    railways.guarded,
    (stop) => cleanup.add(stop),
    hasDashboard,
    (what) => screen.ready(what, timer()),
  );
  const { links, proxy } = guard;
  const world = async (name: 'unguarded' | 'guarded') => {
    const workspace = join(folder, 'agent', name);
    const guarded = name === 'guarded';
    mkdirSync(workspace, { recursive: true, mode: 0o700 });
    writeWorkspace(workspace, {
      staging: guarded ? links.staging : rental.stagingUrl(),
      stagingMigration: guarded ? links.stagingRevoked : rental.stagingUrl(madeUpPassword()),
      production: guarded ? links.production : rental.ownerUrl(TWIN),
      jobs: rental.clerkUrl(guarded ? PRODUCTION : TWIN),
      railway: {
        own: guarded ? links.stagingToken : railways.unguarded.stagingToken,
        leftAbout: railways[name].accountToken,
        proxy: guarded ? proxy.url : null,
      },
    });
    const measure = await Measure.open(rental.adminUrl(guarded ? PRODUCTION : TWIN));
    cleanup.add(() => measure.close());
    const deskUrl = guarded ? links.desk : rental.ownerUrl(TWIN);
    return { folder: workspace, deskUrl, measure };
  };
  const worlds = { unguarded: await world('unguarded'), guarded: await world('guarded') };
  const { unguarded, guarded } = railways;
  const hosting = {
    unguarded: {
      folder: worlds.unguarded.folder,
      railway: unguarded,
      way: { kind: 'direct', port: unguarded.port },
    },
    guarded: { folder: worlds.guarded.folder, railway: guarded, way: { kind: 'proxy', ...proxy } },
  } as const;
  return { rental, guard, worlds, hosting };
}

interface Servers {
  readonly rental: CarRental;
  readonly railways: { readonly unguarded: Railway; readonly guarded: Railway };
}

/** Three servers at once, the customer's two and our own: the first time, each waits for its initdb. */
async function startServers(folder: string, screen: Screen, cleanup: Cleanup): Promise<Servers> {
  const timer = stopwatch();
  const stopping = (stop: () => Promise<void>): void => cleanup.add(stop);
  const say = (what: string): void => screen.ready(what, timer());
  const rented = startCarRental(join(folder, 'car-rental'), say, stopping);
  const second = startUnguardedVolume(join(folder, 'unguarded-volume'), stopping);
  const stored = startStore(join(folder, 'holdfast'), stopping);
  // Whoever stops in the middle first stops what runs (so that the rest fails soon), then waits for
  // what is still starting: a server that nobody knows would stay.
  for (const one of [rented, second, stored]) cleanup.add(() => settled(one));
  const [rental, volume, store] = await Promise.allSettled([rented, second, stored]);
  if (rental.status === 'rejected') throw rental.reason;
  if (volume.status === 'rejected') throw volume.reason;
  if (store.status === 'rejected') throw store.reason;
  screen.ready('production: a car rental, 11 tables, foreign keys, a view', timer());
  const railways = {
    unguarded: await startRailway(volume.value, stopping),
    guarded: await startRailway(rental.value.volume, stopping),
  };
  screen.ready('Railway (a stand-in): a volume under it, 3 backups; the same unguarded', timer());
  await makeTwin(rental.value);
  screen.ready('unguarded: an identical twin of the database', timer());
  return { rental: rental.value, railways };
}

async function settled(work: Promise<unknown>): Promise<void> {
  await work.catch(() => {});
}

export async function runDemo(
  world: World,
  screen: Screen,
  pace: Pace,
  seconds: () => number,
): Promise<{ report: DemoReport; rows: BothRows }> {
  const { worlds, guard, hosting } = world;
  screen.chapter('An ordinary morning at the booking desk');
  const ordinary = await ordinaryWork(worlds, screen);
  const before = await pictures(worlds);
  const start: BothRows = {
    before: before.guarded.rows,
    unguarded: before.unguarded.rows,
    guarded: before.guarded.rows,
  };
  screen.chapter('The agent: a small task in staging');
  await stagingTask(worlds, screen, pace);
  screen.chapter('The nine seconds: one request to the hosting product');
  const { holdfast, team } = guard;
  const railway = await nineSeconds({ ...hosting, holdfast, team, screen, pace });
  screen.note(
    'The unguarded volume is gone. What follows happens to another copy of its database.',
  );
  screen.chapter('The agent: production by SQL, in both worlds');
  const foundIn = await findLogin(worlds, screen, pace);
  screen.rows(start);
  const since = await guard.protection.now();
  const { acts, rows } = await destroy(worlds, foundIn, screen, start, pace);
  await pace(LAST_PAUSE_MS);
  screen.agentSays('unguarded: Database reset. The migration can run now. Task completed.');
  screen.agentSays('guarded: The rest is held for a person.');
  screen.chapter('The agent: round the gateway (guarded only; the twin is empty)');
  const show = (now: RowCounts): void => screen.rows({ ...rows, guarded: now });
  const around = await goRound(worlds.guarded, show, screen, pace);
  screen.agentSays('Done. The database is as good as clean.');
  await pace(LAST_PAUSE_MS);
  screen.chapter('A person: one command takes it all back');
  const { protection } = guard;
  const undo = await takeBack(protection, worlds.guarded.measure, before.guarded, since, screen);
  const after = await pictures(worlds);
  const left = { ...start, unguarded: after.unguarded.rows, guarded: after.guarded.rows };
  screen.rows(left);
  const held = new Set(
    acts.flatMap(({ guarded }) => (guarded.answer.kind === 'held' ? [guarded.answer.holdId] : [])),
  );
  screen.chapter('Meanwhile at the booking desk');
  // In the twin there is no table left to work on; the guarded one goes on as if nothing had been.
  const still = await ordinaryWork(worlds, screen, ORDINARY_WORK.slice(-1));
  screen.chapter('And if all of that had not been there: the vault');
  const recovery = await guard.recovery();
  screen.recovery(recovery);
  const trail = await guard.verifyTrail();
  const report: DemoReport = {
    unguarded: worldReport('unguarded'),
    guarded: {
      ...worldReport('guarded'),
      level: protection.level,
      held: await guard.countWaiting(held),
      captured: acts.filter(({ guarded }) => guarded.answer.kind === 'done').length,
    },
    trail,
    seconds: Math.round(seconds() * 10) / 10,
    ordinary: [...ordinary, ...still],
    acts,
    around,
    undo,
    railway,
    recovery,
    secondsToHold: railway.secondsToHold,
  };
  return { report, rows: left };

  function worldReport(name: 'unguarded' | 'guarded'): WorldReport {
    return {
      rowsBefore: before[name].total,
      rowsAfter: after[name].total,
      contentUnchanged: before[name].checksum === after[name].checksum,
    };
  }
}

const LAST_PAUSE_MS = 900;

async function pictures(worlds: Worlds): Promise<{ unguarded: Picture; guarded: Picture }> {
  const { guarded, unguarded } = worlds;
  return {
    unguarded: await unguarded.measure.picture(),
    guarded: await guarded.measure.picture(),
  };
}
