/**
 * Recovery while the gateway runs: WAL of each target into its vaults, points, drills and proofs when they
 * are due, orders of commands beside it, and how each target stands. In this order, again and again:
 *
 *   the lock (one gateway of an installation does this) -> streams -> orders -> reports -> what is due
 *
 * One piece of heavy work at a time; streams and reports go on beside it. Without the lock it reads what
 * the holder left on this machine. It is beside the data path: what fails here is said and tried again.
 */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Env } from './config/config.ts';
import type { Clock } from './model/clock.ts';
import { messageOf } from './model/errors.ts';
import type { HoldfastEvent } from './model/event.ts';
import {
  DRILL_AGAIN_MS,
  RECOVERY_LOOK_MS,
  RECOVERY_REPORT_AGE_MS_MAX,
  RECOVERY_REPORT_MS,
  RESTORE_ASKS_MS,
  WAL_TROUBLE_MS,
} from './model/limits.ts';
import { NOT_CONFIGURED, NOT_LOOKED_AT, type RecoveryFacts } from './model/recovery-facts.ts';
import { runningPostmaster, stopPostmaster } from './programs/postmaster.ts';
import type { Counter } from './recovery/counter.ts';
import { type DueKind, dueWork, firstOf, type WorkKind } from './recovery/due-work.ts';
import type { StreamState } from './recovery/engines/engine.ts';
import { knownFacts } from './recovery/known-facts.ts';
import { Measures } from './recovery/measures.ts';
import { OrderDesk } from './recovery/order-desk.ts';
import { countedOf } from './recovery/point-seal.ts';
import { answerAsks } from './recovery/restore/asks.ts';
import type { RestoredCopies } from './recovery/restore/restored-copies.ts';
import type { Restores } from './recovery/restore/restores.ts';
import { isSmall, type Looked, type TargetKeeper } from './recovery/target-keeper.ts';
import type { TargetReport } from './recovery/target-report.ts';
import { runWork, type WorkOrder } from './recovery/work.ts';
import { recoveryCounter } from './recovery-folder.ts';
import {
  drillFolder,
  openRecoveryRoom,
  RECOVERY_LOCK,
  type RecoveryRoom,
} from './recovery-room.ts';
import { openCopies, signedFactsOf } from './restore-room.ts';
import type { Rooms } from './rooms.ts';
import { AdvisoryLock } from './store/advisory-lock.ts';

export interface RecoveringParts {
  readonly rooms: Rooms;
  readonly env: Env;
  readonly clock: Clock;
  readonly say: (level: 'info' | 'warn', message: string) => void;
}

interface Known {
  readonly facts: RecoveryFacts;
  readonly colour: TargetReport['colour'];
  readonly changedMs: number;
  readonly saidMs: number;
}

interface Due {
  readonly keeper: TargetKeeper;
  readonly vault: string;
  readonly kind: DueKind;
  readonly goal: WorkOrder['goal'];
}

interface Troubled {
  readonly words: string;
  readonly sinceMs: number;
  readonly isTold: boolean;
}

export class Recovering {
  readonly #parts: RecoveringParts;
  readonly #configured: ReadonlySet<string>;
  readonly #lock: AdvisoryLock;
  readonly #counter: Counter;
  readonly #known = new Map<string, Known>();
  readonly #troubled = new Map<string, Troubled>();
  readonly #triedAt = new Map<string, Partial<Record<WorkKind, Date>>>();
  readonly #streaming = new Set<string>();
  readonly #measures: Measures;
  readonly #stopping = new AbortController();
  #room: RecoveryRoom | null = null;
  #copies: RestoredCopies | null = null;
  #desk: OrderDesk | null = null;
  #asks: NodeJS.Timeout | null = null;
  /** Work on restored copies: people wait for it, so it comes before what is due. */
  #jobs: (() => Promise<void>)[] = [];
  #reportedMs = Number.NEGATIVE_INFINITY;
  #working: Promise<void> | null = null;
  /** Pieces of work, so far. */
  #begun = 0;
  #reporting: Promise<void> | null = null;
  #due: Due | null = null;
  #running: Promise<void> = Promise.resolve();
  #wake: (() => void) | null = null;
  #orders: WorkOrder[] = [];
  #said: string | null = null;

