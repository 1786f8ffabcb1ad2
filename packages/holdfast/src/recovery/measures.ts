/**
 * How each target stood over the last hour, as one entry of the trail: what reports of a period are made
 * of. The first look is written at once, then what was found since, once an hour, and the rest at the end:
 * what no entry covers, nobody measured.
 */
import type { Clock } from '../model/clock.ts';
import type { HoldfastEvent } from '../model/event.ts';
import { RECOVERY_MEASURED_MS } from '../model/limits.ts';
import type { TargetReport } from './target-report.ts';

interface Since {
  readonly from: Date;
  readonly fromMs: number;
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
    const known = this.#since.get(report.target);
    const since = known ?? this.#begin(report.target);
    const { colour, promise, rpoMs } = report;
    since.looks += 1;
    since[colour] += 1;
    if (rpoMs === null) since.without += 1;
    else since.rpoMs = Math.max(since.rpoMs ?? 0, rpoMs);
    if (rpoMs === null || rpoMs > promise.rpoMs) since.late += 1;
    since.report = report;
    const isDue = this.#clock.monotonicMs() - since.fromMs >= RECOVERY_MEASURED_MS;
    if (known !== undefined && !isDue) return null;
    this.#begin(report.target);
    return eventOf(since, report);
  }

  /** What was found since the last entry; begins anew. */
  rest(): readonly HoldfastEvent[] {
    const left = [...this.#since.values()];
    this.#since.clear();
    return left.flatMap((since) => (since.report === null ? [] : [eventOf(since, since.report)]));
  }

  #begin(target: string): Since {
    const counts = { looks: 0, late: 0, without: 0, green: 0, amber: 0, red: 0 };
    const fromMs = this.#clock.monotonicMs();
    const since = { from: this.#clock.now(), fromMs, ...counts, rpoMs: null, report: null };
    this.#since.set(target, since);
    return since;
  }
}

function eventOf(
  { amber, from, green, late, looks, red, rpoMs, without }: Since,
  { promise, rtoMs, target }: TargetReport,
): HoldfastEvent {
  const lost = rpoMs === null ? 'not known' : `${Math.ceil(rpoMs / 1000)} s at most`;
  return {
    kind: 'recovery-measured',
    facts: {
      target,
      from: from.toISOString(),
      ...{ looks, late, without, green, amber, red, rpoMs, rtoMs },
      promisedRpoMs: promise.rpoMs,
      promisedRtoMs: promise.rtoMs,
      promisedProvenAgeMs: promise.provenAgeMsMax,
    },
    message: `Recovery of ${target} was looked at ${looks} time(s); what could have been lost: ${lost}.`,
  };
}
