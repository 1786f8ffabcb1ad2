/**
 * How each target stood over the last hour, as one entry of the trail: what reports of a period are made
 * of. The first look is written at once, then what was found since, once an hour, and the rest at the end:
 * what no entry covers, nobody measured. Time in which nobody looked is covered by none (`to`): a store that
 * was away, a machine that slept, a vault that hung.
 */
import type { Clock } from '../model/clock.ts';
import type { HoldfastEvent } from '../model/event.ts';
import { RECOVERY_MEASURED_MS, RECOVERY_UNLOOKED_MS_MAX } from '../model/limits.ts';
import type { TargetReport } from './target-report.ts';

interface Since {
  readonly from: Date;
  readonly fromMs: number;
  /** Of the newest look. */
  to: Date;
  toMs: number;
  looks: number;
  /** More to lose than promised, or no WAL at all. */
  late: number;
  without: number;
  green: number;
  amber: number;
  red: number;
  rpoMs: number | null;
  report: TargetReport | null;
}

export class Measures {
  readonly #clock: Clock;
  readonly #since = new Map<string, Since>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Null: it is not time yet. */
  look(report: TargetReport): HoldfastEvent | null {
    const left = this.#since.get(report.target);
    const isBroken =
      left !== undefined && this.#clock.monotonicMs() - left.toMs > RECOVERY_UNLOOKED_MS_MAX;
    const broken = isBroken ? this.#written(left) : null;
    const known = isBroken ? undefined : left;
    const since = known ?? this.#begin(report.target);
    since.to = this.#clock.now();
    since.toMs = this.#clock.monotonicMs();
    const { colour, promise, rpoMs } = report;
    since.looks += 1;
    since[colour] += 1;
    if (rpoMs === null) since.without += 1;
    else since.rpoMs = Math.max(since.rpoMs ?? 0, rpoMs);
    if (rpoMs === null || rpoMs > promise.rpoMs) since.late += 1;
    since.report = report;
    const isDue = this.#clock.monotonicMs() - since.fromMs >= RECOVERY_MEASURED_MS;
    // What was broken off is written now; this first look then comes with what follows it.
    if (broken !== null) return broken;
    if (known !== undefined && !isDue) return null;
    this.#begin(report.target);
    return eventOf(since, report);
  }

  /** What was found since the last entry; begins anew. */
  rest(): readonly HoldfastEvent[] {
    const left = [...this.#since.values()];
    this.#since.clear();
    return left.flatMap((since) => this.#written(since) ?? []);
  }

  /** Null: nobody looked since it began. */
  #written(since: Since): HoldfastEvent | null {
    return since.report === null ? null : eventOf(since, since.report);
  }

  #begin(target: string): Since {
    const counts = { looks: 0, late: 0, without: 0, green: 0, amber: 0, red: 0 };
    const fromMs = this.#clock.monotonicMs();
    const from = this.#clock.now();
    const since = { from, fromMs, to: from, toMs: fromMs, ...counts, rpoMs: null, report: null };
    this.#since.set(target, since);
    return since;
  }
}

function eventOf(
  { amber, from, green, late, looks, red, rpoMs, to, without }: Since,
  { promise, rtoMs, target }: TargetReport,
): HoldfastEvent {
  const lost = rpoMs === null ? 'not known' : `${Math.ceil(rpoMs / 1000)} s at most`;
  return {
    kind: 'recovery-measured',
    facts: {
      target,
      from: from.toISOString(),
      to: to.toISOString(),
      ...{ looks, late, without, green, amber, red, rpoMs, rtoMs },
      promisedRpoMs: promise.rpoMs,
      promisedRtoMs: promise.rtoMs,
      promisedProvenAgeMs: promise.provenAgeMsMax,
    },
    message: `Recovery of ${target} was looked at ${looks} time(s); what could have been lost: ${lost}.`,
  };
}