  private constructor(parts: RecoveringParts) {
    this.#parts = parts;
    this.#measures = new Measures(parts.clock);
    this.#configured = new Set(
      parts.rooms.config.targets
        .filter(({ recovery }) => recovery !== null)
        .map(({ name }) => name),
    );
    this.#lock = new AdvisoryLock(parts.rooms.database, RECOVERY_LOCK);
    this.#counter = recoveryCounter(parts.rooms.config, parts.env);
  }

  /** Null: no target has `recovery`. */
  static start(parts: RecoveringParts): Recovering | null {
    if (parts.rooms.config.targets.every(({ recovery }) => recovery === null)) return null;
    const recovering = new Recovering(parts);
    recovering.#running = recovering.#loop();
    return recovering;
  }

  /**
   * What rules may ask. The same object until the colour changes or a minute has passed; NOT_LOOKED_AT
   * when nobody has looked for a minute, NOT_CONFIGURED where the target has no `recovery`.
   */
  factsOf(target: string): RecoveryFacts {
    if (!this.#configured.has(target)) return NOT_CONFIGURED;
    const known = this.#known.get(target);
    if (known === undefined) return NOT_LOOKED_AT;
    const ageMs = this.#parts.clock.monotonicMs() - known.saidMs;
    return ageMs > RECOVERY_REPORT_AGE_MS_MAX ? NOT_LOOKED_AT : known.facts;
  }

  /** Null: another Holdfast keeps recovery, or nobody does yet. */
  restores(): Restores | null {
    return this.#copies;
  }

  /** Null, as above. */
  orders(): OrderDesk | null {
    return this.#desk;
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error('Holdfast stops'));
    this.#wake?.();
    await this.#running;
    await this.#leave();
    await this.#lock.release();
  }

  async #loop(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      try {
        await this.#turn();
        this.#said = null;
      } catch (error) {
        // Once: what does not mend itself would fill the log.
        const words = messageOf(error);
        if (words !== this.#said) this.#parts.say('warn', `recovery: ${words}`);
        this.#said = words;
      }
      await this.#pause();
    }
  }

  async #turn(): Promise<void> {
    if (!(await this.#lock.tryHold())) {
      // Another process has it: two must not move one slot, nor write one chain.
      await this.#leave();
      this.#readReports();
      return;
    }
    const room = this.#room ?? (await this.#enter());
    for (const keeper of room.keepers.values()) await this.#stream(keeper);
    const isTold = await this.#watchStreams(room);
    this.#orders.push(...this.#counter.takeOrders());
    const nowMs = this.#parts.clock.monotonicMs();
    const isReportDue = isTold || nowMs - this.#reportedMs >= RECOVERY_REPORT_MS;
    if (isReportDue && this.#reporting === null) {
      this.#reportedMs = nowMs;
      // A vault that answers slowly must not hide a stream that has stopped.
      this.#reporting = this.#reportAll(room).finally(() => {
        this.#reporting = null;
      });
    }
    await this.#copies?.discardIdle();
    if (this.#working === null) this.#next(room);
  }

  async #reportAll(room: RecoveryRoom): Promise<void> {
    const begun = this.#begun;
    const isIdle = this.#working === null;
    try {
      for (const keeper of room.keepers.values()) await this.#report(keeper);
      // What was read while something was at work may be from before it.
      if (isIdle && this.#begun === begun) this.#due ??= firstOf(this.#allDue(room));
    } catch (error) {
      this.#parts.say('warn', `recovery: ${messageOf(error)}`);
    }
  }

  async #enter(): Promise<RecoveryRoom> {
    const { clock, env, rooms } = this.#parts;
    await this.#sweep();
    this.#counter.clear();
    const room = openRecoveryRoom(rooms, env, clock);
    this.#room = room;
    const copies = openCopies({ rooms, env, clock }, room, (work) => {
      this.#jobs.push(work);
      this.#wake?.();
    });
    this.#copies = copies;
    this.#desk = new OrderDesk({
      counter: this.#counter,
      clock,
      record: (event) => rooms.record(event),
      wake: () => this.#wake?.(),
    });
    const trouble = (error: unknown): void =>
      this.#parts.say('warn', `recovery: ${messageOf(error)}`);
    this.#asks = setInterval(
      () => answerAsks(this.#counter, copies, signedFactsOf(rooms), trouble),
      RESTORE_ASKS_MS,
    );
    return room;
  }

  async #leave(): Promise<void> {
    const room = this.#room;
    if (room === null) return;
    this.#room = null;
    this.#streaming.clear();
    if (this.#asks !== null) clearInterval(this.#asks);
    const copies = this.#copies;
    this.#copies = null;
    this.#desk = null;
    await copies?.close();
    this.#jobs = [];
    await this.#working;
    await this.#reporting;
    for (const event of this.#measures.rest()) await this.#note(event);
    this.#due = null;
    for (const { id } of this.#orders.splice(0)) {
      this.#counter.hasFailed(id, new Error('the gateway gave up recovery before its turn came'));
    }
    await room.close();
  }

  /** What drills left that a kill -9 broke off: their servers, then their folders. */
  async #sweep(): Promise<void> {
    const { clock, env, rooms } = this.#parts;
    const folder = drillFolder(rooms.config, env);
    for (const name of readdirSync(folder)) {
      const left = runningPostmaster(join(folder, name, 'root', 'data'));
      if (left !== null) await stopPostmaster(left.mark, clock);
      rmSync(join(folder, name), { recursive: true, force: true });
    }
  }

  /** A server that is away at the start is asked again at each turn. */
  async #stream(keeper: TargetKeeper): Promise<void> {
    if (this.#streaming.has(keeper.target)) return;
    try {
      await keeper.stream();
      this.#streaming.add(keeper.target);
      await this.#trouble(keeper.target, null, null);
    } catch (error) {
      await this.#trouble(keeper.target, null, messageOf(error));
    }
  }

  /** Whether anything was told. */
  async #watchStreams({ keepers }: RecoveryRoom): Promise<boolean> {
    let isTold = false;
    for (const keeper of keepers.values()) {
      for (const vault of keeper.vaults) {
        const state = keeper.streamOf(vault);
        if (state === null) continue;
        isTold = (await this.#trouble(keeper.target, vault, troubleIn(state))) || isTold;
      }
    }
    return isTold;
  }

  async #trouble(target: string, vault: string | null, words: string | null): Promise<boolean> {
    const key = `${target}/${vault ?? ''}`;
    const before = this.#troubled.get(key);
    const nowMs = this.#parts.clock.monotonicMs();
    if (words === null) {
      this.#troubled.delete(key);
      if (before?.isTold !== true) return false;
      await this.#note({
        kind: 'wal-stream-over',
        facts: { target, vault },
        message: `${this.#streamed(target)} of ${target} reaches ${vault ?? 'its vaults'} again.`,
      });
      return true;
    }
    const sinceMs = before?.sinceMs ?? nowMs;
    const isDue = before?.isTold !== true && nowMs - sinceMs >= WAL_TROUBLE_MS;
    this.#troubled.set(key, { words, sinceMs, isTold: isDue || before?.isTold === true });
    if (!isDue) return false;
    this.#parts.say(
      'warn',
      `${this.#streamed(target)} of ${target} to ${vault ?? 'its vaults'}: ${words}`,
    );
    await this.#note({
      kind: 'wal-stream-trouble',
      facts: { target, vault, reason: words },
      message: `${this.#streamed(target)} of ${target} does not reach ${vault ?? 'its vaults'}: ${words}`,
    });
    return true;
  }

  #streamed(target: string): string {
    const found = this.#parts.rooms.config.targets.find(({ name }) => name === target);
    return found?.recovery?.engine === 'dump' ? 'The stream of changes' : 'WAL';
  }

  async #report(keeper: TargetKeeper): Promise<void> {
    const report = await keeper.report();
    this.#counter.leaveReport(report);
    const measured = this.#measures.look(report);
    if (measured !== null) await this.#note(measured);
    const known = this.#learn(report);
    // Red at the first look is news, unless it is of a vault that is about to get its first point.
    const isNews =
      known === null
        ? report.colour === 'red' &&
          report.vaults.some(({ points }) => countedOf(points).length > 0)
        : known !== report.colour;
    if (!isNews) return;
    const before = known ?? 'not known';
    await this.#note({
      kind: 'recovery-standing',
      facts: {
        target: report.target,
        before,
        now: report.colour,
        reason: report.because[0] ?? null,
      },
      message: `Recovery of ${report.target} is ${report.colour}, it was ${before}. ${report.because.join(' ')}`,
    });
  }

  /** The colour before; null: it was not known. */
  #learn(report: TargetReport): Known['colour'] | null {
    const { colour, target } = report;
    const facts = knownFacts(report);
    const before = this.#known.get(target) ?? null;
    const saidMs = this.#parts.clock.monotonicMs();
    const isSame =
      before !== null && before.colour === colour && saidMs - before.changedMs < 60_000;
    this.#known.set(
      target,
      isSame ? { ...before, saidMs } : { facts, colour, changedMs: saidMs, saidMs },
    );
    return before?.colour ?? null;
  }

  #readReports(): void {
    const { clock, rooms } = this.#parts;
    for (const { name, recovery } of rooms.config.targets) {
      const report = recovery === null ? null : this.#counter.freshReport(name, clock.now());
      if (report !== null) this.#learn(report);
    }
  }

  #next(room: RecoveryRoom): void {
    const job = this.#jobs.shift();
    if (job !== undefined) return this.#begin(job);
    const order = this.#orders.shift();
    if (order !== undefined) return this.#begin(() => this.#carryOut(room, order));
    const due = this.#due;
    this.#due = null;
    if (due !== null) this.#begin(() => this.#doDue(due));
  }

  /** Out of what the reports found a moment ago. */
  *#allDue(room: RecoveryRoom): Generator<Due> {
    for (const keeper of room.keepers.values()) {
      for (const vault of keeper.vaults) {
        const looked = keeper.looked(vault);
        const due = looked === null ? null : this.#dueOf(keeper, looked);
        if (due !== null) yield due;
      }
    }
  }

  #begin(work: () => Promise<void>): void {
    this.#begun += 1;
    this.#working = work()
      .catch((error: unknown) => this.#parts.say('warn', `recovery: ${messageOf(error)}`))
      .finally(() => {
        this.#working = null;
        // What was due before may not be any more.
        this.#due = null;
        // What it found counts now, not at the next turn.
        this.#reportedMs = Number.NEGATIVE_INFINITY;
      });
  }

  async #carryOut(room: RecoveryRoom, order: WorkOrder): Promise<void> {
    const { id, target } = order;
    const keeper = room.keepers.get(target);
    try {
      if (keeper === undefined)
        throw new Error(`the gateway keeps no recovery points of ${target}`);
      this.#counter.isRunning(id, null);
      const tell = (progress: Parameters<Counter['isRunning']>[1]): void =>
        this.#counter.isRunning(id, progress);
      const results = await runWork(keeper, order, tell, this.#stopping.signal);
      // Whoever asks for the status after this sees what it found.
      await this.#report(keeper);
      this.#counter.isDone(id, results);
    } catch (error) {
      this.#counter.hasFailed(id, error);
    }
  }

  async #doDue({ goal, keeper, kind: dueKind, vault }: Due): Promise<void> {
    const { clock, say } = this.#parts;
    const key = `${keeper.target}/${vault}`;
    const [kind, why] =
      dueKind === 'gap-drill'
        ? (['drill', ', because of a gap'] as const)
        : ([dueKind, ''] as const);
    say('info', `Recovery of ${keeper.target}, vault ${vault}: ${kind} begins${why}.`);
    this.#triedAt.set(key, { ...this.#triedAt.get(key), [kind]: clock.now() });
    try {
      const order = { kind, vault, point: null, goal };
      const [result] = await runWork(keeper, order, () => {}, this.#stopping.signal);
      const verdict = result?.drill?.verdict ?? result?.proof?.verdict ?? 'done';
      say('info', `Recovery of ${keeper.target}, vault ${vault}: ${kind}: ${verdict}.`);
    } catch (error) {
      if (!this.#stopping.signal.aborted) throw error;
    }
  }

  #dueOf(keeper: TargetKeeper, { found, gapDrill, stream, vault }: Looked): Due | null {
    const { clock, rooms } = this.#parts;
    const { config } = rooms;
    const recovery = config.targets.find(({ name }) => name === keeper.target)?.recovery ?? null;
    const way = config.vaults.find(({ name }) => name === vault)?.way;
    if (recovery === null || way === undefined) return null;
    const newest = found.points.at(-1) ?? null;
    // From before seals: nothing fresh, and still to be proven.
    const drilled = newest ?? found.unsealed.at(-1) ?? null;
    const nowMs = clock.now().getTime();
    // What could not be tried says nothing of the point: it is tried again, and not each quarter of an hour.
    const isNewestDrilled = found.drills.some(
      ({ endedAt, point, verdict }) =>
        point === drilled?.id &&
        (verdict !== 'could-not-run' || nowMs - Date.parse(endedAt) < DRILL_AGAIN_MS),
    );
    const kind = dueWork({
      now: clock.now(),
      backupEveryMs: recovery.backupEveryMs,
      drillEveryMs: recovery.drillEveryMs,
      newestPointAt: newest === null ? null : new Date(newest.endedAt),
      canBeDrilled: drilled !== null,
      isNewestDrilled,
      isSmall: drilled !== null && isSmall(drilled),
      canDrill: keeper.canDrill,
      lastDrillAt: newestOf(found.drills.map(({ endedAt }) => new Date(endedAt))),
      // As the vault's own user everything is allowed there; its look says so each time.
      canProve: way.kind !== 'local' || way.user !== null,
      lastProofAt: newestOf(found.proofs.map(({ at }) => at)),
      triedAt: this.#triedAt.get(`${keeper.target}/${vault}`) ?? {},
      needsPoint: stream?.hasGap ?? false,
      gapDrillFrom: gapDrill?.from ?? null,
    });
    if (kind === null) return null;
    return { keeper, vault, kind, goal: isNewestDrilled ? 'random' : 'witness' };
  }

  async #note(event: HoldfastEvent): Promise<void> {
    try {
      await this.#parts.rooms.note(event);
    } catch (error) {
      this.#parts.say('warn', messageOf(error));
    }
  }

  #pause(): Promise<void> {
    if (this.#stopping.signal.aborted) return Promise.resolve();
    return new Promise((done) => {
      const timer = setTimeout(done, RECOVERY_LOOK_MS);
      this.#wake = () => {
        clearTimeout(timer);
        done();
      };
    });
  }
}

function troubleIn({ isStreaming, trouble }: StreamState): string | null {
  if (trouble !== null) return trouble;
  return isStreaming ? null : 'The WAL stream is not connected.';
}

function newestOf(dates: readonly Date[]): Date | null {
  return dates.length === 0 ? null : new Date(Math.max(...dates.map((date) => date.getTime())));
}
